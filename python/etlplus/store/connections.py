"""Connections in PostgreSQL. Passwords are references; no secret's value comes here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from etlplus.domain.connection import Connection, ConnectionDraft
from etlplus.store.queries import load_queries
from etlplus.store.refusals import connection_exists, connection_not_found, etag_mismatch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from etlplus.store.database import Database

_SQL = load_queries("connections")


class PostgresConnections:
    """ConnectionStore in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        """Uses an open database."""
        self._database = database

    async def create(self, workspace: str, name: str, draft: ConnectionDraft) -> Connection:
        """Makes a connection.

        Raises:
            AlreadyExists: CONNECTION_EXISTS.
        """
        row = await self._write("create", workspace, name, draft)
        if row is None:
            raise connection_exists(name)
        return _connection(row)

    async def get(self, workspace: str, name: str) -> Connection:
        """The connection.

        Raises:
            NotFound: CONNECTION_NOT_FOUND.
        """
        row = await self._database.fetch_one(_SQL["get"], {"workspace": workspace, "name": name})
        if row is None:
            raise connection_not_found(name)
        return _connection(row)

    async def list(self, workspace: str, *, after: str = "", limit: int) -> Sequence[Connection]:
        """Connections by name from just after a name."""
        params = {"workspace": workspace, "after": after, "limit": limit}
        return [_connection(row) for row in await self._database.fetch_all(_SQL["list"], params)]

    async def update(
        self, workspace: str, name: str, draft: ConnectionDraft, *, etag: str = ""
    ) -> Connection:
        """Replaces a connection's content.

        Raises:
            NotFound: CONNECTION_NOT_FOUND.
            EtagMismatch: The connection is not the one that `etag` was given out for.
        """
        row = await self._write("update", workspace, name, draft, etag)
        if row is None:
            raise etag_mismatch("connection", name, (await self.get(workspace, name)).etag)
        return _connection(row)

    async def delete(self, workspace: str, name: str, *, etag: str = "") -> None:
        """Deletes a connection.

        Raises:
            NotFound: CONNECTION_NOT_FOUND.
            EtagMismatch: The connection is not the one that `etag` was given out for.
        """
        params = {"workspace": workspace, "name": name, "etag": etag}
        if await self._database.fetch_one(_SQL["delete"], params) is None:
            raise etag_mismatch("connection", name, (await self.get(workspace, name)).etag)

    async def _write(
        self, query: str, workspace: str, name: str, draft: ConnectionDraft, etag: str = ""
    ) -> dict[str, Any] | None:
        params = {
            "workspace": workspace,
            "name": name,
            "etag": etag,
            "kind": draft.kind,
            "options": Jsonb(dict(draft.options)),
            "password": draft.password,
        }
        return await self._database.fetch_one(_SQL[query], params)


def _connection(row: Mapping[str, Any]) -> Connection:
    return Connection(
        workspace=row["workspace"],
        name=row["name"],
        kind=row["kind"],
        options=row["options"],
        password=row["password"],
        etag=f'"{row["revision"]}"',
        create_time=row["create_time"],
        update_time=row["update_time"],
    )
