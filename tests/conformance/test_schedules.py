"""Schedules: they follow their pipeline's version, and each instant is fired once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from etlplus.app.ports import Stores
from etlplus.domain.errors import NotFound, WrongState
from etlplus.domain.filter import Comparison, Operator
from etlplus.domain.job import Job, JobError, JobState, Lease, NewJob, Settlement
from etlplus.domain.names import new_job_id
from etlplus.domain.pipeline import Pipeline
from etlplus.domain.request import RequestKey
from etlplus.domain.schedule import Catchup, DueSchedule, Schedule, catch_up
from tests.conformance.drafts import LEASE, WORKSPACE, draft

OFTEN = Schedule(every=60, start="2020-01-01T00:00:00Z", catchup=Catchup.ALL, params={"day": "1"})
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
YEARLY = Schedule(cron="0 0 1 1 *", timezone="Europe/Berlin")
ERROR = JobError("PARAM_INVALID", "no value", hint="give one")


async def make(stores: Stores, schedule: Schedule | None, name: str = "p") -> Pipeline:
    return await stores.pipelines.create(WORKSPACE, name, replace(draft(), schedule=schedule))


async def save(stores: Stores, schedule: Schedule | None, text: str = "two") -> Pipeline:
    return await stores.pipelines.update(WORKSPACE, "p", replace(draft(text), schedule=schedule))


async def due(stores: Stores, name: str = "p") -> DueSchedule:
    """A schedule as it is read when its next instant has come; no test has to wait for that."""
    now = await stores.pipelines.get(WORKSPACE, name)
    state = now.schedule
    assert state is not None
    assert state.next_time is not None
    early = DueSchedule(WORKSPACE, name, now.version, state, state.next_time, state.next_time)
    assert await stores.schedules.fail(early, LONG_AGO, ERROR)
    (found,) = [each for each in await stores.schedules.due(limit=99) if each.pipeline == name]
    return found


async def fire(stores: Stores, found: DueSchedule) -> list[Job]:
    caught = catch_up(found)
    jobs = {instant: new_job_id() for instant in caught.fire}
    return list(await stores.schedules.fire(found, jobs, caught.next_time))


async def test_a_pipeline_shows_its_schedule(stores: Stores) -> None:
    made = await make(stores, YEARLY)
    assert made.schedule is not None
    assert made.schedule.schedule == YEARLY
    assert made.schedule.next_time is not None
    assert made.schedule.next_time > made.create_time
    assert made == await stores.pipelines.get(WORKSPACE, "p")
    (listed,) = await stores.pipelines.list(WORKSPACE, limit=9)
    assert listed.schedule == made.schedule
    assert (await make(stores, None, "q")).schedule is None


async def test_the_schedule_is_that_of_the_newest_version(stores: Stores) -> None:
    first = await make(stores, Schedule(every=3600))
    same = await save(stores, Schedule(every=3600, catchup=Catchup.SKIP))
    assert first.schedule
    assert same.schedule
    assert same.schedule.next_time == first.schedule.next_time
    assert same.schedule.anchor == first.schedule.anchor
    assert same.schedule.schedule.catchup is Catchup.SKIP
    other = await save(stores, YEARLY, "three")
    assert other.schedule
    assert other.schedule.next_time != first.schedule.next_time
    assert (await save(stores, None, "four")).schedule is None
    assert (await stores.pipelines.get(WORKSPACE, "p")).schedule is None
    assert await stores.schedules.until_next() is None


async def test_a_deleted_pipeline_runs_no_more(stores: Stores) -> None:
    await make(stores, OFTEN)
    found = await due(stores)
    await stores.pipelines.delete(WORKSPACE, "p")
    assert await fire(stores, found) == []
    assert await stores.schedules.due(limit=9) == []
    assert await stores.jobs.list(WORKSPACE, limit=9) == []


async def test_a_change_that_is_taken_back_leaves_no_schedule(stores: Stores) -> None:
    async def taken_back() -> None:
        async with stores.requests.once(_request(), b"body"):
            await make(stores, OFTEN)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await taken_back()
    assert await stores.schedules.until_next() is None


async def test_what_is_due_is_fired_with_its_instant(stores: Stores) -> None:
    await make(stores, OFTEN)
    found = await due(stores)
    assert found.planned <= found.now
    made = await fire(stores, found)
    assert [job.scheduled_time for job in made] == list(catch_up(found).fire)
    job = made[-1]
    assert (job.pipeline, job.version, job.author) == ("p", 1, "schedule")
    assert job.params == {"day": "1"}
    assert job == await stores.jobs.get(WORKSPACE, job.uid)
    events = await stores.events.events(WORKSPACE, job.uid, after=0, limit=9)
    assert [event.state for event in events.events] == [JobState.PENDING]
    state = (await stores.pipelines.get(WORKSPACE, "p")).schedule
    assert state is not None
    assert (state.last_time, state.last_job) == (job.scheduled_time, str(job.uid))
    assert state.next_time is not None
    assert state.next_time > found.now


@pytest.mark.parametrize("turn", range(3))
async def test_of_many_replicas_one_fires_an_instant(stores: Stores, turn: int) -> None:
    await make(stores, replace(OFTEN, every=60 + turn))
    found = await due(stores)
    seen = await asyncio.gather(*(fire(stores, found) for _ in range(8)))
    (winner,) = [jobs for jobs in seen if jobs]
    assert [job.scheduled_time for job in winner] == list(catch_up(found).fire)
    assert len(winner) == 10
    assert {job.uid for job in await stores.jobs.list(WORKSPACE, limit=99)} == {
        job.uid for job in winner}  # fmt: skip


async def test_replicas_that_read_for_themselves_fire_each_instant_once(stores: Stores) -> None:
    for name in "abcp":
        await make(stores, OFTEN, name)
        await due(stores, name)

    async def replica() -> list[tuple[str, datetime | None]]:
        mine: list[tuple[str, datetime | None]] = []
        while found := await stores.schedules.due(limit=2):
            for each in found:
                mine += [(job.pipeline, job.scheduled_time) for job in await fire(stores, each)]
        return mine

    fired = [key for mine in await asyncio.gather(*(replica() for _ in range(8))) for key in mine]
    assert len(fired) == len(set(fired)) >= 40
    assert len(await stores.jobs.list(WORKSPACE, limit=99)) == len(fired)


async def test_a_stale_reading_fires_nothing(stores: Stores) -> None:
    await make(stores, OFTEN)
    found = await due(stores)
    await save(stores, OFTEN)
    assert await fire(stores, found) == []
    assert not await stores.schedules.fail(found, None, ERROR)


async def test_an_instant_that_was_fired_before_gets_no_second_job(stores: Stores) -> None:
    await make(stores, OFTEN)
    found = await due(stores)
    earlier = await stores.schedules.run_at(_job(catch_up(found).fire[-1]))
    made = await fire(stores, found)
    assert earlier.scheduled_time not in [job.scheduled_time for job in made]


async def test_why_nothing_was_fired_is_shown_until_something_is(stores: Stores) -> None:
    await make(stores, OFTEN)
    found = await due(stores)
    assert await stores.schedules.fail(found, catch_up(found).next_time, ERROR)
    state = (await stores.pipelines.get(WORKSPACE, "p")).schedule
    assert state is not None
    assert state.error == ERROR
    assert await fire(stores, found) == []
    late = await due(stores)
    assert late.state.error == ERROR
    assert await fire(stores, late)
    state = (await stores.pipelines.get(WORKSPACE, "p")).schedule
    assert state is not None
    assert state.error is None


async def test_a_paused_schedule_waits_and_goes_on_after_now(stores: Stores) -> None:
    await make(stores, OFTEN)
    found = await due(stores)
    assert (await stores.schedules.pause(WORKSPACE, "p", paused=True)).paused
    assert await fire(stores, found) == []
    assert await stores.schedules.due(limit=9) == []
    assert await stores.schedules.until_next() is None
    saved = await save(stores, OFTEN)
    assert saved.schedule
    assert saved.schedule.paused
    again = await stores.schedules.pause(WORKSPACE, "p", paused=False)
    assert again.next_time is not None
    assert again.next_time > found.now
    assert again == (await stores.pipelines.get(WORKSPACE, "p")).schedule
    assert again == await stores.schedules.pause(WORKSPACE, "p", paused=False)


async def test_only_a_schedule_can_be_paused(stores: Stores) -> None:
    await make(stores, None)
    with pytest.raises(WrongState) as caught:
        await stores.schedules.pause(WORKSPACE, "p", paused=True)
    assert caught.value.code == "SCHEDULE_MISSING"


async def test_due_schedules_are_read_in_pages(stores: Stores) -> None:
    for name in "cab":
        await make(stores, OFTEN, name)
        await due(stores, name)
    seen: list[str] = []
    page = list(await stores.schedules.due(limit=2))
    while page:
        seen += [found.pipeline for found in page]
        page = list(await stores.schedules.due(after=page[-1].key, limit=2))
    assert seen == ["a", "b", "c"]


async def test_a_planned_instant_is_run_once_unless_it_failed(stores: Stores) -> None:
    await make(stores, YEARLY)
    instant = datetime(2020, 1, 1, tzinfo=UTC)
    first = await stores.schedules.run_at(replace(_job(instant), plan_hash="0123-4567"))
    assert first.plan_hash == "0123-4567"
    assert await stores.schedules.run_at(_job(instant)) == first
    (job,) = await stores.jobs.claim(uuid4(), lease=LEASE)
    await stores.jobs.settle(Lease(job.uid, job.epoch), Settlement(JobState.FAILED, error=ERROR))
    attempts = [stores.schedules.run_at(_job(instant)) for _ in range(8)]
    again = {made.uid for made in await asyncio.gather(*attempts)}
    assert len(again) == 1
    assert again != {first.uid}
    where = Comparison("scheduled_time", Operator.EQ, instant)
    assert {job.uid for job in await stores.jobs.list(WORKSPACE, where, limit=9)} == {
        first.uid, *again}  # fmt: skip


async def test_a_planned_run_needs_its_version(stores: Stores) -> None:
    with pytest.raises(NotFound) as caught:
        await stores.schedules.run_at(_job(datetime(2020, 1, 1, tzinfo=UTC)))
    assert caught.value.code == "VERSION_NOT_FOUND"


def _job(instant: datetime, uid: UUID | None = None) -> NewJob:
    return NewJob(WORKSPACE, uid or new_job_id(), "p", 1, {}, "root", scheduled_time=instant)


def _request() -> RequestKey:
    return RequestKey(WORKSPACE, "CreatePipeline", str(uuid4()))
