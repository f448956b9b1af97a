"""Connections in memory."""

from __future__ import annotations

from collections.abc import Sequence

from etlplus.domain.connection import Connection, ConnectionDraft
from etlplus.store.memory.state import Memory
from etlplus.store.refusals import connection_exists, connection_not_found, etag_mismatch


class MemoryConnections:
    """ConnectionStore in memory."""

    def __init__(self, memory: Memory) -> None:
        """Keeps its rows in a memory."""
        self._memory = memory

    async def create(self, workspace: str, name: str, draft: ConnectionDraft) -> Connection:
        """As `PostgresConnections.create`."""
        if (workspace, name) in self._memory.tables.connections:
            raise connection_exists(name)
        return self._write(workspace, name, draft, None)

    async def get(self, workspace: str, name: str) -> Connection:
        """As `PostgresConnections.get`."""
        found = self._memory.tables.connections.get((workspace, name))
        if found is None:
            raise connection_not_found(name)
        return found

    async def list(self, workspace: str, *, after: str = "", limit: int) -> Sequence[Connection]:
        """As `PostgresConnections.list`."""
        rows = sorted(self._memory.tables.connections.items())
        found = [row for key, row in rows if key[0] == workspace and key[1] > after]
        return found[:limit]

    async def update(
        self, workspace: str, name: str, draft: ConnectionDraft, *, etag: str = ""
    ) -> Connection:
        """As `PostgresConnections.update`."""
        return self._write(workspace, name, draft, await self._matched(workspace, name, etag))

    async def delete(self, workspace: str, name: str, *, etag: str = "") -> None:
        """As `PostgresConnections.delete`."""
        await self._matched(workspace, name, etag)
        del self._memory.tables.connections[workspace, name]

    async def _matched(self, workspace: str, name: str, etag: str) -> Connection:
        found = await self.get(workspace, name)
        if etag not in ("", found.etag):
            raise etag_mismatch("connection", name, found.etag)
        return found

    def _write(
        self, workspace: str, name: str, draft: ConnectionDraft, earlier: Connection | None
    ) -> Connection:
        now = self._memory.now()
        revision = 1 if earlier is None else int(earlier.etag.strip('"')) + 1
        made = Connection(
            workspace=workspace,
            name=name,
            kind=draft.kind,
            options=dict(draft.options),
            password=draft.password,
            etag=f'"{revision}"',
            create_time=now if earlier is None else earlier.create_time,
            update_time=now,
        )
        self._memory.tables.connections[workspace, name] = made
        return made
