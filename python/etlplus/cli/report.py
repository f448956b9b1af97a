"""What became of a job: its books, its rejects by reason, its error."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from etlplus.cli import exits
from etlplus.cli.message import state_name
from etlplus.cli.pipelines import moment
from etlplus.cli.screen import next_command
from etlplus.cli.text import duration, line, number, size, table
from etlplus.domain.codes import failure_class
from etlplus.domain.queueing import PRIORITY, QUEUE
from etlplus.v1 import job_pb2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etlplus.cli.screen import Screen

FINAL = frozenset(
    {job_pb2.Job.STATE_SUCCEEDED, job_pb2.Job.STATE_FAILED, job_pb2.Job.STATE_CANCELLED}
)
_BOOKS = ("READ", "LOADED", "REJECTED", "FILTERED", "MERGED", "EXPANDED")


def state(job: job_pb2.Job) -> str:
    """The job's state in a word."""
    word = state_name(job_pb2.Job.State.Name(job.state))
    undone = sum(sink.HasField("rollback") for sink in job.sinks)
    if not undone:
        return word
    return f"{word}, {'rolled back' if undone == len(job.sinks) else 'partly rolled back'}"


def waiting(job: job_pb2.Job) -> str:
    """Why the job waits; empty when it does not."""
    if not job.HasField("wait"):
        return ""
    if not job.wait.HasField("until_time"):
        return job.wait.message
    until = job.wait.until_time.ToDatetime(UTC).astimezone().strftime("%H:%M:%S")
    return f"{job.wait.message}; next at {until}"


def standing(job: job_pb2.Job) -> str:
    """The job's state, with why it waits where it is not just its turn."""
    reason = job.wait.reason if job.HasField("wait") else job_pb2.JobWait.REASON_TURN
    if reason == job_pb2.JobWait.REASON_TURN:
        return state(job)
    return f"{state(job)}, waits: {waiting(job)}"


def seconds(job: job_pb2.Job) -> float:
    """How long it ran; 0 before it has ended."""
    if not (job.HasField("start_time") and job.HasField("end_time")):
        return 0.0
    return float((job.end_time.ToDatetime() - job.start_time.ToDatetime()).total_seconds())


def exit_code(job: job_pb2.Job) -> int:
    """What a command that waited for the job returns."""
    if job.state == job_pb2.Job.STATE_FAILED:
        return exits.of_code(job.error.code)
    return exits.CANCELLED if job.state == job_pb2.Job.STATE_CANCELLED else exits.OK


def failure(job: job_pb2.Job, screen: Screen, *, stored: bool = True) -> None:
    """Tells why a job failed, and what to do next.

    Args:
        job: a job in any state; only a failed one is spoken of.
        screen: where it is told.
        stored: whether a server keeps the job, its log and its rejects.
    """
    if job.state != job_pb2.Job.STATE_FAILED:
        return
    error = job.error
    place = f" ({error.place})" if error.place else ""
    screen.error(f"{error.code}: {error.message}{place}")
    hint = error.hint or next_command(error.code)
    if hint:
        screen.hint(hint)
    if not stored:
        return
    screen.hint(f"`etlplus jobs logs {job.uid}` tells what happened before")
    if job.rejects.rows:
        screen.hint(f"`etlplus rejects show {job.uid}` shows the rows that were refused")


def summary(job: job_pb2.Job) -> str:
    """The job, its books and its rejects, as tables."""
    parts = [_head(job)]
    if job.sinks:
        parts.append(books(job))
        parts.append(rollbacks(job))
    if job.rejects.rows:
        parts.append(reasons(job))
    if job.rejects.warnings:
        parts.append(warnings(job))
    return "\n".join(part for part in parts if part)


def rollbacks(job: job_pb2.Job) -> str:
    """A line for each sink that was rolled back; empty when none was."""
    rows = [
        (sink.name, moment(done.time.ToJsonString()), done.author, line(done.reason) or "-")
        for sink in job.sinks
        if sink.HasField("rollback")
        for done in (sink.rollback,)
    ]
    return table(("ROLLED BACK", "TIME", "BY", "REASON"), rows) if rows else ""


def details(job: job_pb2.Job, replays: Sequence[job_pb2.Job] = ()) -> str:
    """The summary, who replays the rejects, and what each source, step and sink did."""
    parts = [summary(job), replayed(replays), steps(job) if job.progress.nodes else ""]
    return "\n".join(part for part in parts if part)


def replayed(replays: Sequence[job_pb2.Job]) -> str:
    """A line for each job that replays another's rejects, newest first; empty when none does."""
    rows = [(job.uid, state(job), *_taken(job)) for job in replays]
    if not rows:
        return ""
    return table(("REPLAYED BY", "STATE", "TAKEN", "LOADED", "REFUSED"), rows, right="  >>>")


