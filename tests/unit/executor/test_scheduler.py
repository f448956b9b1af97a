"""The sweep that lets pipelines run by themselves."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from etlplus.domain.job import Job, JobState
from etlplus.domain.pipeline import PipelineDraft
from etlplus.domain.schedule import Catchup, Schedule, ScheduleState
from etlplus.executor.scheduler import Scheduler
from etlplus.executor.threads import Threads
from etlplus.executor.worker import Worker
from etlplus.store.memory.stores import MemoryStores
from tests.unit.executor.twins import FILES, Target, make_parts, spec_of

HOURLY = Schedule(cron="0 * * * *", catchup=Catchup.ALL)
START = datetime(2026, 5, 1, 0, 30, tzinfo=UTC)


class House:
    """Stores whose clock a test sets, and a scheduler."""

    def __init__(self, folder: Path) -> None:
        self.time = START
        self.stores = MemoryStores(lambda: self.time)
        self.parts = make_parts(folder, self.stores, Target())
        self.threads = Threads(1, "test-schedule")
        self.scheduler = Scheduler(self.parts, self.threads, look=0.01)

    async def save(self, name: str, schedule: Schedule | None, spec: bytes | None = None) -> None:
        draft = PipelineDraft(spec or spec_of(FILES), "", "root", "", schedule)
        await self.stores.pipelines.create("default", name, draft)

    async def jobs(self, name: str = "orders") -> list[Job]:
        found = await self.stores.jobs.list("default", limit=1000)
        return [job for job in reversed(found) if job.pipeline == name]

    async def state(self, name: str = "orders") -> ScheduleState:
        found = (await self.stores.pipelines.get("default", name)).schedule
        assert found is not None
        return found


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_nothing_is_run_before_its_time(house: House) -> None:
    await house.save("orders", HOURLY)
    assert await house.scheduler.sweep() == 0
    house.time += timedelta(minutes=30)
    assert await house.scheduler.sweep() == 1
    assert await house.scheduler.sweep() == 0
    (job,) = await house.jobs()
    assert job.scheduled_time == START + timedelta(minutes=30)


async def test_after_a_night_without_workers_each_instant_has_its_run(house: House) -> None:
    await house.save("orders", HOURLY)
    house.time += timedelta(hours=8)
    assert await house.scheduler.sweep() == 8
    hours = [job.scheduled_time.hour for job in await house.jobs() if job.scheduled_time]
    assert hours == list(range(1, 9))


async def test_what_is_too_late_is_left_out(house: House) -> None:
    await house.save("orders", replace(HOURLY, catchup=Catchup.SKIP))
    house.time += timedelta(hours=8)
    assert await house.scheduler.sweep() == 0
    assert (await house.state()).next_time == START + timedelta(hours=8, minutes=30)


async def test_a_bad_schedule_does_not_stop_others_and_shows_why(house: House) -> None:
    needs = spec_of(FILES + "params: {day: {type: date, default: 2026-01-01}}\n"
                    .replace("}}\n", "}}\nsteps: [{filter: 'x = ${params.day}'}]\n"))  # fmt: skip
    await house.save("broken", HOURLY, b"\xff\xff")
    await house.save("lacking", replace(HOURLY, params={"nobody": "1"}), needs)
    await house.save("lost", replace(HOURLY, every=60, cron="", timezone="UTC"))
    await house.save("orders", HOURLY)
    house.time += timedelta(minutes=30)
    await house.scheduler.sweep()
    assert len(await house.jobs()) == 1
    for name, code in [("broken", "SPEC_INVALID"), ("lacking", "PARAM_INVALID")]:
        state = await house.state(name)
        assert state.error is not None
        assert state.error.code == code
        assert state.next_time is not None
        assert state.next_time > house.time
        assert await house.jobs(name) == []


async def test_a_zone_that_is_not_known_here_is_shown(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.save("orders", HOURLY)
    house.time += timedelta(minutes=30)

    def unknown(_due: object) -> None:
        raise ValueError("no such zone")

    monkeypatch.setattr("etlplus.executor.scheduler.catch_up", unknown)
    assert await house.scheduler.sweep() == 0
    state = await house.state()
    assert state.error is not None
    assert state.error.code == "SCHEDULE_UNUSABLE"
    assert state.next_time is None


async def test_replicas_fire_each_instant_once(house: House) -> None:
    names = [f"p{number}" for number in range(5)]
    for name in names:
        await house.save(name, HOURLY)
    replicas = [Scheduler(house.parts, house.threads) for _ in range(5)]
    for _ in range(20):
        house.time += timedelta(hours=1)
        queued = await asyncio.gather(*(replica.sweep() for replica in replicas))
        assert sum(queued) == len(names)
    for name in names:
        times = [job.scheduled_time for job in await house.jobs(name)]
        assert len(times) == len(set(times)) == 20


async def test_a_worker_runs_what_is_planned(house: House) -> None:
    await house.save("orders", replace(HOURLY, catchup=Catchup.ONE))
    house.time += timedelta(hours=3)
    stop = asyncio.Event()
    worker = asyncio.create_task(
        Worker(house.parts, slots=1, lease=timedelta(days=1)).run(stop))  # fmt: skip
    with house.stores.wakeups.subscribe(None) as wakeup:
        while not (found := await house.jobs()):
            assert await wakeup.wait(60)
    with house.stores.wakeups.subscribe(found[0].uid) as wakeup:
        while not (job := (await house.jobs())[0]).state.is_final:
            assert await wakeup.wait(60)
    stop.set()
    await worker
    assert job.state is JobState.SUCCEEDED
    assert job.scheduled_time == START + timedelta(hours=2, minutes=30)
