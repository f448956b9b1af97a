"""Which job is next: turns, queues, limits, and what a waiting job is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from etlplus.app.ports import Stores
from etlplus.domain.job import Job, JobError, JobState, Lease, Settlement
from etlplus.domain.queueing import WaitReason
from tests.conformance.drafts import EXPIRED, LEASE, WORKSPACE, claim, pipeline, submit

DONE = Settlement(JobState.SUCCEEDED)
FAILURE = Settlement(JobState.FAILED, error=JobError("DISK_FULL", "full"))
HOUR = timedelta(hours=1)


def lease_of(job: Job) -> Lease:
    return Lease(job.uid, job.epoch)


async def wait_of(stores: Stores, job: Job) -> WaitReason | None:
    standing = (await stores.queue.standings([job.uid])).get(job.uid)
    return None if standing is None else standing.wait.reason


async def serve(stores: Stores) -> None:
    await stores.queue.serve(uuid4(), ["default"], lease=LEASE)


async def test_a_job_has_its_queue_and_its_priority(stores: Stores) -> None:
    await pipeline(stores)
    job = await submit(stores, queue="heavy", priority=70)
    assert (job.queue, job.priority) == ("heavy", 70)
    assert await stores.jobs.get(WORKSPACE, job.uid) == job


async def test_a_worker_claims_only_from_its_queues(stores: Stores) -> None:
    await pipeline(stores)
    heavy = await submit(stores, queue="heavy")
    usual = await submit(stores)
    assert await stores.jobs.claim(uuid4(), lease=LEASE, limit=9, queues=["other"]) == []
    (first,) = await stores.jobs.claim(uuid4(), lease=LEASE, limit=9)
    assert first.uid == usual.uid
    (second,) = await stores.jobs.claim(uuid4(), lease=LEASE, limit=9, queues=["heavy", "other"])
    assert second.uid == heavy.uid


async def test_of_several_queues_the_first_turn_comes_first(stores: Stores) -> None:
    await pipeline(stores)
    made = [await submit(stores, queue=queue) for queue in ("a", "b", "a", "b")]
    made.append(await submit(stores, queue="b", priority=51))
    for expected in (made[4], *made[:4]):
        (job,) = await stores.jobs.claim(uuid4(), lease=LEASE, queues=["a", "b"])
        assert job.uid == expected.uid


async def test_a_retried_job_waits_until_it_is_woken(stores: Stores) -> None:
    await pipeline(stores)
    await submit(stores)
    _, lease = await claim(stores)
    assert await stores.jobs.retry(lease, FAILURE, delay=HOUR)
    assert await stores.queue.awaken() == 0
    assert await stores.jobs.claim(uuid4(), lease=LEASE) == []


async def test_a_retried_job_whose_time_has_come_is_woken_once(stores: Stores) -> None:
    await pipeline(stores)
    job = await submit(stores)
    _, lease = await claim(stores)
    assert await stores.jobs.retry(lease, FAILURE, delay=timedelta(microseconds=1))
    while not await stores.queue.awaken():
        assert await stores.jobs.claim(uuid4(), lease=LEASE) == []
    assert await stores.queue.awaken() == 0
    again, _ = await claim(stores)
    assert (again.uid, again.retries) == (job.uid, 1)


async def test_no_more_than_the_limit_are_running(stores: Stores) -> None:
    await pipeline(stores)
    made = [await submit(stores, most_running=2) for _ in range(4)]
    running = await stores.jobs.claim(uuid4(), lease=LEASE, limit=9)
    assert [job.uid for job in running] == [job.uid for job in made[:2]]
    assert await stores.jobs.claim(uuid4(), lease=LEASE, limit=9) == []
    assert await stores.jobs.settle(lease_of(running[0]), DONE)
    (third,) = await stores.jobs.claim(uuid4(), lease=LEASE, limit=9)
    assert third.uid == made[2].uid
    assert await stores.jobs.claim(uuid4(), lease=LEASE, limit=9) == []


async def test_runs_with_other_keys_do_not_count(stores: Stores) -> None:
    await pipeline(stores)
    eu = [await submit(stores, most_running=1, key="eu") for _ in range(2)]
    us = await submit(stores, most_running=1, key="us")
    free = await submit(stores)
    running = await stores.jobs.claim(uuid4(), lease=LEASE, limit=9)
    assert {job.uid for job in running} == {eu[0].uid, us.uid, free.uid}


@pytest.mark.parametrize("end", ["settle", "release", "retry", "rescue", "cancel"])
async def test_every_end_of_a_run_frees_its_place(stores: Stores, end: str) -> None:
    await pipeline(stores)
    await submit(stores, most_running=1)
    waiting = await submit(stores, most_running=1)
    (job,) = await stores.jobs.claim(uuid4(), lease=EXPIRED if end == "rescue" else LEASE, limit=9)
    lease = lease_of(job)
    assert await stores.jobs.claim(uuid4(), lease=LEASE) == []
    if end == "settle":
        assert await stores.jobs.settle(lease, DONE)
    elif end == "release":
        assert await stores.jobs.release(lease)
    elif end == "retry":
        assert await stores.jobs.retry(lease, FAILURE, delay=HOUR)
    elif end == "rescue":
        assert await stores.jobs.rescue(max_lost=1) == 1
    else:
        await stores.jobs.request_cancel(WORKSPACE, job.uid)
        assert await stores.jobs.release(lease)
    (following,) = await stores.jobs.claim(uuid4(), lease=LEASE, limit=9)
    assert following.uid == (job.uid if end == "release" else waiting.uid)


async def test_a_limit_frees_no_place_twice(stores: Stores) -> None:
    await pipeline(stores)
    for _ in range(3):
        await submit(stores, most_running=1)
    first, lease = await claim(stores)
    assert await stores.jobs.settle(lease, DONE)
    assert not await stores.jobs.settle(lease, DONE)
    second, _ = await claim(stores)
    assert not await stores.jobs.release(lease)
    assert await stores.jobs.claim(uuid4(), lease=LEASE) == []
    assert first.uid != second.uid


async def test_limited_jobs_hold_no_others_up(stores: Stores) -> None:
    await pipeline(stores)
    for _ in range(3):
        await submit(stores, most_running=1, priority=90)
    free = await submit(stores, priority=10)
    running = await stores.jobs.claim(uuid4(), lease=LEASE, limit=2)
    assert len(running) == 2
    assert free.uid in {job.uid for job in running}


async def test_the_limit_that_was_queued_last_holds(stores: Stores) -> None:
    await pipeline(stores)
    await submit(stores, most_running=1)
    await submit(stores, most_running=3)
    assert len(await stores.jobs.claim(uuid4(), lease=LEASE, limit=9)) == 2
    await submit(stores, most_running=2)
    assert await stores.jobs.claim(uuid4(), lease=LEASE, limit=9) == []


async def test_no_more_than_the_limit_start_within_its_time(stores: Stores) -> None:
    await pipeline(stores)
    for _ in range(4):
        await submit(stores, most_starts=2, starts_per=HOUR)
    running = await stores.jobs.claim(uuid4(), lease=LEASE, limit=9)
    assert len(running) == 2
    for job in running:
        assert await stores.jobs.settle(lease_of(job), DONE)
    assert await stores.jobs.claim(uuid4(), lease=LEASE, limit=9) == []


async def test_starts_that_are_past_do_not_count(stores: Stores) -> None:
    await pipeline(stores)
    moment = timedelta(microseconds=1)
    made = {(await submit(stores, most_starts=1, starts_per=moment)).uid for _ in range(3)}
    started: set[UUID] = set()
    while started != made:
        found = await stores.jobs.claim(uuid4(), lease=LEASE, limit=9)
        assert len(found) <= 1
        started |= {job.uid for job in found}


async def test_a_waiting_job_is_told_why(stores: Stores) -> None:
    await pipeline(stores)
    job = await submit(stores, most_running=1, key="eu")
    assert await wait_of(stores, job) is WaitReason.WORKER
    await serve(stores)
    assert await wait_of(stores, job) is WaitReason.TURN
    running, lease = await claim(stores)
    assert await wait_of(stores, running) is None
    second = await submit(stores, most_running=1, key="eu")
    standing = (await stores.queue.standings([second.uid, running.uid]))[second.uid]
    assert standing.wait.reason is WaitReason.CONCURRENCY
    assert standing.wait.message == "1 of 1 runs of the pipeline with the key 'eu' are running"
    assert await stores.jobs.retry(lease, FAILURE, delay=HOUR)
    waiting = await stores.jobs.get(WORKSPACE, job.uid)
    wait = (await stores.queue.standings([job.uid]))[job.uid].wait
    assert (wait.reason, wait.until) == (WaitReason.RETRY, waiting.retry_time)
    assert wait.until is not None
    assert await wait_of(stores, second) is WaitReason.TURN


async def test_a_job_that_waits_for_its_start_is_told_until_when(stores: Stores) -> None:
    await pipeline(stores)
    await serve(stores)
    await submit(stores, most_starts=1, starts_per=HOUR)
    second = await submit(stores, most_starts=1, starts_per=HOUR)
    first, _ = await claim(stores)
    wait = (await stores.queue.standings([second.uid]))[second.uid].wait
    assert wait.reason is WaitReason.STARTS
    assert wait.message == "1 of 1 runs of the pipeline have started within 1h"
    assert first.start_time is not None
    assert wait.until is not None
    assert abs(wait.until - first.start_time - HOUR) < timedelta(minutes=1)


async def test_a_queue_is_served_while_a_worker_says_so(stores: Stores) -> None:
    await pipeline(stores)
    job = await submit(stores, queue="heavy")
    worker = uuid4()
    for queues, lease, served in (
        (["default"], LEASE, False),
        (["default", "heavy"], LEASE, True),
        (["heavy"], EXPIRED, False),
    ):
        await stores.queue.serve(worker, queues, lease=lease)
        assert (await stores.queue.standings([job.uid]))[job.uid].served is served
    await stores.queue.serve(worker, ["heavy"], lease=LEASE)
    await stores.queue.leave(worker)
    wait = (await stores.queue.standings([job.uid]))[job.uid].wait
    assert wait.message == "no worker serves the queue 'heavy'"


@pytest.mark.parametrize("stores", ["memory", "postgres"], indirect=True)
async def test_ended_jobs_are_forgotten_oldest_first(stores: Stores) -> None:
    await pipeline(stores)
    ended = []
    for _ in range(3):
        await submit(stores)
        job, lease = await claim(stores)
        assert await stores.jobs.settle(lease, DONE)
        ended.append(job.uid)
    await submit(stores)
    running, _ = await claim(stores)
    waiting = await submit(stores)
    assert await stores.queue.forget_jobs(age=HOUR, limit=9) == []
    now = timedelta(0)
    assert set(await stores.queue.forget_jobs(age=now, limit=2)) == set(ended[:2])
    assert await stores.queue.forget_jobs(age=now, limit=9) == ended[2:]
    left = await stores.jobs.list(WORKSPACE, limit=9)
    assert [job.uid for job in left] == [waiting.uid, running.uid]


async def test_limits_that_are_in_use_are_not_forgotten(stores: Stores) -> None:
    await pipeline(stores)
    for _ in range(2):
        await submit(stores, most_running=1)
    await claim(stores)
    await stores.queue.forget_lanes()
    assert await stores.jobs.claim(uuid4(), lease=LEASE) == []


async def test_the_limit_holds_whoever_claims_at_once(stores: Stores) -> None:
    """Many claimers, each on a connection of its own, and ends of runs between their claims."""
    await pipeline(stores)
    limits = {"eu": 1, "us": 3}
    made = {
        (await submit(stores, most_running=most, key=key)).uid: key
        for _ in range(12)
        for key, most in limits.items()
    }
    running: Counter[str] = Counter()
    most_seen: Counter[str] = Counter()
    ended: set[UUID] = set()

    async def work() -> None:
        while len(ended) < len(made):
            for job in await stores.jobs.claim(uuid4(), lease=LEASE, limit=2):
                key = made[job.uid]
                running[key] += 1
                most_seen[key] = max(most_seen[key], running[key])
                await stores.jobs.heartbeat([lease_of(job)], lease=LEASE)
                # Counted down before the end is known, so that it can only be too low a moment.
                running[key] -= 1
                assert await stores.jobs.settle(lease_of(job), DONE)
                ended.add(job.uid)
            await asyncio.sleep(0)

    await asyncio.gather(*(work() for _ in range(8)))
    assert ended == set(made)
    assert all(most_seen[key] <= most for key, most in limits.items())
