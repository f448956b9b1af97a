"""Events and logs of jobs in memory."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from etlplus.domain.errors import NotFound
from etlplus.domain.events import EventPage, LogLine, LogPage, NumberedLine
from etlplus.domain.job import Job, JobState, Lease
from etlplus.store.bounds import LINES_KEPT
from etlplus.store.memory.state import Memory
from etlplus.store.refusals import cursor_too_old
from etlplus.store.text import clean_text


class MemoryEvents:
    """EventStore in memory."""

    def __init__(self, memory: Memory) -> None:
        """Keeps its rows in a memory."""
        self._memory = memory

    async def events(self, workspace: str, uid: UUID, *, after: int, limit: int) -> EventPage:
        """As `PostgresEvents.events`."""
        job = self._job(workspace, uid)
        kept = self._memory.tables.events.get(uid, [])
        oldest = kept[0].sequence if kept else job.sequence + 1
        if after < job.sequence and oldest > after + 1:
            raise cursor_too_old(after, oldest)
        page = tuple(event for event in kept if event.sequence > after)[:limit]
        return EventPage(page, oldest, job.sequence)

    async def append_log(self, lease: Lease, lines: Sequence[LogLine]) -> bool:
        """As `PostgresEvents.append_log`."""
        job = self._memory.tables.jobs.get(lease.job)
        if job is None or job.state is not JobState.RUNNING or job.epoch != lease.epoch:
            return False
        add_lines(self._memory, lease.job, lines)
        self._memory.hub.wake(lease.job)
        return True

    async def log(self, workspace: str, uid: UUID, *, after: int, limit: int) -> LogPage:
        """As `PostgresEvents.log`."""
        self._job(workspace, uid)
        kept = self._memory.tables.lines.get(uid, [])
        latest = kept[-1].sequence if kept else 0
        oldest = kept[0].sequence if kept else 1
        if after < latest and oldest > after + 1:
            raise cursor_too_old(after, oldest)
        page = tuple(line for line in kept if line.sequence > after)[:limit]
        return LogPage(page, oldest, latest)

    def _job(self, workspace: str, uid: UUID) -> Job:
        job = self._memory.tables.jobs.get(uid)
        if job is None or job.workspace != workspace:
            raise NotFound(f"There is no job {uid}.", code="JOB_NOT_FOUND")
        return job


def add_lines(memory: Memory, job: UUID, lines: Sequence[LogLine]) -> None:
    """Adds lines to a job's log, of which the last are kept."""
    kept = memory.tables.lines.setdefault(job, [])
    latest = kept[-1].sequence if kept else 0
    for number, line in enumerate(lines, start=latest + 1):
        message, node = clean_text(line.message), clean_text(line.node)
        kept.append(NumberedLine(number, line.time, line.level, message, node))
    del kept[:-LINES_KEPT]
