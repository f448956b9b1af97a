from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from etlplus.app.ports import Stores
from etlplus.domain.job import JobError, JobState, Settlement, SinkResult
from etlplus.domain.run import Books, Progress
from tests.conformance.drafts import LEASE, WORKSPACE, claim, running, submit

ERROR = JobError("CONNECTION_FAILED", "nobody answers", "mart", "Start it")
SINK = SinkResult("one", "postgres", "public.one", "append", Books(1, 1), "ab", "0" * 32)
FAILURE = Settlement(JobState.FAILED, Progress(rows_read=7), (SINK,), error=ERROR)
NOW, LATER = timedelta(0), timedelta(hours=1)


async def test_a_job_that_is_put_off_waits_and_says_why(stores: Stores) -> None:
    job, lease = await running(stores)
    assert await stores.jobs.retry(lease, FAILURE, delay=LATER)
    waiting = await stores.jobs.get(WORKSPACE, job.uid)
    assert (waiting.state, waiting.retries, waiting.attempt) == (JobState.PENDING, 1, 1)
    assert (waiting.error, waiting.progress, waiting.sinks) == (ERROR, FAILURE.progress, (SINK,))
    assert waiting.end_time is None
    assert waiting.retry_time is not None
    assert timedelta(minutes=59) < waiting.retry_time - job.create_time < timedelta(minutes=61)
    assert await stores.jobs.claim(uuid4(), lease=LEASE) == []
    assert await stores.jobs.live_leases() == []


async def test_a_job_that_only_waits_for_another_one_spends_nothing(stores: Stores) -> None:
    job, lease = await running(stores)
    assert await stores.jobs.retry(lease, FAILURE, delay=LATER, counts=False)
    waiting = await stores.jobs.get(WORKSPACE, job.uid)
    assert (waiting.state, waiting.retries, waiting.attempt) == (JobState.PENDING, 0, 0)
    assert waiting.error == ERROR
    assert waiting.retry_time is not None
    assert await stores.jobs.claim(uuid4(), lease=LEASE) == []


async def test_its_time_comes(stores: Stores) -> None:
    job, lease = await running(stores)
    assert await stores.jobs.retry(lease, FAILURE, delay=NOW)
    again, held = await claim(stores)
    assert (again.uid, again.attempt, again.retries) == (job.uid, 2, 1)
    assert (again.retry_time, again.error, again.sinks) == (None, None, (SINK,))
    assert again.epoch > job.epoch
    assert await stores.jobs.settle(held, Settlement(JobState.SUCCEEDED))
    done = await stores.jobs.get(WORKSPACE, job.uid)
    assert (done.error, done.retries, done.retry_time) == (None, 1, None)


async def test_a_second_attempt_that_is_handed_back_waits_for_no_time(stores: Stores) -> None:
    job, lease = await running(stores)
    assert await stores.jobs.retry(lease, FAILURE, delay=NOW)
    _, held = await claim(stores)
    assert await stores.jobs.release(held)
    back = await stores.jobs.get(WORKSPACE, job.uid)
    assert (back.retries, back.attempt, back.retry_time, back.error) == (1, 1, None, None)


async def test_a_job_that_is_due_again_takes_its_turn_by_its_age(stores: Stores) -> None:
    job, lease = await running(stores)
    younger = await submit(stores)
    assert await stores.jobs.retry(lease, FAILURE, delay=NOW)
    first, _ = await claim(stores)
    second, held = await claim(stores)
    assert (first.uid, second.uid) == (younger.uid, job.uid)
    youngest = await submit(stores)
    assert await stores.jobs.release(held)
    third, _ = await claim(stores)
    assert (third.uid, youngest.uid != job.uid) == (job.uid, True)


async def test_a_lost_claim_puts_nothing_off(stores: Stores) -> None:
    job, lease = await running(stores)
    assert await stores.jobs.release(lease)
    assert not await stores.jobs.retry(lease, FAILURE, delay=LATER)
    assert (await stores.jobs.get(WORKSPACE, job.uid)).retries == 0


async def test_a_waiting_job_can_be_cancelled(stores: Stores) -> None:
    job, lease = await running(stores)
    assert await stores.jobs.retry(lease, FAILURE, delay=LATER)
    cancelled = await stores.jobs.request_cancel(WORKSPACE, job.uid)
    assert (cancelled.state, cancelled.retry_time) == (JobState.CANCELLED, None)
    assert cancelled.end_time is not None


async def test_a_job_that_was_to_be_cancelled_is_not_tried_again(stores: Stores) -> None:
    job, lease = await running(stores)
    await stores.jobs.request_cancel(WORKSPACE, job.uid)
    assert await stores.jobs.retry(lease, FAILURE, delay=NOW)
    ended = await stores.jobs.get(WORKSPACE, job.uid)
    assert (ended.state, ended.retry_time) == (JobState.CANCELLED, None)
    assert ended.end_time is not None


async def test_a_watcher_sees_that_it_waits(stores: Stores) -> None:
    job, lease = await running(stores)
    before = await stores.jobs.get(WORKSPACE, job.uid)
    assert await stores.jobs.retry(lease, FAILURE, delay=LATER)
    page = await stores.events.events(WORKSPACE, job.uid, after=before.sequence, limit=10)
    assert [(event.state, event.error) for event in page.events] == [(JobState.PENDING, ERROR)]
