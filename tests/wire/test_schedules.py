"""Schedules over the wire: state, pausing, planned runs, runs for a planned instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from etlplus.domain import errors
from etlplus.v1 import job_pb2, pipeline_pb2
from tests.wire.platform import ORDERS, SOURCE, WORKSPACE, Platform, create

SCHEDULE = 'schedule: {cron: "15 2 * * *", timezone: Europe/Berlin, params: {day: 2026-01-01}}\n'


async def planned(
    served: Platform, start: str, end: str, size: int = 0
) -> list[pipeline_pb2.UpcomingRun]:
    request = pipeline_pb2.ListUpcomingRunsRequest(parent=ORDERS, page_size=size)
    request.after_time.FromJsonString(start)
    request.until_time.FromJsonString(end)
    found: list[pipeline_pb2.UpcomingRun] = []
    while True:
        answer = await served.client.pipelines.ListUpcomingRuns(request)
        found += answer.upcoming_runs
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token


def asked(time: datetime) -> pipeline_pb2.RunPipelineRequest:
    request = pipeline_pb2.RunPipelineRequest(name=ORDERS)
    request.scheduled_time.FromDatetime(time)
    return request


async def test_a_pipeline_shows_its_schedule_and_is_paused(served: Platform) -> None:
    created = await create(served, SOURCE.rstrip() + "\n" + SCHEDULE)
    state = created.schedule_state
    assert (state.summary, state.timezone) == ("cron 15 2 * * *", "Europe/Berlin")
    assert state.next_run_time.ToDatetime(tzinfo=UTC) > datetime.now(UTC)
    pause = pipeline_pb2.PausePipelineScheduleRequest(name=ORDERS)
    paused = (await served.client.pipelines.PausePipelineSchedule(pause)).schedule_state
    assert paused.paused
    assert not paused.HasField("next_run_time")
    resume = pipeline_pb2.ResumePipelineScheduleRequest(name=ORDERS)
    resumed = await served.client.pipelines.ResumePipelineSchedule(resume)
    assert resumed.schedule_state == state
    request = pipeline_pb2.ListPipelinesRequest(parent=WORKSPACE)
    (listed,) = (await served.client.pipelines.ListPipelines(request)).pipelines
    assert listed.schedule_state == state


async def test_what_has_no_schedule_cannot_be_paused(served: Platform) -> None:
    await create(served)
    with pytest.raises(errors.WrongState) as caught:
        await served.client.pipelines.PausePipelineSchedule(
            pipeline_pb2.PausePipelineScheduleRequest(name=ORDERS)
        )
    assert caught.value.code == "SCHEDULE_MISSING"
    with pytest.raises(errors.WrongState):
        await planned(served, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")


async def test_planned_runs_are_listed_in_pages(served: Platform) -> None:
    await create(served, SOURCE.rstrip() + "\n" + SCHEDULE)
    whole = await planned(served, "2026-03-27T00:00:00Z", "2026-03-31T00:00:00Z")
    assert [run.local_time for run in whole] == [
        "2026-03-27T02:15:00+01:00",
        "2026-03-28T02:15:00+01:00",
        "2026-03-29T03:00:00+02:00",
        "2026-03-30T02:15:00+02:00",
    ]
    assert whole == await planned(served, "2026-03-27T00:00:00Z", "2026-03-31T00:00:00Z", 3)


async def test_a_planned_instant_is_run_once(served: Platform) -> None:
    await create(served, SOURCE.rstrip() + "\n" + SCHEDULE)
    instant = datetime(2026, 3, 27, 1, 15, tzinfo=UTC)
    job = await served.client.pipelines.RunPipeline(asked(instant))
    assert job.scheduled_time.ToDatetime(tzinfo=UTC) == instant
    assert job.params["day"] == "2026-01-01"
    assert await served.client.pipelines.RunPipeline(asked(instant)) == job
    request = job_pb2.ListJobsRequest(
        parent=WORKSPACE, filter='scheduled_time < "2026-03-28T00:00:00Z"')  # fmt: skip
    (listed,) = (await served.client.jobs.ListJobs(request)).jobs
    listed.ClearField("wait")
    assert listed == job
    with pytest.raises(errors.InvalidInput) as caught:
        await served.client.pipelines.RunPipeline(asked(instant + timedelta(minutes=1)))
    assert caught.value.code == "INSTANT_NOT_PLANNED"
