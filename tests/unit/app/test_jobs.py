"""Use cases of jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from etlplus.domain.errors import (
    InvalidInput,
    NotFound,
    OutOfRange,
    PermissionDenied,
    RunError,
)
from etlplus.domain.events import Heartbeat, JobEvent, LogLine, Snapshot
from etlplus.domain.job import Job, JobState, Settlement
from etlplus.domain.names import job_name
from etlplus.domain.run import Progress, RejectSummary
from etlplus.store.bounds import EVENTS_KEPT
from tests.unit.app.service import ME, PARENT, STRANGER, Service

DONE = Settlement(JobState.SUCCEEDED)


def name_of(job: Job) -> str:
    return job_name("default", job.uid)


async def collect(
    stream: AsyncIterator[Snapshot | JobEvent | Heartbeat],
) -> list[Snapshot | JobEvent]:
    return [item async for item in stream if not isinstance(item, Heartbeat)]


def line(text: str) -> LogLine:
    return LogLine(datetime.now(UTC), "INFO", text)


async def test_jobs_are_shown_to_their_workspace(service: Service) -> None:
    await service.create()
    job = await service.job()
    assert await service.jobs.get(ME, name_of(job)) == job
    with pytest.raises(PermissionDenied):
        await service.jobs.get(STRANGER, name_of(job))
    with pytest.raises(NotFound) as caught:
        await service.jobs.get(ME, f"{PARENT}/jobs/00000000-0000-7000-8000-000000000000")
    assert caught.value.code == "JOB_NOT_FOUND"


async def test_lists_come_in_pages_newest_first(service: Service) -> None:
    await service.create()
    jobs = [await service.job() for _ in range(3)]
    page = await service.jobs.list(ME, PARENT, size=2)
    assert page.items == (jobs[2], jobs[1])
    rest = await service.jobs.list(ME, PARENT, size=2, page_token=page.next_token)
    assert (rest.items, rest.next_token) == ((jobs[0],), "")


async def test_lists_are_filtered(service: Service) -> None:
    await service.create()
    first = await service.job()
    second = await service.job()
    await service.jobs.cancel(ME, name_of(first))
    page = await service.jobs.list(
        ME, PARENT, filter_text='pipeline = "orders" AND state = PENDING'
    )
    assert page.items == (second,)


async def test_a_token_belongs_to_its_filter(service: Service) -> None:
    await service.create()
    for _ in range(2):
        await service.job()
    page = await service.jobs.list(ME, PARENT, size=1)
    with pytest.raises(InvalidInput) as caught:
        await service.jobs.list(
            ME, PARENT, filter_text="state = FAILED", page_token=page.next_token
        )
    assert caught.value.code == "PAGE_TOKEN_INVALID"


async def test_cancelling_a_waiting_job_ends_it_and_again_changes_nothing(
    service: Service,
) -> None:
    await service.create()
    job = await service.job()
    ended = await service.jobs.cancel(ME, name_of(job))
    assert ended.state is JobState.CANCELLED
    assert await service.jobs.cancel(ME, name_of(job)) == ended


async def test_a_watch_tells_everything_and_ends_with_the_job(service: Service) -> None:
    await service.create()
    job = await service.job()
    watch = asyncio.create_task(collect(service.jobs.watch(ME, name_of(job))))
    await asyncio.sleep(0)
    lease = await service.claim()
    await asyncio.sleep(0)
    await service.stores.jobs.progress(lease, Progress(rows_read=5))
    await asyncio.sleep(0)
    await service.stores.jobs.settle(lease, DONE)
    seen = await watch
    assert [item.sequence for item in seen] == sorted({item.sequence for item in seen})
    assert isinstance(seen[0], Snapshot)
    last = seen[-1]
    assert isinstance(last, Snapshot)
    assert last.job.state is JobState.SUCCEEDED


async def test_a_resumed_watch_misses_nothing(service: Service) -> None:
    await service.create()
    job = await service.job()
    lease = await service.claim()
    await service.stores.jobs.progress(lease, Progress(rows_read=5))
    await service.stores.jobs.progress(lease, Progress(rows_read=6))
    async with aclosing(service.jobs.watch(ME, name_of(job), resume_after=2)) as watch:
        first, second = await anext(watch), await anext(watch)
        assert isinstance(first, JobEvent)
        assert isinstance(second, JobEvent)
        assert (first.sequence, first.progress.rows_read) == (3, 5)
        assert (second.sequence, second.progress.rows_read) == (4, 6)
        assert await anext(watch) == Heartbeat(4)
    await service.stores.jobs.settle(lease, DONE)
    (end,) = await collect(service.jobs.watch(ME, name_of(job), resume_after=4))
    assert isinstance(end, Snapshot)
    assert await collect(service.jobs.watch(ME, name_of(job), resume_after=5)) == []


async def test_a_watch_cannot_resume_what_never_happened(service: Service) -> None:
    await service.create()
    job = await service.job()
    with pytest.raises(InvalidInput, match="has no event 9"):
        await collect(service.jobs.watch(ME, name_of(job), resume_after=9))


async def test_a_watch_cannot_resume_what_is_not_kept(service: Service) -> None:
    await service.create()
    job = await service.job()
    lease = await service.claim()
    for row in range(EVENTS_KEPT + 1):
        await service.stores.jobs.progress(lease, Progress(rows_read=row))
    with pytest.raises(OutOfRange) as caught:
        await collect(service.jobs.watch(ME, name_of(job), resume_after=1))
    assert caught.value.code == "CURSOR_TOO_OLD"


async def test_a_log_is_followed_to_the_jobs_end(service: Service) -> None:
    await service.create()
    job = await service.job()
    lease = await service.claim()
    await service.stores.events.append_log(lease, [line("one"), line("two")])
    tail = service.jobs.tail_log(ME, name_of(job), follow=True)
    assert [each.message for each in await anext(tail)] == ["one", "two"]
    waiting = asyncio.ensure_future(anext(tail))
    await asyncio.sleep(0)
    await service.stores.events.append_log(lease, [line("three")])
    assert [each.message for each in await waiting] == ["three"]
    await service.stores.jobs.settle(lease, DONE)
    assert [batch async for batch in tail] == []


async def test_a_log_that_is_not_followed_ends_at_once(service: Service) -> None:
    await service.create()
    job = await service.job()
    lease = await service.claim()
    await service.stores.events.append_log(lease, [line("one"), line("two")])
    batches = [batch async for batch in service.jobs.tail_log(ME, name_of(job), resume_after=1)]
    assert [[each.message for each in batch] for batch in batches] == [["two"]]


async def ended_with_rejects(service: Service) -> Job:
    await service.create()
    job = await service.job()
    path = service.parts.environment.rejects_file(job.uid.hex)
    await asyncio.to_thread(keep, path)
    lease = await service.claim()
    rejects = RejectSummary(2, (), str(path))
    await service.stores.jobs.settle(lease, Settlement(JobState.FAILED, rejects=rejects))
    return job


def keep(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("rejects", encoding="utf-8")


async def test_rejects_are_read_in_parts(service: Service) -> None:
    job = await ended_with_rejects(service)

    async def lines(**asked: int | str) -> list[int | None]:
        stream = service.jobs.rejects(ME, name_of(job), **asked)  # type: ignore[arg-type]
        return [row.line async for batch in stream for row in batch]

    assert await lines() == [0, 1]
    assert await lines(skip=1) == [1]
    assert await lines(limit=1) == [0]
    assert await lines(step="orders", code="CONVERSION_FAILED") == [0, 1]
    assert await lines(step="other") == []
    assert await lines(code="OUT_OF_RANGE") == []


async def test_a_job_without_rejects_has_none(service: Service) -> None:
    await service.create()
    job = await service.job()
    assert [batch async for batch in service.jobs.rejects(ME, name_of(job))] == []


async def test_rejects_that_lie_elsewhere_are_said_to(service: Service) -> None:
    job = await ended_with_rejects(service)
    path = service.parts.environment.rejects_file(job.uid.hex)
    await asyncio.to_thread(path.unlink)
    with pytest.raises(RunError, match="are not kept here"):
        await anext(aiter(service.jobs.rejects(ME, name_of(job))))
