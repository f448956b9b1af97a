"""The queue as a whole in PostgreSQL: who serves it, why jobs wait, what is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etlplus.domain.queueing import Queueing, Standing
from etlplus.store.queries import load_queries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta
    from typing import Any
    from uuid import UUID

    from etlplus.store.database import Database
    from etlplus.store.hints import Hints

#: Jobs whose time has come that one statement wakes.
_AT_ONCE = 1000

_SQL = load_queries("queue")


class PostgresQueue:
    """QueueStore in PostgreSQL."""

    def __init__(self, database: Database, hints: Hints) -> None:
        """Uses an open database; workers are told by hints."""
        self._database = database
        self._hints = hints

    async def awaken(self) -> int:
        """Lets jobs whose retry time has come take their turn; how many it was."""
        rows = await self._database.fetch_all(_SQL["awaken"], {"limit": _AT_ONCE})
        if rows:
            self._hints.send(None)
        return len(rows)

    async def serve(self, worker: UUID, queues: Sequence[str], *, lease: timedelta) -> None:
        """Notes that a worker serves queues, for as long as it says so again in time."""
        params = {"worker": worker, "queues": list(queues), "lease": lease}
        await self._database.execute(_SQL["serve"], params)

    async def leave(self, worker: UUID) -> None:
        """Notes that a worker serves no queue any more."""
        await self._database.execute(_SQL["leave"], {"worker": worker})

    async def standings(self, jobs: Sequence[UUID]) -> Mapping[UUID, Standing]:
        """How those of the jobs that wait stand."""
        rows = await self._database.fetch_all(_SQL["standings"], {"jobs": list(jobs)})
        return {row["uid"]: _standing(row) for row in rows}

    async def forget_jobs(self, *, age: timedelta, limit: int) -> Sequence[UUID]:
        """Deletes jobs that ended longer ago than `age`, the oldest first, at most `limit`."""
        params = {"age": age, "limit": limit}
        return [row["uid"] for row in await self._database.fetch_all(_SQL["forget_jobs"], params)]

    async def forget_lanes(self) -> None:
        """Deletes what is kept of limits that no run has needed for a day."""
        await self._database.execute(_SQL["forget_lanes"])


def _standing(row: Mapping[str, Any]) -> Standing:
    queueing = Queueing(
        queue=row["queue"],
        priority=row["priority"],
        most_running=row["most_running"],
        most_starts=row["most_starts"],
        starts_per=row["starts_per"],
        key=row["concurrency_key"],
    )
    return Standing(
        queueing=queueing,
        served=row["served"],
        retry=row["retries"],
        retry_time=row["retry_time"],
        running=row["running"],
        started=tuple(row["started"]),
    )
