"""The worker's loop: claims, slots, draining."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from etlplus.domain.errors import Unavailable
from etlplus.domain.job import Job, JobState
from etlplus.executor.worker import Worker
from etlplus.store.memory.stores import MemoryStores
from tests.unit.executor.twins import Target, engine_of, make_parts, submit

LEASE = timedelta(seconds=30)


class Factory:
    """A worker over twins."""

    def __init__(self, folder: Path) -> None:
        self.stores = MemoryStores()
        self.target = Target()
        self.parts = make_parts(folder, self.stores, self.target)
        self.engine = engine_of(self.parts)

    @asynccontextmanager
    async def working(self, slots: int = 1) -> AsyncIterator[asyncio.Event]:
        stop = asyncio.Event()
        task = asyncio.create_task(Worker(self.parts, slots=slots, lease=LEASE).run(stop))
        try:
            yield stop
        finally:
            stop.set()
            await task

    async def until(self, job: Job, *states: JobState) -> Job:
        with self.stores.wakeups.subscribe(job.uid) as wakeup:
            while True:
                now = await self.stores.jobs.get("default", job.uid)
                if now.state in states:
                    return now
                assert await wakeup.wait(60), now


@pytest.fixture
def factory(tmp_path: Path) -> Factory:
    return Factory(tmp_path)


async def test_jobs_that_wait_and_jobs_that_come_are_run(factory: Factory) -> None:
    waiting = await submit(factory.stores)
    async with factory.working():
        assert (await factory.until(waiting, JobState.SUCCEEDED)).attempt == 1
        coming = [await submit(factory.stores) for _ in range(3)]
        for job in coming:
            assert (await factory.until(job, JobState.SUCCEEDED)).attempt == 1
    assert len(factory.target.applied) == 8


async def test_no_more_jobs_are_claimed_than_there_are_slots(factory: Factory) -> None:
    factory.engine.open = False
    jobs = [await submit(factory.stores) for _ in range(3)]
    async with factory.working(slots=2):
        for job in jobs[:2]:
            await factory.until(job, JobState.RUNNING)
        await asyncio.to_thread(factory.engine.await_start, 2)
        assert (await factory.stores.jobs.get("default", jobs[2].uid)).state is JobState.PENDING
        factory.engine.release()
        await factory.until(jobs[2], JobState.SUCCEEDED)


async def test_a_running_job_is_cancelled_on_request(factory: Factory) -> None:
    factory.engine.open = False
    job = await submit(factory.stores)
    async with factory.working():
        await asyncio.to_thread(factory.engine.await_start)
        await factory.stores.jobs.request_cancel("default", job.uid)
        assert (await factory.until(job, JobState.CANCELLED)).end_time is not None
    assert factory.target.applied == []


async def test_a_worker_that_stops_hands_its_jobs_to_the_next(factory: Factory) -> None:
    factory.engine.open = False
    job = await submit(factory.stores)
    async with factory.working():
        await asyncio.to_thread(factory.engine.await_start)
    now = await factory.stores.jobs.get("default", job.uid)
    assert (now.state, now.attempt) == (JobState.PENDING, 0)
    factory.engine.release()
    async with factory.working():
        assert (await factory.until(job, JobState.SUCCEEDED)).attempt == 1


async def test_a_lost_workers_job_is_rescued_and_run(factory: Factory) -> None:
    job = await submit(factory.stores)
    lost = Worker(factory.parts, slots=1, lease=LEASE)
    await factory.stores.jobs.claim(lost.id, lease=timedelta(seconds=-1))
    async with factory.working():
        done = await factory.until(job, JobState.SUCCEEDED)
    assert (done.attempt, done.lost_leases) == (2, 1)
    assert [load.load_id for load in factory.target.swept] == [job.uid.hex]


async def test_a_job_that_loses_three_workers_fails(factory: Factory) -> None:
    job = await submit(factory.stores)
    for _ in range(3):
        lost = Worker(factory.parts, slots=1, lease=LEASE)
        await factory.stores.jobs.claim(lost.id, lease=timedelta(seconds=-1))
        await factory.stores.jobs.rescue()
    failed = await factory.until(job, JobState.FAILED)
    assert failed.error is not None
    assert failed.error.code == "WORKER_LOST"


@pytest.mark.parametrize("error", [Unavailable("away"), ZeroDivisionError()])
async def test_claiming_goes_on_after_a_fault(factory: Factory, error: Exception) -> None:
    claim = factory.stores.jobs.claim
    errors = [error]

    async def unsteady(
        worker: UUID, *, lease: timedelta, limit: int = 1, queues: Sequence[str] = ()
    ) -> Sequence[Job]:
        if errors:
            raise errors.pop()
        return await claim(worker, lease=lease, limit=limit, queues=queues)

    factory.stores.jobs.claim = unsteady  # type: ignore[method-assign]
    job = await submit(factory.stores)
    async with factory.working():
        assert (await factory.until(job, JobState.SUCCEEDED)).attempt == 1
