"""What happened to jobs, in order: events for watchers and lines of logs, in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

from etlplus.domain.errors import NotFound
from etlplus.domain.events import EventKind, EventPage, JobEvent, LogLine, LogPage, NumberedLine
from etlplus.domain.job import JobState, Lease
from etlplus.store.bounds import LINES_KEPT
from etlplus.store.codec import error_from, progress_from
from etlplus.store.queries import load_queries
from etlplus.store.refusals import cursor_too_old
from etlplus.store.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from etlplus.store.database import Database
    from etlplus.store.hints import Hints

_SQL = load_queries("events")


class PostgresEvents:
    """EventStore in PostgreSQL."""

    def __init__(self, database: Database, hints: Hints) -> None:
        """Uses an open database; watchers are told by hints."""
        self._database = database
        self._hints = hints

    async def events(self, workspace: str, uid: UUID, *, after: int, limit: int) -> EventPage:
        """A job's events after a sequence, in order and without gaps.

        Raises:
            NotFound: JOB_NOT_FOUND.
            OutOfRange: CURSOR_TOO_OLD: not all are kept any more; metadata has the `oldest`.
        """
        bounds = await self._bounds(_SQL["bounds"], workspace, uid)
        rows = await self._page(_SQL["events"], uid, after, limit)
        events = tuple(_event(row) for row in rows)
        oldest, latest = _checked(after, bounds, [each.sequence for each in events])
        return EventPage(events, oldest, latest)

    async def append_log(self, lease: Lease, lines: Sequence[LogLine]) -> bool:
        """Adds lines to the log of a job that this worker runs. False: the claim is lost."""
        params = {
            "job": lease.job,
            "epoch": lease.epoch,
            "times": [line.time for line in lines],
            "levels": [line.level for line in lines],
            "messages": [clean_text(line.message) for line in lines],
            "nodes": [clean_text(line.node) for line in lines],
            "keep": LINES_KEPT,
        }
        if await self._database.fetch_one(_SQL["append_log"], params) is None:
            return False
        self._hints.send(lease.job)
        return True

    async def log(self, workspace: str, uid: UUID, *, after: int, limit: int) -> LogPage:
        """A job's log lines after a sequence, in order and without gaps.

        Raises:
            NotFound: JOB_NOT_FOUND.
            OutOfRange: CURSOR_TOO_OLD: not all are kept any more; metadata has the `oldest`.
        """
        bounds = await self._bounds(_SQL["log_bounds"], workspace, uid)
        rows = await self._page(_SQL["log"], uid, after, limit)
        lines = tuple(_line(row) for row in rows)
        oldest, latest = _checked(after, bounds, [each.sequence for each in lines])
        return LogPage(lines, oldest, latest)

    async def _bounds(self, query: LiteralString, workspace: str, uid: UUID) -> tuple[int, int]:
        row = await self._database.fetch_one(query, {"workspace": workspace, "uid": uid})
        if row is None:
            raise NotFound(f"There is no job {uid}.", code="JOB_NOT_FOUND")
        return row["oldest"], row["latest"]

    async def _page(
        self, query: LiteralString, uid: UUID, after: int, limit: int
    ) -> list[dict[str, Any]]:
        params = {"uid": uid, "after": after, "limit": limit}
        return await self._database.fetch_all(query, params)


def _checked(after: int, bounds: tuple[int, int], read: list[int]) -> tuple[int, int]:
    # What was read counts too: between the two statements old ones may have gone and new ones come.
    oldest, latest = bounds
    start = read[0] if read else oldest
    if after < latest and start > after + 1:
        raise cursor_too_old(after, start)
    return oldest, max([latest, *read[-1:]])


def _event(row: Mapping[str, Any]) -> JobEvent:
    return JobEvent(
        sequence=row["sequence"],
        time=row["time"],
        kind=EventKind(row["kind"]),
        state=JobState(row["state"]),
        attempt=row["attempt"],
        progress=progress_from(row["progress"]),
        error=error_from(row["error"]),
    )


def _line(row: Mapping[str, Any]) -> NumberedLine:
    return NumberedLine(
        sequence=row["sequence"],
        time=row["time"],
        level=row["level"],
        message=row["message"],
        node=row["node"],
    )
