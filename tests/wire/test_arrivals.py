"""Files that start runs, over the wire: what is watched, and why a job runs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from etlplus.domain import errors, names
from etlplus.domain.arrival import FileContent
from etlplus.domain.queueing import Queueing
from etlplus.v1 import job_pb2, pipeline_pb2
from tests.wire.platform import ORDERS, SOURCE, Platform, create

SINK = 'out: {from: clean, parquet: {uri: "out.parquet"}}'
WATCHING = SOURCE.replace(SOURCE.splitlines()[-1].strip(), SINK) + "triggers: {files: orders}\n"


async def get(served: Platform) -> pipeline_pb2.Pipeline:
    return await served.client.pipelines.GetPipeline(pipeline_pb2.GetPipelineRequest(name=ORDERS))


async def test_a_pipeline_shows_what_it_watches_and_a_job_what_arrived(served: Platform) -> None:
    created = await create(served, WATCHING)
    files = created.trigger_state.files
    assert (files.source, files.uri, files.arrived) == ("orders", "orders.csv", 0)
    assert not files.HasField("last_look_time")
    assert not created.trigger_state.upstreams
    store = served.stores.arrivals
    (due,) = await store.watched(limit=9)
    found = [FileContent(f"1-{at:02}", f"/in/{at:02}.csv", 1, at) for at in range(12)]
    uid = names.new_job_id()
    assert await store.fire(due, uid, found, queueing=Queueing()) == 12
    await store.looked(due, next_look=timedelta(seconds=10), unsettled=2)
    request = job_pb2.GetJobRequest(name=names.job_name("default", uid))
    job = await served.client.jobs.GetJob(request)
    assert job.author == "trigger"
    assert list(job.arrived_files) == [f"/in/{at:02}.csv" for at in range(10)]
    assert job.arrived_count == 12
    state = (await get(served)).trigger_state
    assert (state.files.arrived, state.files.unsettled) == (12, 2)
    assert state.files.last_path.startswith("/in/")
    assert state.files.HasField("last_arrival_time")
    waits = state.files.next_look_time.ToDatetime() - state.files.last_look_time.ToDatetime()
    assert waits >= timedelta(seconds=10)
    assert state.last_job == job.name


async def test_a_watch_is_paused_like_a_schedule(served: Platform) -> None:
    await create(served, WATCHING)
    pause = pipeline_pb2.PausePipelineScheduleRequest(name=ORDERS)
    assert (await served.client.pipelines.PausePipelineSchedule(pause)).trigger_state.paused
    assert await served.stores.arrivals.watched(limit=9) == []
    resume = pipeline_pb2.ResumePipelineScheduleRequest(name=ORDERS)
    await served.client.pipelines.ResumePipelineSchedule(resume)
    assert len(await served.stores.arrivals.watched(limit=9)) == 1


async def test_a_watch_that_would_double_rows_is_refused(served: Platform) -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        await create(served, SOURCE + "triggers: {files: orders}\n")
    assert caught.value.code == "SPEC_INVALID"
    assert "appends all rows of `orders`" in str(caught.value)
    assert "mode: merge" in str(caught.value.hint)
