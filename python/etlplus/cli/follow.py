"""Follows a job of a server until it has ended."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from etlplus.cli import exits, report
from etlplus.cli.interrupt import Detached, cancelling
from etlplus.cli.progress import meter
from etlplus.cli.session import CALL_SECONDS
from etlplus.domain.errors import EtlError, OutOfRange, Unavailable
from etlplus.v1 import job_pb2

if TYPE_CHECKING:
    from etlplus.cli.progress import Meter
    from etlplus.cli.screen import Screen
    from etlplus.cli.session import Session
    from etlplus.v1 import report_pb2

#: How often a broken watch is resumed without news, and the seconds before each time.
_RESUMES: Final = 8
_RESUME_SECONDS: Final = 1.0


def follow(opened: Session, job: job_pb2.Job, screen: Screen) -> tuple[job_pb2.Job, int]:
    """Shows a job's progress until it has ended.

    Ctrl-C asks the job to stop and goes on waiting; a second one leaves it running.

    Returns:
        The job as it was last seen, and the command's exit code.

    Raises:
        EtlError: the server went away and did not come back, or refuses.
    """

    def cancel() -> None:
        screen.note("cancelling; press Ctrl-C again to leave the job alone")
        try:
            request = job_pb2.CancelJobRequest(name=job.name)
            opened.client.jobs.CancelJob(request, timeout=CALL_SECONDS)
        except EtlError as error:
            screen.failure(error)

    title = job.pipeline.rsplit("/", 1)[-1]
    try:
        with cancelling(cancel), meter(screen, title) as shown:
            _watch(opened, job.name, shown)
            request = job_pb2.GetJobRequest(name=job.name)
            ended = opened.client.jobs.GetJob(request, timeout=CALL_SECONDS)
    except Detached:
        screen.note(f"left job {job.uid} to itself")
        screen.tip(f"`etlplus jobs watch {job.uid}` follows it again")
        return job, exits.CANCELLED
    return ended, report.exit_code(ended)


def wait_for(opened: Session, job: job_pb2.Job) -> job_pb2.Job:
    """Returns a job when it has ended. Raises EtlError as `follow`."""
    _watch(opened, job.name, _Silent())
    request = job_pb2.GetJobRequest(name=job.name)
    return opened.client.jobs.GetJob(request, timeout=CALL_SECONDS)


def _watch(opened: Session, name: str, shown: Meter | _Silent) -> None:
    seen = failures = 0
    pause = threading.Event()
    while True:
        try:
            for event in opened.client.jobs.WatchJob(
                job_pb2.WatchJobRequest(name=name, resume_after=seen)
            ):
                seen, failures = max(seen, event.sequence), 0
                if _show(event, shown):
                    return
        except OutOfRange:
            seen = 0
            continue
        except Unavailable:
            failures += 1
            if failures > _RESUMES:
                raise
            pause.wait(_RESUME_SECONDS)
            continue
        return


class _Silent:
    """Shows nothing of a job."""

    def state(self, _text: str) -> None:
        """Nothing."""

    def update(self, _progress: report_pb2.RunProgress) -> None:
        """Nothing."""


def _show(event: job_pb2.WatchJobResponse, shown: Meter | _Silent) -> bool:
    """Shows an event. True: the job has ended."""
    kind = event.WhichOneof("event")
    if kind == "snapshot":
        shown.state(report.standing(event.snapshot))
        shown.update(event.snapshot.progress)
        return event.snapshot.state in report.FINAL
    if kind == "progress":
        shown.update(event.progress)
    return False
