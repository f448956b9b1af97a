"""What stores refuse, wherever they keep their rows: the errors that all of them raise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etlplus.domain.errors import (
    AlreadyExists,
    EtagMismatch,
    InvalidInput,
    NotFound,
    OutOfRange,
    WrongState,
)
from etlplus.domain.job import JobError

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from etlplus.domain.fileload import FileLoad
    from etlplus.domain.job import Lease


def no_load(load: FileLoad) -> NotFound:
    """The error for a load that was never entered."""
    return NotFound(f"There is no load {load.load_id} of the sink {load.sink}.")


def lease_lost(lease: Lease) -> WrongState:
    """The error of writing with a claim that no longer holds."""
    return WrongState(
        f"The claim {lease.epoch} of job {lease.job} no longer holds.",
        code="LEASE_LOST",
        metadata={"job": str(lease.job), "epoch": str(lease.epoch)},
    )


def request_id_reused(request_id: str) -> InvalidInput:
    """The error of giving two requests one id."""
    return InvalidInput(
        f"The request id {request_id!r} was used before for another request.",
        code="REQUEST_ID_REUSED",
        place="request_id",
        hint="Make a fresh UUID for each request; repeat it only to repeat the same request.",
    )


def lost_workers(times: int) -> JobError:
    """The error of a job whose workers were lost too often."""
    return JobError(
        code="WORKER_LOST",
        message=f"Workers were lost {times} times while they ran the job.",
        hint="Look for what ends them: memory limits of the machine, crashes in its log.",
    )


def already_replayed(of: UUID, by: UUID | None) -> WrongState:
    """The error for rejects that another job has; None when that one has just ended."""
    return WrongState(
        f"The rejects of job {of} are replayed by " + (f"job {by}" if by else "another job"),
        code="ALREADY_REPLAYED",
        hint="What that job refuses can be replayed from there; or roll it back first",
        metadata={"job": str(of), "replay": str(by or "")},
    )


def pipeline_exists(name: str) -> AlreadyExists:
    """The error of making a pipeline that is there."""
    return AlreadyExists(
        f"There is a pipeline {name!r} already.", code="PIPELINE_EXISTS", metadata={"name": name}
    )


def pipeline_not_found(name: str) -> NotFound:
    """The error of naming a pipeline that is not there."""
    return NotFound(
        f"There is no pipeline {name!r}.", code="PIPELINE_NOT_FOUND", metadata={"name": name}
    )


def version_not_found(name: str, version: int) -> NotFound:
    """The error of naming a version that is not there."""
    return NotFound(
        f"Pipeline {name!r} has no version {version}.",
        code="VERSION_NOT_FOUND",
        metadata={"name": name, "version": str(version)},
    )


def etag_mismatch(what: str, name: str, etag: str) -> EtagMismatch:
    """The error of changing a thing that somebody else has changed since it was read."""
    return EtagMismatch(
        f"The {what} {name!r} has changed since it was read.",
        hint="Read it again and apply the change to what it is now.",
        metadata={"name": name, "etag": etag},
    )


def connection_exists(name: str) -> AlreadyExists:
    """The error of making a connection that is there."""
    return AlreadyExists(
        f"There is a connection {name!r} already.",
        code="CONNECTION_EXISTS",
        metadata={"name": name},
    )


def connection_not_found(name: str) -> NotFound:
    """The error of naming a connection that is not there."""
    return NotFound(
        f"There is no connection {name!r}.", code="CONNECTION_NOT_FOUND", metadata={"name": name}
    )


def cursor_too_old(after: int, oldest: int) -> OutOfRange:
    """The error of reading on from where nothing is kept any more."""
    return OutOfRange(
        f"What follows {after} is no longer kept; the oldest that is kept is {oldest}.",
        code="CURSOR_TOO_OLD",
        hint="Start again without a cursor; the first message is the present state.",
        metadata={"oldest": str(oldest)},
    )


def job_forgotten(instant: datetime | None) -> NotFound:
    """The error of asking for an instant that was run so long ago that its job is deleted."""
    return NotFound(
        f"The pipeline was run for {instant} long ago; its job is no longer kept.",
        code="JOB_NOT_FOUND",
        hint="Run it without a planned instant, with the parameters of that time.",
    )
