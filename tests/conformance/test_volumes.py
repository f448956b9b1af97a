"""What earlier runs had, and what was unusual in a job: the same in PostgreSQL and in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from etlplus.app.ports import Stores
from etlplus.domain.job import Job, JobError, JobState, Settlement, SinkResult, SinkRollback
from etlplus.domain.run import Books, NodeCounters, Progress
from tests.conformance.drafts import WORKSPACE, claim, pipeline, running, submit

WARNING = JobError("VOLUME_UNUSUAL", "out: 1 rows", "limits.volume.change", "Look")
SINK = SinkResult("out", "postgres", "mart.f", "append", Books(1, 1), "ab", "0" * 32)


def counted(rows: int) -> Progress:
    return Progress((NodeCounters("out", "postgres", rows, rows),), rows_read=rows)


async def ended(stores: Stores, rows: int, state: JobState = JobState.SUCCEEDED, **how: Any) -> Job:
    await submit(stores, **how)
    job, lease = await claim(stores)
    assert await stores.jobs.settle(lease, Settlement(state, counted(rows), (SINK,)))
    return job


async def earlier(stores: Stores, limit: int, **how: Any) -> list[int]:
    job = await submit(stores, **how)
    found = await stores.jobs.earlier(job.uid, limit=limit)
    return [progress.rows_read for progress in found]


async def test_the_latest_runs_that_succeeded_are_told_newest_first(stores: Stores) -> None:
    await pipeline(stores)
    for rows in (1, 2, 3):
        await ended(stores, rows)
    await ended(stores, 4, JobState.FAILED)
    assert await earlier(stores, 2) == [3, 2]
    assert await earlier(stores, 9) == [3, 2, 1]


async def test_runs_of_another_key_and_those_rolled_back_say_nothing(stores: Stores) -> None:
    await pipeline(stores)
    await ended(stores, 1, key="eu", most_running=5)
    await ended(stores, 2, key="us", most_running=5)
    undone = await ended(stores, 3, key="eu", most_running=5)
    rollback = SinkRollback("out", datetime(2026, 1, 1, tzinfo=UTC), "me")
    await stores.jobs.roll_back(WORKSPACE, undone.uid, [rollback])
    assert await earlier(stores, 9, key="eu", most_running=5) == [1]


async def test_warnings_are_those_of_the_last_attempt(stores: Stores) -> None:
    job, lease = await running(stores)
    failure = Settlement(JobState.FAILED, error=WARNING, warnings=(WARNING,))
    assert await stores.jobs.retry(lease, failure, delay=timedelta(0))
    assert (await stores.jobs.get(WORKSPACE, job.uid)).warnings == (WARNING,)
    again, lease = await claim(stores)
    assert again.warnings == ()
    assert (await stores.jobs.get(WORKSPACE, job.uid)).warnings == ()
    assert await stores.jobs.settle(
        lease, Settlement(JobState.SUCCEEDED, warnings=(WARNING, WARNING))
    )
    assert (await stores.jobs.get(WORKSPACE, job.uid)).warnings == (WARNING, WARNING)
