"""Jobs that ended: kept by day apart from the queue, and forgotten by day, in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etlplus.store.queries import load_queries

if TYPE_CHECKING:
    from datetime import timedelta
    from uuid import UUID

    from etlplus.store.database import Database

#: Jobs that one statement moves.
_AT_ONCE = 500

_SQL = load_queries("history")


class PostgresHistory:
    """HistoryStore in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        """Uses an open database."""
        self._database = database

    async def archive(self, *, rest: timedelta) -> int:
        """Moves jobs that ended longer ago than `rest` out of the queue's table; how many it was.

        Whoever reads finds them as before. A job whose load may be published in part stays.
        """
        moved = 0
        while True:
            batch = await self._archive(rest)
            moved += batch
            if batch < _AT_ONCE:
                return moved

    async def _archive(self, rest: timedelta) -> int:
        params = {"rest": rest, "limit": _AT_ONCE}
        rows = await self._database.fetch_all(_SQL["days"], params)
        if not rows:
            return 0
        days = [row["day"] for row in rows]
        await self._database.execute(_SQL["open"], {"days": days})
        row = await self._database.fetch_one(_SQL["move"], {**params, "days": days})
        return 0 if row is None else row["jobs"]

    async def forget(self, *, age: timedelta) -> int:
        """Drops the days that ended longer ago than `age`; how many jobs went with them.

        Raises:
            Unavailable: Also when others held a day for too long: it goes with a later call.
        """
        gone = 0
        for each in await self._database.fetch_all(_SQL["past_days"], {"age": age}):
            async with self._database.transaction():
                await self._database.execute(_SQL["allow"])
                row = await self._database.fetch_one(_SQL["drop"], {"day": each["day"]})
            gone += 0 if row is None else row["jobs"]
        return gone


async def recall(database: Database, workspace: str, uid: UUID) -> None:
    """Brings a job back from the history, to be changed; it moves there again once it rests."""
    await database.execute(_SQL["recall"], {"workspace": workspace, "uid": uid})
