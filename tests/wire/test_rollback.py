"""RollbackJob over the real use cases."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from etlplus.domain import errors
from etlplus.domain.job import JobState, Settlement, SinkResult
from etlplus.domain.run import Books
from etlplus.v1 import job_pb2
from tests.wire.platform import Platform, create, lease_of, run

SINK = SinkResult("out", "parquet", "/out", "append", Books(5, 4, 1), "ab", "0" * 32)


async def ended(served: Platform, *sinks: SinkResult) -> job_pb2.Job:
    """A job that has succeeded."""
    await create(served)
    job = await run(served)
    lease = await lease_of(served)
    await served.stores.jobs.settle(lease, Settlement(JobState.SUCCEEDED, sinks=sinks))
    return job


async def test_a_job_is_rolled_back_and_says_what_was(served: Platform) -> None:
    job = await ended(served, SINK)
    request = job_pb2.RollbackJobRequest(name=job.name, cascade=True, reason="why\0")
    done = await served.client.jobs.RollbackJob(request)
    (load,) = done.loads
    assert done.job.name == job.name
    assert (load.load_id, load.sink, load.target, load.mode) == (
        uuid.UUID(job.uid).hex, "out", "/out", "append"
    )  # fmt: skip
    assert (load.removed, load.kept_bytes, load.already) == (4, 4096, False)
    assert load.rollback.time.ToDatetime(UTC) == datetime(2026, 1, 31, tzinfo=UTC)
    assert (load.rollback.author, load.rollback.reason) == ("root", "why\ufffd")
    assert served.outside.cascades == [True]


async def test_a_plan_says_what_would_be(served: Platform) -> None:
    job = await ended(served, SINK)
    request = job_pb2.RollbackJobRequest(name=job.name, validate_only=True)
    (load,) = (await served.client.jobs.RollbackJob(request)).loads
    assert not load.HasField("rollback")


async def test_a_request_id_serves_one_request(served: Platform) -> None:
    job = await ended(served, SINK)
    request = job_pb2.RollbackJobRequest(name=job.name, request_id=str(uuid.uuid4()))
    first = await served.client.jobs.RollbackJob(request)
    assert await served.client.jobs.RollbackJob(request) == first
    request.cascade = True
    with pytest.raises(errors.InvalidInput) as refused:
        await served.client.jobs.RollbackJob(request)
    assert refused.value.code == "REQUEST_ID_REUSED"


async def test_only_what_has_ended_and_published_is_rolled_back(served: Platform) -> None:
    await create(served)
    job = await run(served)
    request = job_pb2.RollbackJobRequest(name=job.name)
    with pytest.raises(errors.WrongState) as waiting:
        await served.client.jobs.RollbackJob(request)
    assert waiting.value.code == "JOB_NOT_ENDED"
    lease = await lease_of(served)
    with pytest.raises(errors.WrongState) as running:
        await served.client.jobs.RollbackJob(request)
    assert running.value.metadata["state"] == "RUNNING"
    await served.stores.jobs.settle(lease, Settlement(JobState.FAILED))
    with pytest.raises(errors.WrongState) as empty:
        await served.client.jobs.RollbackJob(request)
    assert empty.value.code == "NOTHING_PUBLISHED"
    request.name = f"workspaces/default/jobs/{uuid.uuid4()}"
    with pytest.raises(errors.NotFound):
        await served.client.jobs.RollbackJob(request)


async def test_what_a_target_says_reaches_the_caller(served: Platform) -> None:
    job = await ended(served, SINK)
    served.outside.error = errors.WrongState(
        "Later loads stand", code="ROLLBACK_BLOCKED", place="out", hint="Those first"
    )
    with pytest.raises(errors.WrongState) as blocked:
        await served.client.jobs.RollbackJob(job_pb2.RollbackJobRequest(name=job.name))
    error = blocked.value
    assert (error.code, error.place, error.hint) == ("ROLLBACK_BLOCKED", "out", "Those first")
