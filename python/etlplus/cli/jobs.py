"""Jobs: list, show, watch, cancel, logs."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Annotated, Final, Literal

from cyclopts import Parameter

from etlplus.cli import exits, report
from etlplus.cli.follow import follow
from etlplus.cli.message import plain
from etlplus.cli.output import Output, render, write
from etlplus.cli.pipelines import moment
from etlplus.cli.session import CALL_SECONDS, HERE, Remote, Session, session
from etlplus.cli.text import duration, line, number, table
from etlplus.domain.errors import InvalidInput, NotFound
from etlplus.v1 import job_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

LAST: Final = "last"
State = Literal["pending", "running", "succeeded", "failed", "cancelled"]
_PAGE: Final = 1000
_JOB: Final = re.compile(
    r"workspaces/[a-z][a-z0-9-]{0,62}/jobs/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)


def list_jobs(
    *,
    pipeline: Annotated[str, Parameter(help="Only jobs of this pipeline.")] = "",
    state: Annotated[State | None, Parameter(help="Only jobs in this state.")] = None,
    chain: Annotated[
        str, Parameter(help="Only what led to this job, and all that was started by it.")
    ] = "",
    limit: Annotated[int, Parameter(alias="-n", help="The most jobs; all when 0.")] = 20,
    output: Output = "table",
    remote: Remote = HERE,
) -> int:
    """List jobs, newest first."""
    terms = [f'pipeline = "{pipeline}"'] if pipeline else []
    terms += [f"state = {state.upper()}"] if state else []
    with session(remote) as opened:
        of_job = named(opened, chain) if chain else ""
        found = list(_jobs(opened, " AND ".join(terms), limit, of_job))
    write([plain(job) for job in found], output, lambda: job_table(found))
    return exits.OK


def _jobs(opened: Session, where: str, limit: int, chain: str = "") -> Iterator[job_pb2.Job]:
    request = job_pb2.ListJobsRequest(
        parent=opened.parent,
        filter=where,
        page_size=min(limit, _PAGE) if limit > 0 else _PAGE,
        chain=chain,
    )
    left = limit if limit > 0 else sys.maxsize
    while left > 0:
        answer = opened.client.jobs.ListJobs(request, timeout=CALL_SECONDS)
        yield from answer.jobs[:left]
        left -= len(answer.jobs)
        if not answer.next_page_token:
            return
        request.page_token = answer.next_page_token


def job_table(found: list[job_pb2.Job]) -> str:
    """Jobs as a table."""
    rows = []
    for job in found:
        took = report.seconds(job)
        rows.append(
            (
                job.uid,
                job.pipeline.rsplit("/", 1)[-1],
                report.state(job),
                moment(job.create_time.ToJsonString()),
                moment(job.scheduled_time.ToJsonString())
                if job.HasField("scheduled_time")
                else "-",
                duration(took) if took else "-",
                number(job.progress.rows_read),
                number(job.rejects.rows or job.progress.rows_rejected),
                line(report.waiting(job)) if is_held(job) else job.error.code,
            )
        )
    head = ("JOB", "PIPELINE", "STATE", "CREATED", "SCHEDULED", "TOOK", "READ", "REJECTED", "NOTE")
    return table(head, rows, right="     >>>")


def is_held(job: job_pb2.Job) -> bool:
    """Whether something else than its turn keeps the job waiting."""
    return job.HasField("wait") and job.wait.reason != job_pb2.JobWait.REASON_TURN


def named(opened: Session, job: str) -> str:
    """The resource name of a job, from its id, from itself, or the newest one for `last`."""
    if job != LAST:
        name = job if "/" in job else f"{opened.parent}/jobs/{job}"
        if not _JOB.fullmatch(name):
            raise InvalidInput(
                f"{job!r} is not the id of a job",
                code="NAME_INVALID",
                hint="`etlplus jobs list` shows the ids; `last` is the newest job",
            )
        return name
    newest = next(_jobs(opened, "", 1), None)
    if newest is None:
        raise NotFound(
            "there is no job yet", code="JOB_NOT_FOUND", hint="`etlplus run FILE` makes one"
        )
    return newest.name


def fetch(opened: Session, job: str) -> job_pb2.Job:
    """A job. Raises EtlError."""
    request = job_pb2.GetJobRequest(name=named(opened, job))
    return opened.client.jobs.GetJob(request, timeout=CALL_SECONDS)


def show(job: str, /, *, output: Output = "table", remote: Remote = HERE) -> int:
    """Show a job with its books, its rejects by reason, and what each step did.

    Parameters
    ----------
    job
        The job's id, or `last`.
    """
    with session(remote) as opened:
        found = fetch(opened, job)
        refused = found.rejects.rows
        replays = list(_jobs(opened, f'replay_of = "{found.uid}"', 0)) if refused else []
    write(plain(found), output, lambda: report.details(found, replays))
    return exits.OK


def watch(job: str, /, *, output: Output = "table", remote: Remote = HERE) -> int:
    """Follow a job until it has ended; the exit code tells how.

    Ctrl-C cancels the job and waits for its end; pressed twice it leaves the job running.

    Parameters
    ----------
    job
        The job's id, or `last`.
    """
    screen = remote.screen
    with session(remote) as opened:
        ended, code = follow(opened, fetch(opened, job), screen)
    write(plain(ended), output, lambda: report.summary(ended))
    report.failure(ended, screen)
    return code


def cancel(
    job: str,
    /,
    *,
    detach: Annotated[bool, Parameter(alias="-d", help="Do not wait for the end.")] = False,
    output: Output = "table",
    remote: Remote = HERE,
) -> int:
    """Ask a job to stop and wait until it has.

    Nothing of a cancelled job is published. Cancelling a job that has ended changes nothing.

    Parameters
    ----------
    job
        The job's id, or `last`.
    """
    with session(remote) as opened:
        request = job_pb2.CancelJobRequest(name=named(opened, job))
        found = opened.client.jobs.CancelJob(request, timeout=CALL_SECONDS)
        if not detach and found.state not in report.FINAL:
            found, _ = follow(opened, found, remote.screen)
    write(plain(found), output, lambda: f"{found.uid} {report.state(found)}\n")
    return exits.OK


def logs(
    job: str,
    /,
    *,
    follow: Annotated[bool, Parameter(alias="-f", help="Stay until the job has ended.")] = False,
    output: Output = "table",
    remote: Remote = HERE,
) -> int:
    """Print the log of a job. With `-o json` each line is a JSON object.

    Parameters
    ----------
    job
        The job's id, or `last`.
    """
    with session(remote) as opened:
        request = job_pb2.TailJobLogRequest(name=named(opened, job), follow=follow)
        # A log that is followed lasts as long as its job.
        answers = opened.client.jobs.TailJobLog(request, timeout=None if follow else CALL_SECONDS)
        for answer in answers:
            for entry in answer.lines:
                sys.stdout.write(_line(entry, output))
            sys.stdout.flush()
    return exits.OK


def _line(entry: job_pb2.JobLogLine, output: Output) -> str:
    if output == "json":
        import json  # noqa: PLC0415 only then

        return json.dumps(plain(entry), ensure_ascii=False) + "\n"
    if output == "yaml":
        return "---\n" + render(plain(entry), "yaml")
    node = f" [{line(entry.node)}]" if entry.node else ""
    time = entry.time.ToJsonString()
    return f"{time} {entry.level:<7}{node} {line(entry.message)}\n"
