"""Runs what a schedule planned in the past, a few jobs at a time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Final
from zoneinfo import ZoneInfo

from cyclopts import Parameter

from etlplus.cli import exits, report
from etlplus.cli.definition import parameters
from etlplus.cli.follow import wait_for
from etlplus.cli.interrupt import Detached, cancelling
from etlplus.cli.jobs import job_table
from etlplus.cli.message import plain
from etlplus.cli.output import Output, write
from etlplus.cli.schedules import planned_runs, shown
from etlplus.cli.session import CALL_SECONDS, HERE, Remote, Session, session
from etlplus.domain.errors import InvalidInput
from etlplus.domain.schedule import wall_clock
from etlplus.v1 import job_pb2, pipeline_pb2

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_AT_ONCE: Final = 32


def backfill(
    pipeline: str,
    /,
    *,
    from_: Annotated[str, Parameter(name="--from", help="The first day, or a time.")],
    to: Annotated[str, Parameter(help="The last day, or a time.")],
    parallel: Annotated[int, Parameter(help="How many of the jobs may wait or run at once.")] = 1,
    param: Annotated[
        list[str] | None, Parameter(alias="-p", help="NAME=VALUE; may be given often.")
    ] = None,
    dry_run: Annotated[bool, Parameter(help="Only show what would be run.")] = False,
    output: Output = "table",
    remote: Remote = HERE,
) -> int:
    """Run a pipeline for each instant that its schedule planned in a range of time.

    Days and times are those of the schedule's zone; both ends count. An instant that has its job
    already is not run again, unless that job failed or was cancelled: a backfill that was broken
    off is simply started again. Ctrl-C starts no further job and waits for those that run.

    Parameters
    ----------
    pipeline
        The stored pipeline.
    """
    if not 1 <= parallel <= _MOST_AT_ONCE:
        raise InvalidInput(
            f"--parallel {parallel} is not between 1 and {_MOST_AT_ONCE}", place="--parallel"
        )
    screen = remote.screen
    params = parameters(param or ())
    with session(remote) as opened:
        name = opened.pipeline(pipeline)
        runs = _runs(opened, name, from_, to)
        if dry_run:
            write([plain(run) for run in runs], output, lambda: shown(runs))
            return exits.OK
        screen.note(f"{len(runs)} runs are planned from {from_} to {to}")
        batch = _Batch(opened, name, params)
        jobs = batch.run(runs, parallel)
        if batch.stopped.is_set():
            screen.note(f"stopped: {len(runs) - len(jobs)} runs were not started")
    write([plain(job) for job in jobs], output, lambda: job_table(jobs))
    for job in jobs:
        report.failure(job, screen)
    codes = {report.exit_code(job) for job in jobs} - {exits.OK}
    if batch.stopped.is_set():
        return exits.CANCELLED
    return codes.pop() if len(codes) == 1 else exits.FAILED if codes else exits.OK


def _runs(opened: Session, name: str, start: str, end: str) -> list[pipeline_pb2.UpcomingRun]:
    asked = pipeline_pb2.GetPipelineRequest(name=name)
    found = opened.client.pipelines.GetPipeline(asked, timeout=CALL_SECONDS)
    zone = found.schedule_state.timezone or "UTC"
    request = pipeline_pb2.ListUpcomingRunsRequest(parent=name)
    # The bound below is exclusive, and a range holds both its ends.
    request.after_time.FromDatetime(first_moment(start, zone) - datetime.resolution)
    request.until_time.FromDatetime(last_moment(end, zone))
    if request.until_time.ToDatetime() <= request.after_time.ToDatetime():
        raise InvalidInput(f"--to {end} is before --from {start}", place="--to")
    return list(planned_runs(opened, request))


def first_moment(text: str, zone: str) -> datetime:
    """The first moment of a day in a zone, or the given time. Raises InvalidInput."""
    day = _day(text)
    return _moment(text, zone) if day is None else _midnight(day, zone)


def last_moment(text: str, zone: str) -> datetime:
    """The last moment of a day in a zone, or the given time. Raises InvalidInput."""
    day = _day(text)
    if day is None:
        return _moment(text, zone)
    return _midnight(day + timedelta(days=1), zone) - datetime.resolution


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def _moment(text: str, zone: str) -> datetime:
    try:
        return wall_clock(text, zone)
    except ValueError:
        raise InvalidInput(
            f"{text!r} is neither a day nor a time",
            hint="Write it as in 2026-01-31 or 2026-01-31T02:15",
        ) from None


class _Batch:
    """Submits jobs in order, a few at a time, and waits for each."""

    def __init__(self, opened: Session, name: str, params: dict[str, str]) -> None:
        self._opened = opened
        self._name = name
        self._params = params
        self.stopped = threading.Event()

    def run(self, runs: Sequence[pipeline_pb2.UpcomingRun], parallel: int) -> list[job_pb2.Job]:
        """Returns the ended jobs, in the order of their instants."""
        try:
            with (
                cancelling(self.stopped.set),
                ThreadPoolExecutor(parallel, thread_name_prefix="etlplus-backfill") as pool,
            ):
                ended = list(pool.map(self._one, runs))
        except Detached:
            self.stopped.set()
            return []
        return [job for job in ended if job is not None]

    def _one(self, planned: pipeline_pb2.UpcomingRun) -> job_pb2.Job | None:
        if self.stopped.is_set():
            return None
        request = pipeline_pb2.RunPipelineRequest(
            name=self._name, params=self._params, scheduled_time=planned.scheduled_time
        )
        try:
            job = self._opened.client.pipelines.RunPipeline(request, timeout=CALL_SECONDS)
            return wait_for(self._opened, job)
        except BaseException:
            # What is wrong with one request is wrong with all.
            self.stopped.set()
            raise
