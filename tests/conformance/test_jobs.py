from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from etlplus.app.ports import Stores
from etlplus.domain.errors import AlreadyExists, NotFound
from etlplus.domain.filter import All, AnyOf, Comparison, Expr, Not, Operator
from etlplus.domain.job import (
    JobError,
    JobKey,
    JobState,
    NewJob,
    Settlement,
    SinkResult,
    SinkRollback,
)
from etlplus.domain.names import new_job_id
from etlplus.domain.run import Books, NodeCounters, Progress, RejectCount, RejectSummary
from tests.conformance.drafts import LEASE, PIPELINE, WORKSPACE, claim, pipeline, running, submit

PROGRESS = Progress(
    nodes=(NodeCounters("flights", "csv", 10, 9, 1), NodeCounters("clean", "map", 9, 9)),
    rows_read=10,
    bytes_read=100,
    rows_rejected=1,
)
SETTLEMENT = Settlement(
    state=JobState.SUCCEEDED,
    progress=PROGRESS,
    sinks=(SinkResult("mart", "postgres", "mart.f", "replace", Books(10, 9, 1), "ab", "0" * 32),),
    rejects=RejectSummary(
        1,
        (RejectCount("clean", "dep_time", "CONVERSION_FAILED", 1),),
        "/r",
        (RejectCount("clean", "", "RULE_BROKEN", 2, "odd"),),
    ),
)


async def test_a_new_job_waits(stores: Stores) -> None:
    await pipeline(stores)
    made = await submit(stores)
    assert made == await stores.jobs.get(WORKSPACE, made.uid)
    assert (made.state, made.attempt, made.epoch, made.params) == (
        JobState.PENDING,
        0,
        0,
        {"day": "1"},
    )
    assert (made.start_time, made.end_time, made.error, made.progress) == (
        None,
        None,
        None,
        Progress(),
    )


async def test_a_job_needs_a_version_and_an_id_of_its_own(stores: Stores) -> None:
    await pipeline(stores)
    made = await submit(stores)
    with pytest.raises(AlreadyExists):
        await stores.jobs.create(NewJob(WORKSPACE, made.uid, made.pipeline, 1, {}, "root"))
    with pytest.raises(NotFound) as caught:
        await stores.jobs.create(NewJob(WORKSPACE, new_job_id(), made.pipeline, 2, {}, "root"))
    assert caught.value.code == "VERSION_NOT_FOUND"


async def test_a_job_of_another_workspace_is_not_found(stores: Stores) -> None:
    await pipeline(stores)
    made = await submit(stores)
    for attempt in (
        stores.jobs.get("other", made.uid),
        stores.jobs.request_cancel("other", made.uid),
        stores.events.events("other", made.uid, after=0, limit=9),
        stores.events.log("other", made.uid, after=0, limit=9),
        stores.jobs.get(WORKSPACE, uuid4()),
    ):
        with pytest.raises(NotFound) as caught:
            await attempt
        assert caught.value.code == "JOB_NOT_FOUND"


async def test_a_claimed_job_runs(stores: Stores) -> None:
    job, lease = await running(stores)
    assert job == await stores.jobs.get(WORKSPACE, job.uid)
    assert (job.state, job.attempt) == (JobState.RUNNING, 1)
    assert job.epoch > 0
    assert job.start_time is not None
    assert await stores.jobs.is_current(lease)
    assert await stores.jobs.live_leases() == [lease]
    assert await stores.jobs.claim(uuid4(), lease=LEASE) == []


async def test_a_settled_job_keeps_its_figures(stores: Stores) -> None:
    job, lease = await running(stores)
    assert await stores.jobs.settle(lease, SETTLEMENT)
    ended = await stores.jobs.get(WORKSPACE, job.uid)
    assert ended.state is JobState.SUCCEEDED
    assert ended.end_time is not None
    assert (ended.progress, ended.sinks, ended.rejects) == (
        SETTLEMENT.progress,
        SETTLEMENT.sinks,
        SETTLEMENT.rejects,
    )
    assert await stores.jobs.live_leases() == []
    assert not await stores.jobs.is_current(lease)


async def test_a_failed_job_keeps_its_error_even_of_strange_text(stores: Stores) -> None:
    job, lease = await running(stores)
    error = JobError("ROW_FAILED", "bad \0 and \ud800 é", "clean", "look")
    assert await stores.jobs.settle(lease, Settlement(JobState.FAILED, error=error))
    kept = (await stores.jobs.get(WORKSPACE, job.uid)).error
    assert kept is not None
    assert (kept.code, kept.place, kept.hint) == ("ROW_FAILED", "clean", "look")
    assert kept.message.startswith("bad ")
    assert kept.message.endswith(" é")


async def test_claims_go_by_priority_then_by_age(stores: Stores) -> None:
    await pipeline(stores)
    low = await submit(stores, priority=49)
    first = await submit(stores)
    second = await submit(stores)
    high = await submit(stores, priority=55)
    claimed = await stores.jobs.claim(uuid4(), lease=LEASE, limit=3)
    assert [job.uid for job in claimed] == [high.uid, first.uid, second.uid]
    (last,) = await stores.jobs.claim(uuid4(), lease=LEASE, limit=3)
    assert last.uid == low.uid


