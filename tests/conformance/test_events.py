from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from etlplus.app.ports import Stores
from etlplus.domain.errors import OutOfRange
from etlplus.domain.events import EventKind, LogLine
from etlplus.domain.job import JobState, Lease, Settlement
from etlplus.domain.run import Progress
from etlplus.store.bounds import EVENTS_KEPT, LINES_KEPT
from tests.conformance.drafts import LEASE, WORKSPACE, claim, pipeline, running, submit

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
#: Long enough for a loaded machine; a hint comes within milliseconds.
PATIENCE = 30.0


def line(number: int) -> LogLine:
    return LogLine(NOON, "INFO", f"line {number}", "clean")


async def test_each_change_of_a_job_is_an_event(stores: Stores) -> None:
    job, lease = await running(stores)
    await stores.jobs.progress(lease, Progress(rows_read=7))
    await stores.jobs.request_cancel(WORKSPACE, job.uid)
    await stores.jobs.settle(lease, Settlement(JobState.CANCELLED, Progress(rows_read=9)))
    page = await stores.events.events(WORKSPACE, job.uid, after=0, limit=99)
    assert [event.sequence for event in page.events] == [1, 2, 3, 4, 5]
    assert [event.kind for event in page.events] == [
        EventKind.STATE,
        EventKind.STATE,
        EventKind.PROGRESS,
        EventKind.STATE,
        EventKind.STATE,
    ]
    assert [event.state.value for event in page.events] == [
        *("PENDING", "RUNNING", "RUNNING", "RUNNING", "CANCELLED")
    ]
    assert [event.progress.rows_read for event in page.events] == [0, 0, 7, 7, 9]
    assert (page.oldest, page.latest) == (1, 5)
    assert (await stores.jobs.get(WORKSPACE, job.uid)).sequence == 5


async def test_reading_goes_on_after_a_sequence(stores: Stores) -> None:
    job, lease = await running(stores)
    for rows in range(5):
        await stores.jobs.progress(lease, Progress(rows_read=rows))
    seen: list[int] = []
    while True:
        page = await stores.events.events(
            WORKSPACE, job.uid, after=seen[-1] if seen else 0, limit=3
        )
        if not page.events:
            break
        seen += [event.sequence for event in page.events]
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    assert page.latest == 7


async def test_concurrent_changes_are_numbered_without_gap(stores: Stores) -> None:
    job, lease = await running(stores)
    await asyncio.gather(
        *(stores.jobs.progress(lease, Progress(rows_read=rows)) for rows in range(16))
    )
    page = await stores.events.events(WORKSPACE, job.uid, after=2, limit=99)
    assert [event.sequence for event in page.events] == list(range(3, 19))


async def test_a_cursor_before_what_is_kept_is_too_old(stores: Stores) -> None:
    job, lease = await running(stores)
    for rows in range(EVENTS_KEPT + 8):
        await stores.jobs.progress(lease, Progress(rows_read=rows))
    with pytest.raises(OutOfRange) as caught:
        await stores.events.events(WORKSPACE, job.uid, after=3, limit=9)
    assert caught.value.code == "CURSOR_TOO_OLD"
    oldest = int(caught.value.metadata["oldest"])
    page = await stores.events.events(WORKSPACE, job.uid, after=oldest - 1, limit=1)
    assert page.events[0].sequence == page.oldest == oldest
    latest = (await stores.jobs.get(WORKSPACE, job.uid)).sequence
    nothing = await stores.events.events(WORKSPACE, job.uid, after=latest, limit=9)
    assert (nothing.events, nothing.latest) == ((), latest)


async def test_a_log_is_read_in_the_order_it_was_written(stores: Stores) -> None:
    job, lease = await running(stores)
    empty = await stores.events.log(WORKSPACE, job.uid, after=0, limit=9)
    assert (empty.lines, empty.oldest, empty.latest) == ((), 1, 0)
    assert await stores.events.append_log(lease, [line(1), line(2)])
    assert await stores.events.append_log(lease, [line(3)])
    page = await stores.events.log(WORKSPACE, job.uid, after=1, limit=9)
    assert [(each.sequence, each.message) for each in page.lines] == [(2, "line 2"), (3, "line 3")]
    assert (page.lines[0].time, page.lines[0].level, page.lines[0].node) == (NOON, "INFO", "clean")
    assert (page.oldest, page.latest) == (1, 3)


