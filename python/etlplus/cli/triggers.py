"""Triggers: which pipelines run after others or when files arrive, and what they wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from etlplus.cli.message import state_name
from etlplus.cli.output import Output
from etlplus.cli.pipelines import identifier, moment
from etlplus.cli.session import HERE, Remote
from etlplus.cli.starting import list_started
from etlplus.cli.text import line, number, table
from etlplus.v1 import job_pb2

if TYPE_CHECKING:
    from etlplus.v1 import pipeline_pb2

_Time = Literal["last_arrival_time", "next_look_time"]


def list_triggers(*, output: Output = "table", remote: Remote = HERE) -> int:
    """List what runs after other pipelines, when files arrive or by a webhook, and how that stands.

    A line for each pipeline that is waited for: its newest job, and how many of its successes have
    not started a run yet. A line for each pipeline that waits for files: which, how many contents
    have started a run, and when a worker looks next. A line for each webhook: the path at the
    address that ETLPLUS_HTTP_LISTEN sets.
    """
    return list_started("trigger_state", _table, output, remote)


def _table(found: list[pipeline_pb2.Pipeline]) -> str:
    parts = [_after(found), _files([one for one in found if one.trigger_state.HasField("files")])]
    return "\n".join(part for part in parts if part)


def _after(found: list[pipeline_pb2.Pipeline]) -> str:
    rows = []
    for one in found:
        state = one.trigger_state
        fired = moment(state.last_fire_time.ToJsonString()) if state.last_job else "-"
        rows += [
            (
                identifier(one.name),
                identifier(upstream.pipeline),
                _newest(upstream),
                number(upstream.waiting),
                "paused" if state.paused else fired,
                identifier(state.last_job) or "-",
                state.error.code,
            )
            for upstream in state.upstreams
        ]
        if state.webhook_path:
            path = f"POST {state.webhook_path}"
            now = "paused" if state.paused else fired
            job = identifier(state.last_job) or "-"
            rows.append((identifier(one.name), path, "-", "-", now, job, state.error.code))
    head = ("PIPELINE", "AFTER", "ITS NEWEST JOB", "WAITING", "LAST", "JOB", "ERROR")
    # With no trigger at all, the heads tell what would stand here.
    return table(head, rows, right="   >   ") if rows or not found else ""


def _files(found: list[pipeline_pb2.Pipeline]) -> str:
    rows = []
    for one in found:
        state, files = one.trigger_state, one.trigger_state.files
        rows.append(
            (
                identifier(one.name),
                line(files.uri),
                number(files.arrived),
                number(files.unsettled),
                _time(files, "last_arrival_time"),
                line(files.last_path) or "-",
                "paused" if state.paused else _time(files, "next_look_time"),
                identifier(state.last_job) or "-",
                state.error.code,
            )
        )
    head = (
        "PIPELINE", "FILES", "ARRIVED", "SETTLING", "LAST", "FILE", "NEXT LOOK", "JOB", "ERROR"
    )  # fmt: skip
    return table(head, rows, right="  >>     ") if rows else ""


def _time(files: pipeline_pb2.WatchedFiles, field: _Time) -> str:
    return moment(getattr(files, field).ToJsonString()) if files.HasField(field) else "-"


def _newest(upstream: pipeline_pb2.UpstreamState) -> str:
    if not upstream.newest_job:
        return "deleted" if upstream.deleted else "none yet"
    state = state_name(job_pb2.Job.State.Name(upstream.newest_state))
    return f"{state}, deleted" if upstream.deleted else state
