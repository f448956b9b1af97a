"""Each failure has its exit code."""

from __future__ import annotations

import pytest

from etlplus.cli import exits, report
from etlplus.domain import errors
from etlplus.v1 import job_pb2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidInput("x"), 2),
        (errors.InvalidInput("x", code="SPEC_INVALID"), 2),
        (errors.Unavailable("x"), 3),
        (errors.Unavailable("x", code="SERVER_UNREACHABLE"), 3),
        (errors.Unauthenticated("x"), 4),
        (errors.PermissionDenied("x"), 4),
        (errors.RunError("x", code="REJECT_BUDGET_EXCEEDED"), 5),
        (errors.RunError("x", code="CONNECTION_FAILED"), 1),
        (errors.Unavailable("x", code="CONNECTION_FAILED"), 1),
        (errors.NotFound("x"), 1),
        (errors.Cancelled("x"), 130),
        (errors.Bug("x"), 1),
    ],
)
def test_of_an_error(error: errors.EtlError, code: int) -> None:
    assert exits.of_error(error) == code


@pytest.mark.parametrize(
    ("state", "error", "code"),
    [
        (job_pb2.Job.STATE_SUCCEEDED, "", 0),
        (job_pb2.Job.STATE_FAILED, "SOURCE_NOT_FOUND", 1),
        (job_pb2.Job.STATE_FAILED, "REJECT_BUDGET_EXCEEDED", 5),
        (job_pb2.Job.STATE_CANCELLED, "", 130),
    ],
)
def test_of_a_job(state: job_pb2.Job.State, error: str, code: int) -> None:
    job = job_pb2.Job(state=state, error=job_pb2.JobError(code=error))
    assert report.exit_code(job) == code
