"""What happened to jobs, in order: events for watchers and lines of logs, in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

from etlplus.domain.errors import NotFound
from etlplus.domain.events import EventKind, EventPage, JobEvent, LogLine, LogPage, NumberedLine
from etlplus.domain.job import JobState, Lease
from etlplus.store.bounds import LINES_KEPT
from etlplus.store.codec import error_from, lines_to_arrays, progress_from
from etlplus.store.queries import load_queries
from etlplus.store.refusals import cursor_too_old

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
        params = {"workspace": workspace, "uid": uid, "after": after, "limit": limit}
        rows = await self._read(uid, params, _SQL["events"], _SQL["past_events"])
        events = tuple(_event(row) for row in rows if row["sequence"] is not None)
        bounds = rows[0]["oldest"], rows[0]["latest"]
        oldest, latest = _checked(after, bounds, [each.sequence for each in events])
        return EventPage(events, oldest, latest)

    async def append_log(self, lease: Lease, lines: Sequence[LogLine]) -> bool:
        """Adds lines to the log of a job that this worker runs. False: the claim is lost."""
        params = {
            "job": lease.job,
            "epoch": lease.epoch,
            **lines_to_arrays(lines),
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
        params = {"workspace": workspace, "uid": uid, "after": after, "limit": limit}
        rows = await self._read(uid, params, _SQL["log"], _SQL["past_log"])
        lines = tuple(_line(row) for row in rows if row["sequence"] is not None)
        bounds = rows[0]["oldest"], rows[0]["latest"]
        oldest, latest = _checked(after, bounds, [each.sequence for each in lines])
        return LogPage(lines, oldest, latest)

    async def _read(
        self, uid: UUID, params: Mapping[str, object], present: LiteralString, past: LiteralString
    ) -> list[dict[str, Any]]:
        """At least one row of a job that exists. Only those that ended are in the past."""
        # Between two statements a job can move to the past, and, to be rolled back, return.
        for query in (present, past, present):
            rows = await self._database.fetch_all(query, params)
            if rows:
                return rows
        raise NotFound(f"There is no job {uid}.", code="JOB_NOT_FOUND")


def _checked(after: int, bounds: tuple[int, int], read: list[int]) -> tuple[int, int]:
    # What was read counts too: between two statements old lines may have gone and new ones come.
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
