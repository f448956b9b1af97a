"""Jobs, their events, logs and rejects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from etlplus.domain import names
from etlplus.domain.events import Heartbeat, JobEvent, NumberedLine, Snapshot
from etlplus.domain.job import Job, JobError, JobState, SinkResult, SinkRollback
from etlplus.domain.queueing import WaitReason
from etlplus.domain.replay import ReplayPlan
from etlplus.domain.rollback import RolledBack
from etlplus.domain.run import RejectRow
from etlplus.domain.window import SourceWindow
from etlplus.rpc.convert.reports import to_books, to_counts, to_progress
from etlplus.rpc.convert.times import to_timestamp
from etlplus.v1 import job_pb2

STATES = {
    JobState.PENDING: job_pb2.Job.State.STATE_PENDING,
    JobState.RUNNING: job_pb2.Job.State.STATE_RUNNING,
    JobState.SUCCEEDED: job_pb2.Job.State.STATE_SUCCEEDED,
    JobState.FAILED: job_pb2.Job.State.STATE_FAILED,
    JobState.CANCELLED: job_pb2.Job.State.STATE_CANCELLED,
}
_REASONS = {
    WaitReason.TURN: job_pb2.JobWait.Reason.REASON_TURN,
    WaitReason.RETRY: job_pb2.JobWait.Reason.REASON_RETRY,
    WaitReason.WORKER: job_pb2.JobWait.Reason.REASON_WORKER,
    WaitReason.CONCURRENCY: job_pb2.JobWait.Reason.REASON_CONCURRENCY,
    WaitReason.STARTS: job_pb2.JobWait.Reason.REASON_STARTS,
}


def to_job(job: Job) -> job_pb2.Job:
    """A job as it is now."""
    rolled_back = {each.sink: each for each in job.rollbacks}
    message = job_pb2.Job(
        name=names.job_name(job.workspace, job.uid),
        uid=str(job.uid),
        pipeline=names.pipeline_name(job.workspace, job.pipeline),
        version=job.version,
        state=STATES[job.state],
        params=job.params,
        attempt=job.attempt,
        epoch=job.epoch,
        author=job.author,
        create_time=to_timestamp(job.create_time),
        start_time=to_timestamp(job.start_time),
        end_time=to_timestamp(job.end_time),
        cancel_requested=job.cancel_requested,
        progress=to_progress(job.progress),
        sinks=[_to_sink(sink, rolled_back) for sink in job.sinks],
        rejects=job_pb2.RejectsSummary(
            rows=job.rejects.rows,
            counts=to_counts(job.rejects.counts),
            warnings=to_counts(job.rejects.warnings),
        ),
        sequence=job.sequence,
        scheduled_time=to_timestamp(job.scheduled_time),
        retries=job.retries,
        retry_time=to_timestamp(job.retry_time),
        upstream_jobs=[names.job_name(job.workspace, uid) for uid in job.upstream],
        downstream_jobs=[names.job_name(job.workspace, uid) for uid in job.downstream],
        arrived_files=job.arrived,
        arrived_count=job.arrived_count,
        priority=job.priority,
        queue=job.queue,
        windows=[_to_window(each) for each in job.windows],
        plan_hash=job.plan_hash,
        warnings=[to_error(each) for each in job.warnings],
    )
    if job.wait is not None:
        message.wait.reason = _REASONS[job.wait.reason]
        message.wait.message = job.wait.message
        if job.wait.until is not None:
            message.wait.until_time.FromDatetime(job.wait.until)
    if job.error is not None:
        message.error.CopyFrom(to_error(job.error))
    if job.replay is not None:
        message.replay_of = names.job_name(job.workspace, job.replay.of)
        message.replay.CopyFrom(_to_replay(job.replay.plan))
    return message


def _to_window(window: SourceWindow) -> job_pb2.SourceWindow:
    return job_pb2.SourceWindow(
        source=window.source, summary=str(window.window), state=window.state
    )


def to_error(error: JobError) -> job_pb2.JobError:
    """Why a job failed, or could not be queued."""
    return job_pb2.JobError(
        code=error.code, message=error.message, place=error.place, hint=error.hint
    )


def _to_replay(plan: ReplayPlan) -> job_pb2.ReplaySummary:
    left_out = [
        job_pb2.LeftOutRejects(step=each.step, rows=each.rows, code=each.code, reason=each.reason)
        for each in plan.left_out
    ]
    return job_pb2.ReplaySummary(rows=plan.rows, left_out=left_out)


def _to_sink(sink: SinkResult, rolled_back: Mapping[str, SinkRollback]) -> job_pb2.SinkResult:
    message = job_pb2.SinkResult(
        name=sink.name,
        kind=sink.kind,
        target=sink.target,
        mode=sink.mode,
        books=to_books(sink.books),
        checksum=sink.checksum,
        load_id=sink.load_id,
    )
    found = rolled_back.get(sink.name)
    if found is not None:
        message.rollback.CopyFrom(_to_rollback(found.time, found.author, found.reason))
    return message


def _to_rollback(time: datetime, author: str, reason: str) -> job_pb2.SinkRollback:
    return job_pb2.SinkRollback(time=to_timestamp(time), author=author, reason=reason)


def to_rolled_back(load: RolledBack) -> job_pb2.RolledBackLoad:
    """A load that was rolled back, or would be."""
    message = job_pb2.RolledBackLoad(
        load_id=load.load_id,
        sink=load.sink,
        target=load.target,
        mode=load.mode,
        removed=load.removed,
        restored=load.restored,
        kept_bytes=load.kept_bytes,
        already=load.already,
    )
    if load.time is not None:
        message.rollback.CopyFrom(_to_rollback(load.time, load.author, load.reason))
    return message


def to_event(event: Snapshot | JobEvent | Heartbeat) -> job_pb2.WatchJobResponse:
    """A message of a watch."""
    message = job_pb2.WatchJobResponse(sequence=event.sequence)
    match event:
        case Snapshot(job=job):
            message.snapshot.CopyFrom(to_job(job))
        case JobEvent(time=time, progress=progress):
            message.time.FromDatetime(time)
            message.progress.CopyFrom(to_progress(progress))
        case Heartbeat():
            message.heartbeat.SetInParent()
    return message


def to_line(line: NumberedLine) -> job_pb2.JobLogLine:
    """A line of a log."""
    return job_pb2.JobLogLine(
        sequence=line.sequence,
        time=to_timestamp(line.time),
        level=line.level.lower(),
        message=line.message,
        node=line.node,
    )


def to_reject(row: RejectRow) -> job_pb2.Reject:
    """A refused row with every reason."""
    return job_pb2.Reject(
        source=row.source,
        line=row.line,
        byte_offset=row.byte_offset,
        raw=row.raw,
        step=row.step,
        reasons=_to_reasons(row),
    )


def _to_reasons(row: RejectRow) -> list[job_pb2.RejectReason]:
    found = json.loads(row.reasons) if row.reasons else []
    if not found:
        return [job_pb2.RejectReason(column=row.column, code=row.code, message=row.message)]
    return [
        job_pb2.RejectReason(
            column=reason.get("column") or "",
            code=reason.get("code") or "",
            message=reason.get("message") or "",
        )
        for reason in found
    ]
