"""The ledger of loads into files, in PostgreSQL."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from etlplus.domain.fileload import FileLoad
from etlplus.domain.run import Books
from etlplus.store.queries import load_queries
from etlplus.store.refusals import lease_lost, no_load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from etlplus.domain.job import Lease
    from etlplus.store.database import Database

_SQL = load_queries("loads")
_BOOKS = ("read", "loaded", "rejected", "filtered", "merged_away", "expanded")


class PostgresLoads:
    """LoadStore in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        """Uses an open database."""
        self._database = database

    async def get(self, load_id: str, sink: str) -> FileLoad | None:
        """The ledger's entry of a load and sink; None when it was not published."""
        row = await self._database.fetch_one(_SQL["get"], {"load_id": load_id, "sink": sink})
        return None if row is None else _load(row)

    async def record(self, lease: Lease, load: FileLoad) -> FileLoad:
        """Enters a published sink, unless it is there already.

        Returns:
            The ledger's entry, which is an earlier one if there was one.

        Raises:
            WrongState: LEASE_LOST: the claim no longer holds.
        """
        params = {
            "job": lease.job,
            "epoch": lease.epoch,
            "load_id": load.load_id,
            "sink": load.sink,
            "kind": load.kind,
            "target": load.target,
            "mode": load.mode,
            "checksum": load.checksum,
            "files": Jsonb(list(load.files)),
            "undo": Jsonb(dict(load.undo)),
            "windows": Jsonb(dict(load.windows)),
            **asdict(load.books),
        }
        row = await self._database.fetch_one(_SQL["record"], params)
        if row is not None:
            return _load(row)
        earlier = await self.get(load.load_id, load.sink)
        if earlier is None:
            raise lease_lost(lease)
        return earlier

    async def standing(self, load: FileLoad) -> Sequence[FileLoad]:
        """Loads into the same target from this one on that are not rolled back, newest first."""
        params = {"target": load.target, "since": load.create_time}
        return [_load(row) for row in await self._database.fetch_all(_SQL["standing"], params)]

    async def roll_back(self, load: FileLoad, *, cause: str, author: str, reason: str) -> FileLoad:
        """Notes that a load is rolled back; one that was before stays as it is.

        Raises:
            NotFound: There is no such load.
        """
        params = {
            "load_id": load.load_id,
            "sink": load.sink,
            "cause": cause,
            "author": author,
            "reason": reason,
        }
        row = await self._database.fetch_one(_SQL["roll_back"], params)
        if row is not None:
            return _load(row)
        earlier = await self.get(load.load_id, load.sink)
        if earlier is None:
            raise no_load(load)
        return earlier

    async def rolled_back_for(self, load_id: str) -> Sequence[FileLoad]:
        """What was rolled back for the sake of a load, newest first."""
        rows = await self._database.fetch_all(_SQL["rolled_back_for"], {"load_id": load_id})
        return [_load(row) for row in rows]


def _load(row: Mapping[str, Any]) -> FileLoad:
    return FileLoad(
        load_id=row["load_id"],
        sink=row["sink"],
        kind=row["kind"],
        target=row["target"],
        mode=row["mode"],
        books=Books(**{name: row[name] for name in _BOOKS}),
        checksum=row["checksum"],
        files=tuple(row["files"]),
        create_time=row["create_time"],
        undo=row["undo"],
        rolled_back_time=row["rolled_back_time"],
        rolled_back_author=row["rolled_back_author"],
        rolled_back_for=row["rolled_back_for"],
        rollback_reason=row["rollback_reason"],
        windows=row["windows"],
    )
