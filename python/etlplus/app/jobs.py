"""Use cases of jobs: looking, watching, cancelling, reading what they left."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from etlplus.app.access import enter
from etlplus.app.filtering import parse_job_filter
from etlplus.app.paging import Page, PageTokens, page_size
from etlplus.app.ports import RejectReader, Stores
from etlplus.domain import names
from etlplus.domain.errors import InvalidInput
from etlplus.domain.events import EventKind, Heartbeat, JobEvent, NumberedLine, Snapshot
from etlplus.domain.job import Job, JobKey, JobState
from etlplus.domain.principal import Principal
from etlplus.domain.run import RejectRow

#: Seconds without news after which a watch says that it is alive.
HEARTBEAT: Final = 15.0
_EVENTS_AT_ONCE: Final = 200
_LINES_AT_ONCE: Final = 500


class Jobs:
    """Shows, lists, watches and cancels jobs. Names are resource names."""

    def __init__(
        self,
        stores: Stores,
        rejects: RejectReader,
        tokens: PageTokens,
        *,
        heartbeat: float = HEARTBEAT,
    ) -> None:
        """Reads jobs from the stores. `heartbeat` is in seconds."""
        self._stores = stores
        self._rejects = rejects
        self._tokens = tokens
        self._heartbeat = heartbeat

    async def get(self, caller: Principal, name: str) -> Job:
        """The job, why it waits if it does, and what it reads. Raises NotFound (JOB_NOT_FOUND)."""
        workspace, uid = names.parse_job(name)
        job = await self._told(await self._stores.jobs.get(enter(caller, workspace), uid))
        return replace(job, windows=tuple(await self._stores.windows.of_job(uid)))

    async def list(
        self,
        caller: Principal,
        parent: str,
        *,
        filter_text: str = "",
        size: int = 0,
        page_token: str = "",
        chain: str = "",
    ) -> Page[Job]:
        """Jobs, newest first, with why they wait. `chain`: those that hang together with this job.

        Raises:
            InvalidInput: FILTER_INVALID, PAGE_TOKEN_INVALID.
            NotFound: JOB_NOT_FOUND, of `chain`.
        """
        workspace = enter(caller, names.parse_workspace(parent))
        where = parse_job_filter(filter_text)
        limit = page_size(size)
        arguments = {"list": "jobs", "workspace": workspace, "filter": filter_text}
        among = None
        if chain:
            arguments["chain"] = chain
            first = await self.get(caller, chain)
            among = await self._stores.triggers.chain(first.workspace, first.uid)
        after = _key(await self._tokens.read(arguments, page_token)) if page_token else None
        found = await self._stores.jobs.list(
            workspace, where, after=after, limit=limit + 1, among=among
        )
        if len(found) <= limit:
            return Page(tuple(await self._all_told(found)), "")
        last = found[limit - 1]
        key = [last.create_time.isoformat(), str(last.uid)]
        told = await self._all_told(found[:limit])
        return Page(tuple(told), await self._tokens.write(arguments, key))

    async def cancel(self, caller: Principal, name: str) -> Job:
        """Asks a job to stop; one that has ended stays as it is. Raises NotFound."""
        workspace, uid = names.parse_job(name)
        return await self._stores.jobs.request_cancel(enter(caller, workspace), uid)

    async def watch(
        self, caller: Principal, name: str, *, resume_after: int = 0
    ) -> AsyncGenerator[Snapshot | JobEvent | Heartbeat, None]:
        """Follows a job until it has ended.

        A snapshot comes first, unless it is resumed, and again whenever the state changes; between
        them come events with new counters, and a heartbeat after each time without news.

        Raises:
            NotFound: JOB_NOT_FOUND.
            OutOfRange: CURSOR_TOO_OLD, when events after `resume_after` are no longer kept.
        """
        workspace, uid = names.parse_job(name)
        enter(caller, workspace)
        with self._stores.wakeups.subscribe(uid) as wakeup:
            job = await self._stores.jobs.get(workspace, uid)
            seen = _resumed(resume_after, job.sequence)
            if not resume_after:
                seen = job.sequence
                yield Snapshot(seen, await self._told(job))
            while not (job.state.is_final and seen >= job.sequence):
                async for news in self._news(workspace, uid, seen):
                    if isinstance(news, Snapshot):
                        job = news.job
                    seen = news.sequence
                    yield news
                if job.state.is_final and seen >= job.sequence:
                    return
                if not await wakeup.wait(self._heartbeat):
                    yield Heartbeat(seen)

    async def tail_log(
        self, caller: Principal, name: str, *, resume_after: int = 0, follow: bool = False
    ) -> AsyncIterator[Sequence[NumberedLine]]:
        """A job's log in batches of lines; with `follow` it stays until the job has ended.

        Raises:
            NotFound: JOB_NOT_FOUND.
            OutOfRange: CURSOR_TOO_OLD.
        """
        workspace, uid = names.parse_job(name)
        enter(caller, workspace)
        seen = resume_after
        with self._stores.wakeups.subscribe(uid) as wakeup:
            while True:
                # The state is read before the lines: a job that has ended writes no more of them.
                job = await self._stores.jobs.get(workspace, uid)
                page = await self._stores.events.log(
                    workspace, uid, after=seen, limit=_LINES_AT_ONCE
                )
                if page.lines:
                    seen = page.lines[-1].sequence
                    yield page.lines
                elif job.state.is_final or not follow:
                    return
                else:
                    await wakeup.wait(self._heartbeat)

    async def rejects(
        self,
        caller: Principal,
        name: str,
        *,
        skip: int = 0,
        limit: int = 0,
        step: str = "",
        code: str = "",
    ) -> AsyncIterator[Sequence[RejectRow]]:
        """The rows that a job refused, in batches, in order; `limit` 0 gives all.

        Raises:
            NotFound: JOB_NOT_FOUND.
        """
        job = await self.get(caller, name)
        left = limit or None
        async for batch in self._rejects.read(job):
            rows = [row for row in batch if _asked_for(row, step, code)]
            rows, skip = rows[skip:], max(0, skip - len(rows))
            rows = rows[:left]
            if rows:
                yield rows
            if left is not None:
                left -= len(rows)
                if left == 0:
                    return

    async def _told(self, job: Job) -> Job:
        return (await self._all_told([job]))[0]

    async def _all_told(self, jobs: Sequence[Job]) -> Sequence[Job]:
        """The jobs, those that wait with the reason."""
        waiting = [job.uid for job in jobs if job.state is JobState.PENDING]
        if not waiting:
            return jobs
        found = await self._stores.queue.standings(waiting)
        return [replace(job, wait=found[job.uid].wait) if job.uid in found else job for job in jobs]

    async def _news(
        self, workspace: str, uid: UUID, seen: int
    ) -> AsyncIterator[Snapshot | JobEvent]:
        while True:
            page = await self._stores.events.events(
                workspace, uid, after=seen, limit=_EVENTS_AT_ONCE
            )
            for event in page.events:
                if event.sequence <= seen:
                    continue  # the last snapshot holds it already
                if event.kind is EventKind.STATE:
                    job = await self._stores.jobs.get(workspace, uid)
                    seen = job.sequence
                    yield Snapshot(seen, await self._told(job))
                else:
                    seen = event.sequence
                    yield event
            if not page.events or seen >= page.latest:
                return


def _resumed(resume_after: int, latest: int) -> int:
    if not 0 <= resume_after <= latest:
        raise InvalidInput(
            f"The job has no event {resume_after}; its newest is {latest}",
            place="resume_after",
            hint="Watch without resume_after: the first message is the present state",
            metadata={"latest": str(latest)},
        )
    return resume_after


def _key(parts: Sequence[str]) -> JobKey:
    return JobKey(datetime.fromisoformat(parts[0]), UUID(parts[1]))


def _asked_for(row: RejectRow, step: str, code: str) -> bool:
    if step and row.step != step:
        return False
    return not code or code in _codes(row)


def _codes(row: RejectRow) -> set[str]:
    reasons = json.loads(row.reasons) if row.reasons else []
    return {row.code, *(reason.get("code", "") for reason in reasons)}
