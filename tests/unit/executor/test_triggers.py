"""The sweep that lets pipelines run after others."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from etlplus.domain.job import Job, JobState, NewJob
from etlplus.domain.names import new_job_id
from etlplus.domain.pipeline import PipelineDraft
from etlplus.domain.trigger import Triggers as Definition
from etlplus.executor.threads import Threads
from etlplus.executor.triggers import Triggers
from etlplus.executor.worker import Worker
from etlplus.store.memory.stores import MemoryStores
from tests.unit.executor.twins import FILES, Target, make_parts, spec_of


class House:
    """Stores, and sweeps over them."""

    def __init__(self, folder: Path) -> None:
        self.stores = MemoryStores()
        self.parts = make_parts(folder, self.stores, Target())
        self.threads = Threads(1, "test-triggers")

    async def save(self, name: str, *after: str, params: dict[str, str] | None = None) -> None:
        triggers = Definition(after, params or {}) if after else None
        draft = PipelineDraft(spec_of(FILES), "", "root", "", triggers=triggers)
        await self.stores.pipelines.create("default", name, draft)

    async def ask(self, name: str) -> Job:
        return await self.stores.jobs.create(NewJob("default", new_job_id(), name, 1, {}, "root"))

    async def jobs(self, name: str) -> list[Job]:
        found = await self.stores.jobs.list("default", limit=1000)
        return [job for job in reversed(found) if job.pipeline == name]

    async def ended(self, name: str, count: int) -> list[Job]:
        """The jobs of a pipeline as soon as so many are there and have ended."""
        with self.stores.wakeups.subscribe(None) as wakeup:
            while len(await self.jobs(name)) < count:
                assert await wakeup.wait(60)
        for job in await self.jobs(name):
            with self.stores.wakeups.subscribe(job.uid) as wakeup:
                while not (await self.stores.jobs.get("default", job.uid)).state.is_final:
                    assert await wakeup.wait(60)
        return await self.jobs(name)


class Idle(Triggers):
    """Fires nothing."""

    async def sweep(self) -> int:
        return 0


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_a_chain_runs_by_itself_and_once_at_two_replicas(house: House) -> None:
    await house.save("first")
    await house.save("second", "first")
    await house.save("third", "second")
    stop = asyncio.Event()
    workers = [
        asyncio.create_task(Worker(house.parts, slots=2, lease=timedelta(days=1)).run(stop))
        for _ in range(2)
    ]
    asked = [await house.ask("first") for _ in range(3)]
    third = await house.ended("third", 3)
    stop.set()
    await asyncio.gather(*workers)
    assert [job.state for job in third] == [JobState.SUCCEEDED] * 3
    second = await house.jobs("second")
    assert sorted(job.upstream[0] for job in second) == sorted(job.uid for job in asked)
    assert sorted(job.upstream[0] for job in third) == sorted(job.uid for job in second)
    instants = sorted(job.create_time for job in asked)
    assert sorted(job.scheduled_time for job in third if job.scheduled_time) == instants


async def test_a_run_starts_by_a_hint_without_a_look(house: House) -> None:
    await house.save("first")
    await house.save("second", "first")
    await house.save("third", "second")
    stop = asyncio.Event()
    worker = Worker(house.parts, slots=1, lease=timedelta(days=1))
    # After its first look it looks again in eleven days.
    worker._triggers = Triggers(house.parts, house.threads, look=1e6)  # noqa: SLF001 no look
    task = asyncio.create_task(worker.run(stop))
    await house.ask("first")
    (third,) = await house.ended("third", 1)
    stop.set()
    await task
    assert third.state is JobState.SUCCEEDED


async def test_a_success_before_a_crash_is_fired_after_it(house: House) -> None:
    await house.save("first")
    await house.save("second", "first")
    asked = await house.ask("first")
    stop = asyncio.Event()
    worker = Worker(house.parts, slots=1, lease=timedelta(days=1))
    # Its sweeps of triggers never come to anything, as if it died before.
    worker._triggers = Idle(house.parts, house.threads)  # noqa: SLF001 a crash
    task = asyncio.create_task(worker.run(stop))
    await house.ended("first", 1)
    stop.set()
    await task
    assert await house.jobs("second") == []
    assert await Triggers(house.parts, house.threads).sweep() == 1
    (job,) = await house.jobs("second")
    assert job.upstream == (asked.uid,)


async def test_a_bad_trigger_does_not_stop_others_and_shows_why(house: House) -> None:
    await house.save("first")
    await house.save("bad", "first", params={"nobody": "1"})
    await house.save("good", "first")
    stop = asyncio.Event()
    worker = asyncio.create_task(Worker(house.parts, slots=1, lease=timedelta(days=1)).run(stop))
    await house.ask("first")
    await house.ended("good", 1)
    stop.set()
    await worker
    state = (await house.stores.pipelines.get("default", "bad")).triggers
    assert state is not None
    assert state.error is not None
    assert state.error.code == "PARAM_INVALID"
    assert state.upstreams[0].waiting == 1
    assert await house.jobs("bad") == []
