"""Triggers, and the pipelines and files that they wait for."""

from __future__ import annotations

from uuid import UUID

from etlplus.domain import names
from etlplus.domain.arrival import FileTrigger, WatchState
from etlplus.domain.trigger import TriggerState, Upstream
from etlplus.domain.webhook import webhook_path
from etlplus.rpc.convert.jobs import STATES, to_error
from etlplus.rpc.convert.times import to_timestamp
from etlplus.v1 import job_pb2, pipeline_pb2


def to_trigger_state(
    workspace: str, pipeline: str, state: TriggerState
) -> pipeline_pb2.TriggerState:
    """Where triggers stand."""
    message = pipeline_pb2.TriggerState(
        paused=state.paused,
        upstreams=[_to_upstream(workspace, upstream) for upstream in state.upstreams],
        last_fire_time=to_timestamp(state.last_time),
        last_job=_job(workspace, state.last_job),
        webhook_path=webhook_path(pipeline) if state.triggers.webhook else "",
    )
    if state.error is not None:
        message.error.CopyFrom(to_error(state.error))
    files, watch = state.triggers.files, state.watch
    if files is not None and watch is not None:
        message.files.CopyFrom(_to_watched(files, watch))
    return message


def _to_watched(files: FileTrigger, watch: WatchState) -> pipeline_pb2.WatchedFiles:
    return pipeline_pb2.WatchedFiles(
        source=files.source,
        uri=files.uri,
        arrived=watch.arrived,
        last_arrival_time=to_timestamp(watch.last_time),
        last_path=watch.last_path,
        last_look_time=to_timestamp(watch.look_time),
        next_look_time=to_timestamp(watch.next_look_time),
        unsettled=watch.unsettled,
    )


def _to_upstream(workspace: str, upstream: Upstream) -> pipeline_pb2.UpstreamState:
    newest = upstream.newest_state
    return pipeline_pb2.UpstreamState(
        pipeline=names.pipeline_name(workspace, upstream.pipeline),
        waiting=upstream.waiting,
        newest_job=_job(workspace, upstream.newest_job),
        newest_state=job_pb2.Job.STATE_UNSPECIFIED if newest is None else STATES[newest],
        deleted=upstream.deleted,
    )


def _job(workspace: str, uid: str) -> str:
    return names.job_name(workspace, UUID(uid)) if uid else ""