async def test_many_claimers_never_get_the_same_job(stores: Stores) -> None:
    await pipeline(stores)
    made = {(await submit(stores)).uid for _ in range(48)}
    answers = await asyncio.gather(
        *(stores.jobs.claim(uuid4(), lease=LEASE, limit=2) for _ in range(64))
    )
    claimed = [job for answer in answers for job in answer]
    while rest := await stores.jobs.claim(uuid4(), lease=LEASE):
        claimed += rest
    assert len(claimed) == len(made)
    assert {job.uid for job in claimed} == made
    assert len({job.epoch for job in claimed}) == len(made)


async def test_epochs_grow_over_all_jobs(stores: Stores) -> None:
    await pipeline(stores)
    epochs = []
    for _ in range(3):
        await submit(stores)
        job, lease = await claim(stores)
        epochs.append(job.epoch)
        await stores.jobs.release(lease)
        again, _ = await claim(stores)
        epochs.append(again.epoch)
    assert epochs == sorted(set(epochs))


async def test_a_stale_epoch_can_write_nothing(stores: Stores) -> None:
    job, lease = await running(stores)
    stale = replace(lease, epoch=lease.epoch - 1)
    assert not await stores.jobs.progress(stale, PROGRESS)
    assert not await stores.jobs.settle(stale, SETTLEMENT)
    assert not await stores.jobs.release(stale)
    assert not await stores.jobs.is_current(stale)
    assert await stores.jobs.heartbeat([stale], lease=LEASE) == {}
    assert not await stores.events.append_log(stale, [])
    assert await stores.jobs.get(WORKSPACE, job.uid) == job


async def test_a_settled_job_takes_no_more_writes(stores: Stores) -> None:
    job, lease = await running(stores)
    assert await stores.jobs.settle(lease, SETTLEMENT)
    ended = await stores.jobs.get(WORKSPACE, job.uid)
    assert not await stores.jobs.settle(lease, Settlement(JobState.FAILED))
    assert not await stores.jobs.progress(lease, Progress())
    assert not await stores.jobs.release(lease)
    assert await stores.jobs.heartbeat([lease], lease=LEASE) == {}
    assert await stores.jobs.request_cancel(WORKSPACE, job.uid) == ended


async def test_a_heartbeat_prolongs_what_is_held(stores: Stores) -> None:
    await pipeline(stores)
    await submit(stores)
    await submit(stores)
    held = [(await claim(stores, timedelta(0)))[1] for _ in range(2)]
    lost = replace(held[1], epoch=held[1].epoch + 1)
    beats = await stores.jobs.heartbeat([held[0], lost], lease=LEASE)
    assert set(beats) == {held[0].job}
    beat = beats[held[0].job]
    assert not beat.cancel_requested
    assert timedelta(minutes=4) < beat.remaining <= LEASE
    assert await stores.jobs.is_current(held[0])
    assert not await stores.jobs.is_current(held[1])


async def test_progress_is_kept_and_starts_anew_with_an_attempt(stores: Stores) -> None:
    job, lease = await running(stores)
    assert await stores.jobs.progress(lease, PROGRESS)
    assert (await stores.jobs.get(WORKSPACE, job.uid)).progress == PROGRESS
    assert await stores.jobs.release(lease)
    again, _ = await claim(stores)
    assert again.progress == Progress()


async def test_releasing_does_not_spend_an_attempt(stores: Stores) -> None:
    job, lease = await running(stores)
    assert await stores.jobs.release(lease)
    waiting = await stores.jobs.get(WORKSPACE, job.uid)
    assert (waiting.state, waiting.attempt, waiting.lost_leases) == (JobState.PENDING, 0, 0)
    assert not await stores.jobs.settle(lease, SETTLEMENT)
    again, _ = await claim(stores)
    assert again.attempt == 1
    assert again.epoch > job.epoch


async def test_cancelling_a_waiting_job_ends_it(stores: Stores) -> None:
    await pipeline(stores)
    job = await submit(stores)
    cancelled = await stores.jobs.request_cancel(WORKSPACE, job.uid)
    assert cancelled.state is JobState.CANCELLED
    assert cancelled.end_time is not None
    assert await stores.jobs.claim(uuid4(), lease=LEASE) == []
    assert await stores.jobs.request_cancel(WORKSPACE, job.uid) == cancelled


async def test_cancelling_a_running_job_reaches_its_worker(stores: Stores) -> None:
    job, lease = await running(stores)
    flagged = await stores.jobs.request_cancel(WORKSPACE, job.uid)
    assert (flagged.state, flagged.cancel_requested) == (JobState.RUNNING, True)
    assert (await stores.jobs.heartbeat([lease], lease=LEASE))[job.uid].cancel_requested
    assert await stores.jobs.request_cancel(WORKSPACE, job.uid) == flagged
    assert await stores.jobs.settle(lease, Settlement(JobState.CANCELLED))
    assert (await stores.jobs.get(WORKSPACE, job.uid)).state is JobState.CANCELLED


