"""ReplayRejects over the real use cases."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime

import grpc
import pytest

from etlplus.domain import errors
from etlplus.domain.job import JobState, Settlement, SinkResult, SinkRollback
from etlplus.domain.run import Books, NodeCounters, Progress, RejectCount, RejectSummary
from etlplus.v1 import job_pb2, pipeline_pb2
from tests.wire.platform import ORDERS, SOURCE, WORKSPACE, Platform, create, lease_of, run

SINK = SinkResult("out", "parquet", "/out", "append", Books(9, 4, 5), "ab", "0" * 32)
REJECTS = RejectSummary(
    5,
    (
        RejectCount("orders", "", "TOO_FEW_FIELDS", 2),
        RejectCount("clean", "amount", "CONVERSION_FAILED", 2),
        RejectCount("clean", "other", "CONVERSION_FAILED", 3),
    ),
    "/rejects",
)
PROGRESS = Progress((NodeCounters("orders", "csv", 9, 7, 2), NodeCounters("clean", "map", 7, 4, 3)))


async def ended(
    served: Platform,
    state: JobState = JobState.SUCCEEDED,
    rejects: RejectSummary = REJECTS,
    progress: Progress = PROGRESS,
    source: str = SOURCE,
) -> job_pb2.Job:
    """A job that has ended."""
    await create(served, source)
    job = await run(served)
    lease = await lease_of(served)
    sinks = (SINK,) if state is JobState.SUCCEEDED else ()
    settlement = Settlement(state, progress, sinks, rejects)
    assert await served.stores.jobs.settle(lease, settlement)
    return job


async def replay(served: Platform, job: job_pb2.Job, request_id: str = "") -> job_pb2.Job:
    request = job_pb2.ReplayRejectsRequest(name=job.name, request_id=request_id)
    return await served.client.jobs.ReplayRejects(request)


async def refused(served: Platform, job: job_pb2.Job) -> errors.WrongState:
    with pytest.raises(errors.WrongState) as caught:
        await replay(served, job)
    return caught.value


async def save(served: Platform, source: str) -> None:
    """A new version."""
    await served.client.pipelines.UpdatePipeline(
        pipeline_pb2.UpdatePipelineRequest(
            pipeline=pipeline_pb2.Pipeline(name=ORDERS, source_text=source)
        )
    )


async def test_the_newest_version_takes_the_rejects_with_the_same_parameters(
    served: Platform,
) -> None:
    job = await ended(served)
    await save(served, SOURCE.replace("decimal(12,2)", "varchar"))
    made = await replay(served, job)
    assert (made.state, made.version) == (job_pb2.Job.STATE_PENDING, 2)
    assert made.params == {"day": "2026-02-01"}
    assert made.replay_of == job.name
    assert made.replay.rows == 5
    assert not made.replay.left_out
    answer = await served.client.jobs.ListJobs(
        job_pb2.ListJobsRequest(parent=WORKSPACE, filter=f'replay_of = "{job.uid}"')
    )
    assert [found.name for found in answer.jobs] == [made.name]
    again = await served.client.jobs.GetJob(job_pb2.GetJobRequest(name=job.name))
    assert not again.replay_of
    assert not again.HasField("replay")


async def test_it_runs_for_the_instant_of_the_first_run(served: Platform) -> None:
    job = await ended(served)
    original = await served.stores.jobs.get("default", uuid.UUID(job.uid))
    made = await replay(served, job)
    kept = await served.stores.jobs.get("default", uuid.UUID(made.uid))
    assert kept.replay is not None
    assert (kept.scheduled_time, kept.replay.since) == (original.create_time, original.start_time)
    lease = await lease_of(served)
    await served.stores.jobs.settle(
        lease, Settlement(JobState.SUCCEEDED, PROGRESS, (SINK,), REJECTS)
    )
    second = await replay(served, made)
    kept = await served.stores.jobs.get("default", uuid.UUID(second.uid))
    assert second.replay_of == made.name
    assert kept.scheduled_time == original.create_time


async def test_what_is_left_out_is_told(served: Platform) -> None:
    source = SOURCE.replace("sinks:", "sinks:\n  raw: {from: orders, jsonl: raw/}")
    made = await replay(served, await ended(served, source=source))
    assert made.replay.rows == 2
    (left,) = made.replay.left_out
    assert (left.step, left.rows, left.code) == ("clean", 3, "REPLAY_UNSUPPORTED")
    assert "`orders` is read more than once" in left.reason


async def test_without_counters_the_reasons_tell_how_many(served: Platform) -> None:
    job = await ended(served, progress=Progress())
    assert (await replay(served, job)).replay.rows == 5


async def test_a_repeated_request_answers_the_same_job(served: Platform) -> None:
    job = await ended(served)
    id_ = str(uuid.uuid4())
    first = await replay(served, job, id_)
    assert (await replay(served, job, id_)).name == first.name
    with pytest.raises(errors.InvalidInput) as reused:
        await replay(served, first, id_)
    assert reused.value.code == "REQUEST_ID_REUSED"


async def test_it_is_done_once(served: Platform) -> None:
    job = await ended(served)
    answers = await asyncio.gather(*(replay(served, job) for _ in range(4)), return_exceptions=True)
    (made,) = [answer for answer in answers if isinstance(answer, job_pb2.Job)]
    error = await refused(served, job)
    assert error.code == "ALREADY_REPLAYED"
    assert error.metadata["replay"] == made.uid
    assert made.uid in error.message


async def test_only_what_has_ended_and_stands_is_replayed(served: Platform) -> None:
    await create(served)
    job = await run(served)
    assert (await refused(served, job)).code == "JOB_NOT_ENDED"
    lease = await lease_of(served)
    await served.stores.jobs.settle(lease, Settlement(JobState.FAILED, rejects=REJECTS))
    error = await refused(served, job)
    assert error.code == "NOTHING_PUBLISHED"
    assert error.hint == "Run the pipeline again"
    job.name = f"{WORKSPACE}/jobs/{uuid.uuid4()}"
    with pytest.raises(errors.NotFound):
        await replay(served, job)


async def test_what_was_rolled_back_is_run_again_instead(served: Platform) -> None:
    job = await ended(served)
    rolled_back = SinkRollback("out", datetime(2026, 1, 31, tzinfo=UTC), "root")
    await served.stores.jobs.roll_back("default", uuid.UUID(job.uid), [rolled_back])
    assert (await refused(served, job)).code == "NOTHING_PUBLISHED"


async def test_nothing_refused_is_nothing_to_replay(served: Platform) -> None:
    job = await ended(served, rejects=RejectSummary(), progress=Progress())
    assert (await refused(served, job)).code == "NOTHING_TO_REPLAY"


async def test_rejects_that_are_gone_say_so(served: Platform) -> None:
    job = await ended(served)
    served.outside.kept = False
    assert (await refused(served, job)).code == "REJECTS_GONE"


async def test_a_shape_that_cannot_be_replayed_is_named(served: Platform) -> None:
    job = await ended(served, source=SOURCE.replace('"out/"', "out.parquet"))
    error = await refused(served, job)
    assert error.code == "REPLAY_UNSUPPORTED"
    assert "`out` has the mode replace" in error.message


async def test_the_newest_version_must_take_the_parameters(served: Platform) -> None:
    job = await ended(served)
    await save(served, SOURCE.replace("day:", "month:"))
    with pytest.raises(errors.InvalidInput) as caught:
        await replay(served, job)
    assert caught.value.code == "PARAM_INVALID"


async def test_it_needs_the_permission_to_run(served: Platform) -> None:
    job = await ended(served)
    async with grpc.aio.insecure_channel(served.address) as channel:
        from etlplus.v1 import job_pb2_grpc  # noqa: PLC0415 only here

        stub = job_pb2_grpc.JobServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ReplayRejects(job_pb2.ReplayRejectsRequest(name=job.name))
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