async def test_a_log_keeps_its_last_lines(stores: Stores) -> None:
    job, lease = await running(stores)
    await stores.events.append_log(lease, [line(number) for number in range(LINES_KEPT)])
    await stores.events.append_log(lease, [line(number) for number in range(5)])
    with pytest.raises(OutOfRange):
        await stores.events.log(WORKSPACE, job.uid, after=0, limit=9)
    page = await stores.events.log(WORKSPACE, job.uid, after=5, limit=1)
    assert (page.lines[0].sequence, page.oldest, page.latest) == (6, 6, LINES_KEPT + 5)


async def test_a_jobs_end_brings_the_last_lines_of_its_log(stores: Stores) -> None:
    job, lease = await running(stores)
    await stores.events.append_log(lease, [line(1)])
    ended = Settlement(JobState.SUCCEEDED)
    stale = Lease(lease.job, lease.epoch - 1)
    assert not await stores.jobs.settle(stale, ended, [line(9)])
    assert await stores.jobs.settle(lease, ended, [line(2), LogLine(NOON, "INFO", "a\0b", "node")])
    assert not await stores.jobs.settle(lease, ended, [line(9)])
    page = await stores.events.log(WORKSPACE, job.uid, after=0, limit=9)
    assert [each.sequence for each in page.lines] == [1, 2, 3]
    assert [each.message for each in page.lines[:2]] == [line(1).message, line(2).message]
    assert page.lines[2].node == "node"
    assert page.lines[2].message[0::2] == "ab"


async def test_the_last_lines_of_a_long_log_push_the_first_out(stores: Stores) -> None:
    job, lease = await running(stores)
    await stores.events.append_log(lease, [line(number) for number in range(LINES_KEPT)])
    await stores.jobs.settle(lease, Settlement(JobState.FAILED), [line(1), line(2)])
    page = await stores.events.log(WORKSPACE, job.uid, after=2, limit=1)
    assert (page.lines[0].sequence, page.oldest, page.latest) == (3, 3, LINES_KEPT + 2)


async def test_a_log_takes_text_that_a_database_cannot_hold(stores: Stores) -> None:
    job, lease = await running(stores)
    assert await stores.events.append_log(lease, [LogLine(NOON, "INFO", "a\0b\udc80c")])
    page = await stores.events.log(WORKSPACE, job.uid, after=0, limit=9)
    assert page.lines[0].message[0::2].startswith("a")
    assert page.lines[0].message.endswith("c")


async def test_a_new_job_wakes_those_who_wait_for_work(stores: Stores) -> None:
    await pipeline(stores)
    with stores.wakeups.subscribe(None) as wakeup:
        waiting = asyncio.create_task(wakeup.wait(PATIENCE))
        await submit(stores)
        assert await waiting


async def test_a_new_job_lets_watchers_of_others_sleep(stores: Stores) -> None:
    job, lease = await running(stores)
    with stores.wakeups.subscribe(job.uid) as wakeup, stores.wakeups.subscribe(None) as queue:
        await submit(stores)
        assert await queue.wait(PATIENCE)
        assert not await wakeup.wait(0)
        await stores.jobs.release(lease)
        assert await wakeup.wait(PATIENCE)
        assert await queue.wait(PATIENCE)


async def test_changes_of_a_job_wake_its_watchers(stores: Stores) -> None:
    job, lease = await running(stores)
    with stores.wakeups.subscribe(job.uid) as wakeup:
        await stores.jobs.progress(lease, Progress(rows_read=1))
        assert await wakeup.wait(PATIENCE)
    with stores.wakeups.subscribe(job.uid) as wakeup:
        await stores.events.append_log(lease, [line(1)])
        assert await wakeup.wait(PATIENCE)
    with stores.wakeups.subscribe(job.uid) as wakeup:
        await stores.jobs.settle(lease, Settlement(JobState.SUCCEEDED))
        assert await wakeup.wait(PATIENCE)


async def test_a_claim_wakes_the_watchers_of_each_claimed_job(stores: Stores) -> None:
    await pipeline(stores)
    jobs = [await submit(stores) for _ in range(3)]
    with stores.wakeups.subscribe(jobs[1].uid) as wakeup:
        await stores.jobs.claim(uuid4(), lease=LEASE, limit=3)
        assert await wakeup.wait(PATIENCE)


async def test_waiting_ends_without_a_hint(stores: Stores) -> None:
    with stores.wakeups.subscribe(uuid4()) as wakeup:
        assert not await wakeup.wait(0.01)


async def test_a_job_that_comes_back_wakes_those_who_wait_for_work(stores: Stores) -> None:
    await pipeline(stores)
    await submit(stores)
    _, lease = await claim(stores)
    with stores.wakeups.subscribe(None) as wakeup:
        await stores.jobs.release(lease)
        assert await wakeup.wait(PATIENCE)