async def test_a_cancelled_job_is_not_put_back(stores: Stores) -> None:
    job, lease = await running(stores)
    await stores.jobs.request_cancel(WORKSPACE, job.uid)
    assert await stores.jobs.release(lease)
    ended = await stores.jobs.get(WORKSPACE, job.uid)
    assert ended.state is JobState.CANCELLED
    assert ended.end_time is not None


async def test_pages_of_jobs_start_with_the_newest(stores: Stores) -> None:
    await pipeline(stores)
    made = [await submit(stores) for _ in range(5)]
    seen = []
    after: JobKey | None = None
    while page := await stores.jobs.list(WORKSPACE, after=after, limit=2):
        assert len(page) <= 2
        seen += list(page)
        after = JobKey(page[-1].create_time, page[-1].uid)
    assert seen == made[::-1]


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        (Comparison("state", Operator.EQ, "RUNNING"), "b"),
        (Comparison("state", Operator.NE, "RUNNING"), "ac"),
        (Comparison("author", Operator.EQ, "100% o'Brien"), "c"),
        (Comparison("author", Operator.HAS, "O'BRIEN"), "c"),
        (Comparison("author", Operator.HAS, "%"), "c"),
        (Comparison("author", Operator.LT, "b"), "ac"),
        (Comparison("author", Operator.GE, "b"), "b"),
        (Comparison("attempt", Operator.GT, 0), "b"),
        (Comparison("version", Operator.LE, 1), "abc"),
        (Not(Comparison("attempt", Operator.EQ, 0)), "b"),
        (All(()), "abc"),
        (AnyOf(()), ""),
        (
            AnyOf((Comparison("author", Operator.EQ, "a"), Comparison("author", Operator.EQ, "b"))),
            "ab",
        ),
        (
            All((Comparison("pipeline", Operator.EQ, "flights"), Not(AnyOf(())))),
            "abc",
        ),
    ],
)
async def test_filters_mean_what_the_domain_says(stores: Stores, filter_: Expr, found: str) -> None:
    await pipeline(stores)
    b = await submit(stores, author="b")
    await claim(stores)
    a = await submit(stores, author="a")
    c = await submit(stores, author="100% o'Brien")
    names = {a.uid: "a", b.uid: "b", c.uid: "c"}
    jobs = await stores.jobs.list(WORKSPACE, filter_, limit=9)
    assert "".join(sorted(names[job.uid] for job in jobs)) == found


async def test_comparisons_with_a_missing_time_are_false_but_unequal(stores: Stores) -> None:
    await pipeline(stores)
    job = await submit(stores)
    now = job.create_time

    async def passes(filter_: Expr) -> bool:
        return len(await stores.jobs.list(WORKSPACE, filter_, limit=9)) == 1

    assert not await passes(Comparison("end_time", Operator.LT, now))
    assert await passes(Not(Comparison("end_time", Operator.LT, now)))
    assert await passes(Comparison("end_time", Operator.NE, now))
    assert await passes(Comparison("create_time", Operator.EQ, now))
    assert not await passes(Comparison("create_time", Operator.GT, now))


async def test_what_is_rolled_back_is_noted_once_and_told_to_watchers(stores: Stores) -> None:
    job, lease = await running(stores)
    await stores.jobs.settle(lease, SETTLEMENT)
    before = await stores.jobs.get(WORKSPACE, job.uid)
    noted = SinkRollback("mart", datetime(2026, 1, 31, 4, 5, 6, 7, UTC), "me", "why")
    after = await stores.jobs.roll_back(WORKSPACE, job.uid, [noted])
    assert after.rollbacks == (noted,)
    assert after.sequence == before.sequence + 1
    assert (after.state, after.sinks) == (before.state, before.sinks)
    page = await stores.events.events(WORKSPACE, job.uid, after=before.sequence, limit=9)
    assert [event.sequence for event in page.events] == [after.sequence]
    more = SinkRollback("rejects", noted.time, "you")
    again = await stores.jobs.roll_back(WORKSPACE, job.uid, [replace(noted, author="you"), more])
    assert again.rollbacks == (noted, more)
    assert await stores.jobs.roll_back(WORKSPACE, job.uid, [noted]) == again
    with pytest.raises(NotFound):
        await stores.jobs.roll_back("other", job.uid, [noted])


async def test_a_pinned_job_keeps_the_hash_of_its_plan(stores: Stores) -> None:
    await pipeline(stores)
    new = NewJob(WORKSPACE, new_job_id(), PIPELINE, 1, {}, "root", plan_hash="0123-4567")
    made = await stores.jobs.create(new)
    assert made.plan_hash == "0123-4567"
    assert await stores.jobs.get(WORKSPACE, new.uid) == made
    claimed, _ = await claim(stores)
    assert claimed.plan_hash == "0123-4567"
