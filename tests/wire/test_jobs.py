"""JobService over the real use cases."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from etlplus.domain import errors
from etlplus.domain.events import LogLine
from etlplus.domain.job import JobState, Settlement
from etlplus.domain.run import Progress, RejectRow
from etlplus.v1 import job_pb2, pipeline_pb2
from tests.wire.platform import ORDERS, WORKSPACE, Platform, create, lease_of, platform, run
from tests.wire.served import LOCAL


async def test_a_run_is_a_queued_job_and_a_repeat_is_the_same_job(served: Platform) -> None:
    await create(served)
    identity = str(uuid.uuid4())
    job = await run(served, identity)
    assert job.state == job_pb2.Job.State.STATE_PENDING
    assert (job.pipeline, job.version, dict(job.params)) == (ORDERS, 1, {"day": "2026-02-01"})
    assert (await run(served, identity)).name == job.name
    assert (await run(served)).name != job.name
    with pytest.raises(errors.InvalidInput) as refused:
        await served.client.pipelines.RunPipeline(
            pipeline_pb2.RunPipelineRequest(name=ORDERS, request_id=identity)
        )
    assert refused.value.code == "REQUEST_ID_REUSED"
    listed = await served.client.jobs.ListJobs(
        job_pb2.ListJobsRequest(parent=WORKSPACE, filter='pipeline = "orders" AND state = PENDING')
    )
    assert len(listed.jobs) == 2
    shown = await served.client.jobs.GetJob(job_pb2.GetJobRequest(name=job.name))
    shown.ClearField("wait")
    assert shown == job


async def test_a_watch_shows_every_change_to_the_end(served: Platform) -> None:
    await create(served)
    job = await run(served)
    watch = aiter(served.client.jobs.WatchJob(job_pb2.WatchJobRequest(name=job.name)))
    first = await anext(watch)
    assert first.snapshot.state == job_pb2.Job.State.STATE_PENDING
    assert (await anext(watch)).WhichOneof("event") == "heartbeat"
    lease = await lease_of(served)
    await served.stores.jobs.progress(lease, Progress(rows_read=7))
    await served.stores.jobs.settle(lease, Settlement(JobState.SUCCEEDED))
    news = [event async for event in watch if event.WhichOneof("event") != "heartbeat"]
    assert news[-1].snapshot.state == job_pb2.Job.State.STATE_SUCCEEDED
    sequences = [event.sequence for event in news]
    assert sequences == sorted(sequences)
    resumed = served.client.jobs.WatchJob(
        job_pb2.WatchJobRequest(name=job.name, resume_after=first.sequence)
    )
    states = [e.snapshot.state async for e in resumed if e.WhichOneof("event") == "snapshot"]
    assert states[-1] == job_pb2.Job.State.STATE_SUCCEEDED


async def _last(stream: AsyncIterator[object]) -> None:
    async for _ in stream:
        pass


async def test_a_stop_ends_open_watches_and_says_try_again() -> None:
    async with platform() as served:
        await create(served)
        job = await run(served)
        watch = aiter(served.client.jobs.WatchJob(job_pb2.WatchJobRequest(name=job.name)))
        log = aiter(
            served.client.jobs.TailJobLog(job_pb2.TailJobLogRequest(name=job.name, follow=True))
        )
        lease = await lease_of(served)
        line = LogLine(datetime(2026, 1, 31, tzinfo=UTC), "INFO", "begun")
        await served.stores.events.append_log(lease, [line])
        # Both have heard something, so that the client does not try again by itself.
        await anext(watch)
        await anext(log)
        following = asyncio.ensure_future(_last(watch)), asyncio.ensure_future(_last(log))
        await asyncio.wait_for(served.server.stop(), 30)
        for waiting in following:
            with pytest.raises(errors.Unavailable) as ended:
                await waiting
            assert ended.value.code == "DRAINING"


async def test_watches_leave_room_for_calls() -> None:
    async with platform(config=replace(LOCAL, most_watches=2)) as served:
        await create(served)
        job = await run(served)
        lease = await lease_of(served)
        await served.stores.events.append_log(lease, [LogLine(datetime.now(UTC), "INFO", "begun")])
        request = job_pb2.WatchJobRequest(name=job.name)
        tail = job_pb2.TailJobLogRequest(name=job.name, follow=True)
        watch = aiter(served.client.jobs.WatchJob(request))
        log = aiter(served.client.jobs.TailJobLog(tail))
        await anext(watch)
        await anext(log)
        with pytest.raises(errors.LimitExceeded) as refused:
            await _last(aiter(served.client.jobs.WatchJob(request)))
        assert refused.value.code == "TOO_MANY_WATCHES"
        assert refused.value.metadata["most"] == "2"
        assert (await served.client.jobs.GetJob(job_pb2.GetJobRequest(name=job.name))) is not None
        await served.stores.jobs.settle(lease, Settlement(JobState.SUCCEEDED))
        await _last(watch)
        await _last(log)
        # Those that ended have given their places back.
        await _last(aiter(served.client.jobs.WatchJob(request)))


async def test_a_cancelled_job_and_its_log(served: Platform) -> None:
    await create(served)
    job = await run(served)
    lease = await lease_of(served)
    moment = datetime(2026, 1, 31, 12, tzinfo=UTC)
    await served.stores.events.append_log(
        lease, [LogLine(moment, "INFO", f"line {n}", "orders") for n in range(3)]
    )
    cancelled = await served.client.jobs.CancelJob(job_pb2.CancelJobRequest(name=job.name))
    assert cancelled.cancel_requested
    request = job_pb2.TailJobLogRequest(name=job.name, resume_after=1)
    lines = [line async for b in served.client.jobs.TailJobLog(request) for line in b.lines]
    assert [(line.message, line.level, line.node) for line in lines] == [
        ("line 1", "info", "orders"),
        ("line 2", "info", "orders"),
    ]
    assert lines[0].time.ToDatetime(UTC) == moment


async def test_rejects_come_in_batches_with_all_reasons(served: Platform) -> None:
    await create(served)
    job = await run(served)
    reasons = '[{"column":"a","code":"CONVERSION_FAILED","message":"m"},{"code":"RULE_BROKEN"}]'
    served.outside.rows = [
        RejectRow("f.csv", n + 2, n * 10, "x" * 1000, "clean", "a", "CONVERSION_FAILED", "m", r)
        for n, r in enumerate([reasons] * 3000)
    ]
    request = job_pb2.ListRejectsRequest(parent=job.name, skip=1)
    batches = [batch async for batch in served.client.jobs.ListRejects(request)]
    rejects = [reject for batch in batches for reject in batch.rejects]
    assert [reject.line for reject in rejects] == list(range(3, 3002))
    assert [r.code for r in rejects[0].reasons] == ["CONVERSION_FAILED", "RULE_BROKEN"]
    assert max(batch.ByteSize() for batch in batches) < 2 << 20
    limited = job_pb2.ListRejectsRequest(parent=job.name, limit=2, code="RULE_BROKEN")
    few = [r async for batch in served.client.jobs.ListRejects(limited) for r in batch.rejects]
    assert len(few) == 2
