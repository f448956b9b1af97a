"""However a job is made, it waits as its pipeline says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from etlplus.app.ports import Stores
from etlplus.domain.job import Job, JobError, JobState, Lease, NewJob, Settlement
from etlplus.domain.names import new_job_id
from etlplus.domain.queueing import Queueing
from etlplus.domain.replay import Replay
from etlplus.domain.schedule import catch_up
from tests.conformance import test_replays as replays
from tests.conformance import test_schedules as schedules
from tests.conformance import test_triggers as triggers
from tests.conformance.drafts import LEASE, WORKSPACE

INSTANT = datetime(2026, 3, 27, 1, 15, tzinfo=UTC)
HOW = Queueing("heavy", 80, most_running=1, most_starts=9, starts_per=timedelta(hours=1), key="eu")


async def by_request(stores: Stores) -> list[Job]:
    await schedules.make(stores, None)
    new = [NewJob(WORKSPACE, new_job_id(), "p", 1, {}, "ada", queueing=HOW) for _ in range(2)]
    return [await stores.jobs.create(job) for job in new]


async def by_schedule(stores: Stores) -> list[Job]:
    await schedules.make(stores, schedules.OFTEN)
    found = await schedules.due(stores)
    caught = catch_up(found)
    jobs = {instant: new_job_id() for instant in caught.fire[:2]}
    how = dict.fromkeys(jobs, HOW)
    return list(await stores.schedules.fire(found, jobs, caught.next_time, queueing=how))


async def by_backfill(stores: Stores) -> list[Job]:
    await schedules.make(stores, schedules.OFTEN)
    instants = [INSTANT, INSTANT + timedelta(days=1)]
    new = [
        NewJob(WORKSPACE, new_job_id(), "p", 1, {}, "ada", scheduled_time=each, queueing=HOW)
        for each in instants
    ]
    return [await stores.schedules.run_at(job) for job in new]


async def by_trigger(stores: Stores) -> list[Job]:
    await triggers.make(stores, "up")
    await triggers.make(stores, "p", "up")
    for _ in range(2):
        await triggers.run(stores, "up")
    (found,) = await triggers.due(stores)
    runs = await triggers.read(stores, found)
    return list(await stores.triggers.fire(found, runs, queueing=dict.fromkeys(runs, HOW)))


async def by_replay(stores: Stores) -> list[Job]:
    made = []
    await schedules.make(stores, None)
    for _ in range(2):
        old = NewJob(WORKSPACE, new_job_id(), "p", 1, {}, "ada")
        await stores.jobs.create(old)
        (claimed,) = await stores.jobs.claim(uuid4(), lease=LEASE)
        lease = Lease(claimed.uid, claimed.epoch)
        await stores.jobs.settle(lease, Settlement(JobState.SUCCEEDED, sinks=replays.SINKS))
        again = Replay(old.uid, replays.TIME, replays.PLAN)
        new = NewJob(WORKSPACE, new_job_id(), "p", 1, {}, "ada", queueing=HOW, replay=again)
        made.append(await stores.jobs.create(new))
    return made


@pytest.mark.parametrize("path", [by_request, by_schedule, by_backfill, by_trigger, by_replay])
async def test_a_job_waits_as_its_pipeline_says(
    stores: Stores, path: Callable[[Stores], Awaitable[list[Job]]]
) -> None:
    made = await path(stores)
    assert len(made) == 2
    assert {(job.queue, job.priority) for job in made} == {("heavy", 80)}
    assert await stores.jobs.claim(uuid4(), lease=LEASE, limit=9) == []
    first = await stores.jobs.claim(uuid4(), lease=LEASE, limit=9, queues=["heavy"])
    assert len(first) == 1, "one run at once for the key"
    again = await stores.jobs.claim(uuid4(), lease=LEASE, limit=9, queues=["heavy"])
    assert again == []
    lease = Lease(first[0].uid, first[0].epoch)
    assert await stores.jobs.settle(lease, Settlement(JobState.SUCCEEDED))
    (second,) = await stores.jobs.claim(uuid4(), lease=LEASE, limit=9, queues=["heavy"])
    assert {first[0].uid, second.uid} == {job.uid for job in made}


async def test_a_job_that_is_retried_waits_as_before(stores: Stores) -> None:
    await by_request(stores)
    (job,) = await stores.jobs.claim(uuid4(), lease=LEASE, limit=9, queues=["heavy"])
    failed = Settlement(JobState.FAILED, error=JobError("CONNECTION_FAILED", "away"))
    lease = Lease(job.uid, job.epoch)
    assert await stores.jobs.retry(lease, failed, delay=timedelta(seconds=-1))
    (again,) = await stores.jobs.claim(uuid4(), lease=LEASE, limit=9, queues=["heavy"])
    assert (again.queue, again.priority) == ("heavy", 80)
    assert await stores.jobs.claim(uuid4(), lease=LEASE, limit=9, queues=["heavy"]) == []
