"""Triggers over the wire: state, refusals, pausing, chains."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from etlplus.domain import errors, names
from etlplus.domain.job import JobState, Lease, Settlement
from etlplus.domain.trigger import firings
from etlplus.v1 import job_pb2, pipeline_pb2
from tests.wire.platform import ORDERS, SOURCE, WORKSPACE, Platform, create

MART = f"{WORKSPACE}/pipelines/mart"
LEASE = timedelta(seconds=30)
AFTER = "triggers: {after: [orders]}\n"


def source(name: str, extra: str = "") -> str:
    return SOURCE.replace("name: orders", f"name: {name}").rstrip() + "\n" + extra


async def succeed(served: Platform, name: str) -> job_pb2.Job:
    """A job of a pipeline that has succeeded."""
    made = await served.client.pipelines.RunPipeline(pipeline_pb2.RunPipelineRequest(name=name))
    await settle(served)
    return made


async def settle(served: Platform) -> None:
    for job in await served.stores.jobs.claim(uuid4(), lease=LEASE, limit=9):
        lease = Lease(job.uid, job.epoch)
        assert await served.stores.jobs.settle(lease, Settlement(JobState.SUCCEEDED))


async def fire(served: Platform) -> None:
    store = served.stores.triggers
    for due in await store.due(limit=9):
        found = firings(due.triggers.after, await store.waiting(due))
        assert await store.fire(due, {names.new_job_id(): firing for firing in found})


async def get(served: Platform, name: str) -> job_pb2.Job:
    return await served.client.jobs.GetJob(job_pb2.GetJobRequest(name=name))


async def test_a_pipeline_shows_its_triggers_and_is_paused(served: Platform) -> None:
    await create(served)
    created = await create(served, source("mart", AFTER))
    (upstream,) = created.trigger_state.upstreams
    assert (upstream.pipeline, upstream.waiting, upstream.newest_job) == (ORDERS, 0, "")
    pause = pipeline_pb2.PausePipelineScheduleRequest(name=MART)
    paused = await served.client.pipelines.PausePipelineSchedule(pause)
    assert paused.trigger_state.paused
    assert not paused.HasField("schedule_state")
    cause = await succeed(served, ORDERS)
    request = pipeline_pb2.ListPipelinesRequest(parent=WORKSPACE)
    (mart, _) = (await served.client.pipelines.ListPipelines(request)).pipelines
    (upstream,) = mart.trigger_state.upstreams
    assert (upstream.waiting, upstream.newest_job) == (1, cause.name)
    assert upstream.newest_state == job_pb2.Job.STATE_SUCCEEDED
    assert await served.stores.triggers.due(limit=9) == []
    resume = pipeline_pb2.ResumePipelineScheduleRequest(name=MART)
    resumed = await served.client.pipelines.ResumePipelineSchedule(resume)
    assert not resumed.trigger_state.paused
    await fire(served)
    (listed,) = (await get(served, cause.name)).downstream_jobs
    found = await get(served, listed)
    assert (found.pipeline, list(found.upstream_jobs)) == (MART, [cause.name])
    assert found.scheduled_time == cause.create_time


async def test_both_a_schedule_and_triggers_are_paused(served: Platform) -> None:
    await create(served)
    await create(served, source("mart", AFTER + "schedule: '@daily'\n"))
    pause = pipeline_pb2.PausePipelineScheduleRequest(name=MART)
    paused = await served.client.pipelines.PausePipelineSchedule(pause)
    assert paused.trigger_state.paused
    assert paused.schedule_state.paused


async def test_a_cycle_and_an_unknown_pipeline_are_refused(served: Platform) -> None:
    await create(served)
    await create(served, source("mart", AFTER))
    for only_try in (True, False):
        for after, code in [("mart", "TRIGGER_CYCLE"), ("nobody", "UPSTREAM_UNKNOWN")]:
            text = source("orders", f"triggers: {{after: [{after}]}}")
            request = pipeline_pb2.UpdatePipelineRequest(validate_only=only_try)
            request.pipeline.name = ORDERS
            request.pipeline.source_text = text
            with pytest.raises(errors.InvalidInput) as caught:
                await served.client.pipelines.UpdatePipeline(request)
            assert caught.value.code == code
    with pytest.raises(errors.InvalidInput):
        await create(served, source("other", "triggers: {after: [nobody]}"))


async def test_a_chain_is_listed_in_pages(served: Platform) -> None:
    await create(served)
    await create(served, source("mart", AFTER))
    await create(served, source("report", "triggers: {after: [mart]}"))
    top = await succeed(served, ORDERS)
    await fire(served)
    await settle(served)
    await fire(served)
    await succeed(served, ORDERS)
    request = job_pb2.ListJobsRequest(parent=WORKSPACE, chain=top.name, page_size=2)
    first = await served.client.jobs.ListJobs(request)
    request.page_token = first.next_page_token
    second = await served.client.jobs.ListJobs(request)
    assert not second.next_page_token
    found = [job.pipeline.rsplit("/", 1)[-1] for job in (*first.jobs, *second.jobs)]
    assert found == ["report", "mart", "orders"]
    of_bottom = job_pb2.ListJobsRequest(parent=WORKSPACE, chain=first.jobs[0].name)
    assert len((await served.client.jobs.ListJobs(of_bottom)).jobs) == 3
    nobody = names.job_name("default", uuid4())
    with pytest.raises(errors.NotFound):
        await served.client.jobs.ListJobs(job_pb2.ListJobsRequest(parent=WORKSPACE, chain=nobody))
    request.chain = nobody
    with pytest.raises(errors.EtlError):
        await served.client.jobs.ListJobs(request)