def _taken(job: job_pb2.Job) -> tuple[str, str, str]:
    loaded = "/".join(number(sink.books.loaded) for sink in job.sinks) or "-"
    return number(job.replay.rows), loaded, number(job.rejects.rows)


def _head(job: job_pb2.Job) -> str:
    rows = [
        ("job", job.uid),
        ("pipeline", f"{job.pipeline.rsplit('/', 1)[-1]} version {job.version}"),
        ("state", state(job) + (" (cancel requested)" if _is_stopping(job) else "")),
    ]
    if job.replay_of:
        total = job.replay.rows + sum(each.rows for each in job.replay.left_out)
        some = f"{number(job.replay.rows)} of {number(total)} rejects"
        rows.append(("replays", f"{some} of job {job.replay_of.rsplit('/', 1)[-1]}"))
        rows += [
            ("left out", f"{number(each.rows)} of {each.step}: {line(each.reason)}")
            for each in job.replay.left_out
        ]
    rows += _queueing(job)
    rows += [("reads", f"{each.source}: {line(each.summary)}") for each in job.windows]
    rows += [("param", f"{name}={value}") for name, value in sorted(job.params.items())]
    if job.HasField("scheduled_time"):
        rows.append(("scheduled", job.scheduled_time.ToJsonString()))
    rows += [("run after", name.rsplit("/", 1)[-1]) for name in job.upstream_jobs]
    rows += [("arrived", line(path)) for path in job.arrived_files]
    more = job.arrived_count - len(job.arrived_files)
    if more > 0:
        rows.append(("", f"and {number(more)} more files"))
    rows += [("has started", name.rsplit("/", 1)[-1]) for name in job.downstream_jobs]
    took = seconds(job)
    if took:
        rate = job.progress.rows_read / took
        rows.append(("took", f"{duration(took)}, {number(rate)} rows/s"))
    elif job.progress.rows_read:
        rows.append(("rows read", number(job.progress.rows_read)))
    if job.progress.spilled_bytes:
        held, written = size(job.progress.peak_memory), size(job.progress.spilled_bytes)
        rows.append(("memory", f"{held} held, {written} spilled to disk"))
    if job.attempt > 1:
        rows.append(("attempt", str(job.attempt)))
    rows += [("warning", f"{each.code}: {line(each.message)}") for each in job.warnings]
    if job.error.code:
        rows.append(("error", f"{job.error.code}: {job.error.message}"))
        rows.append(("class", failure_class(job.error.code)))
    return table((), ()) if not rows else "".join(f"{name:<11}{value}\n" for name, value in rows)


def _queueing(job: job_pb2.Job) -> list[tuple[str, str]]:
    """Why it waits, and what of its queueing is not as usual."""
    rows = [("waits", waiting(job))] if job.HasField("wait") else []
    rows += [("queue", job.queue)] if job.queue not in {"", QUEUE} else []
    return rows + ([("priority", str(job.priority))] if job.priority != PRIORITY else [])


def steps(job: job_pb2.Job) -> str:
    """What came into each source, step and sink, what became of it, and how long that took."""
    rows = []
    for node in job.progress.nodes:
        figures = (
            *(node.rows_in, node.rows_out, node.rejected),
            *(node.filtered, node.merged_away, node.expanded),
        )
        time = duration(node.worked_micros / 1e6)
        rows.append((node.name, node.kind, *map(number, figures), time))
    return table(("STEP", "KIND", "IN", "OUT", *_BOOKS[2:], "TIME"), rows, right="  >>>>>>>")


def _is_stopping(job: job_pb2.Job) -> bool:
    return job.cancel_requested and job.state not in FINAL


def books(job: job_pb2.Job) -> str:
    """A line for each sink: where every row that was read has gone."""
    deleted = any(sink.books.deleted for sink in job.sinks)
    rows = []
    for sink in job.sinks:
        kept = sink.books
        figures = (
            *(kept.read, kept.loaded, kept.rejected),
            *(kept.filtered, kept.merged_away, kept.expanded),
            *((kept.deleted,) if deleted else ()),
        )
        rows.append((sink.name, f"{sink.kind} {sink.target}", sink.mode, *map(number, figures)))
    head = ("SINK", "TARGET", "MODE", *_BOOKS, *(("DELETED",) if deleted else ()))
    return table(head, rows, right="   >>>>>>>")


def reasons(job: job_pb2.Job) -> str:
    """How many rows were refused for each reason."""
    rows = [
        (count.step, count.column or "-", count.code, number(count.rows))
        for count in job.rejects.counts
    ]
    return table(("REFUSED BY", "COLUMN", "REASON", "ROWS"), rows, right="   >")


def warnings(job: job_pb2.Job) -> str:
    """How many rows broke each rule that only warns."""
    rows = [
        (count.step, count.rule or count.column or "-", count.code, number(count.rows))
        for count in job.rejects.warnings
    ]
    return table(("WARNED BY", "RULE", "REASON", "ROWS"), rows, right="   >")
