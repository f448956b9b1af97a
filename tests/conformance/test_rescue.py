from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

from etlplus.app.ports import Stores
from etlplus.domain.job import JobState, Settlement
from tests.conformance.drafts import EXPIRED, LEASE, WORKSPACE, claim, pipeline, running, submit


async def test_a_job_with_a_live_lease_is_left_alone(stores: Stores) -> None:
    job, _ = await running(stores)
    assert await stores.jobs.rescue() == 0
    assert await stores.jobs.get(WORKSPACE, job.uid) == job


async def test_a_lost_job_goes_back_to_the_queue(stores: Stores) -> None:
    await pipeline(stores)
    await submit(stores)
    job, lease = await claim(stores, EXPIRED)
    assert await stores.jobs.rescue() == 1
    waiting = await stores.jobs.get(WORKSPACE, job.uid)
    assert (waiting.state, waiting.lost_leases, waiting.error) == (JobState.PENDING, 1, None)
    assert await stores.jobs.heartbeat([lease], lease=LEASE) == {}
    assert not await stores.jobs.settle(lease, Settlement(JobState.SUCCEEDED))
    again, _ = await claim(stores)
    assert (again.uid, again.attempt) == (job.uid, 2)
    assert again.epoch > job.epoch
    assert again.start_time == job.start_time


async def test_a_heartbeat_in_time_saves_a_late_lease(stores: Stores) -> None:
    await pipeline(stores)
    await submit(stores)
    _, lease = await claim(stores, EXPIRED)
    assert set(await stores.jobs.heartbeat([lease], lease=LEASE)) == {lease.job}
    assert await stores.jobs.rescue() == 0


async def test_the_third_lost_worker_fails_the_job(stores: Stores) -> None:
    await pipeline(stores)
    job = await submit(stores)
    for _ in range(3):
        assert (await stores.jobs.get(WORKSPACE, job.uid)).state is JobState.PENDING
        await claim(stores, EXPIRED)
        assert await stores.jobs.rescue(max_lost=3) == 1
    failed = await stores.jobs.get(WORKSPACE, job.uid)
    assert failed.state is JobState.FAILED
    assert failed.error is not None
    assert failed.error.code == "WORKER_LOST"
    assert failed.end_time is not None
    assert await stores.jobs.claim(uuid4(), lease=LEASE) == []


async def test_a_lost_job_that_was_to_be_cancelled_is_cancelled(stores: Stores) -> None:
    await pipeline(stores)
    job = await submit(stores)
    await claim(stores, EXPIRED)
    await stores.jobs.request_cancel(WORKSPACE, job.uid)
    assert await stores.jobs.rescue(max_lost=1) == 1
    assert (await stores.jobs.get(WORKSPACE, job.uid)).state is JobState.CANCELLED


async def test_many_rescuers_rescue_a_job_once(stores: Stores) -> None:
    await pipeline(stores)
    made = [await submit(stores) for _ in range(8)]
    for _ in made:
        await claim(stores, EXPIRED)
    counts = await asyncio.gather(*(stores.jobs.rescue() for _ in range(8)))
    assert sum(counts) == len(made)
    for job in made:
        assert (await stores.jobs.get(WORKSPACE, job.uid)).lost_leases == 1


async def test_a_race_of_rescue_and_settling_has_one_winner(stores: Stores) -> None:
    await pipeline(stores)
    for _ in range(20):
        job = await submit(stores)
        _, lease = await claim(stores, EXPIRED)
        settled, rescued = await asyncio.gather(
            stores.jobs.settle(lease, Settlement(JobState.SUCCEEDED)), stores.jobs.rescue()
        )
        after = await stores.jobs.get(WORKSPACE, job.uid)
        if settled:
            assert (rescued, after.state) == (0, JobState.SUCCEEDED)
        else:
            assert (rescued, after.state) == (1, JobState.PENDING)
            _, lease = await claim(stores)
            assert await stores.jobs.settle(lease, Settlement(JobState.SUCCEEDED))


async def test_a_lease_that_ends_now_is_not_current(stores: Stores) -> None:
    await pipeline(stores)
    await submit(stores)
    _, lease = await claim(stores, timedelta(0))
    assert not await stores.jobs.is_current(lease)
    assert await stores.jobs.live_leases() == [lease]
