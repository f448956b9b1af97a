"""Secrets of the service itself, in PostgreSQL, so that all its servers share them."""

from __future__ import annotations

import os

from etlplus.store.bounds import KEY_BYTES
from etlplus.store.database import Database
from etlplus.store.queries import load_queries

_SQL = load_queries("keys")


class PostgresKeys:
    """KeyStore in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        """Uses an open database."""
        self._database = database

    async def key(self, name: str) -> bytes:
        """32 random bytes, made at first use, the same for a name in every server from then on."""
        row = await self._database.fetch_one(_SQL["get"], {"name": name})
        while row is None:
            made = {"name": name, "value": os.urandom(KEY_BYTES)}
            await self._database.execute(_SQL["add"], made)
            row = await self._database.fetch_one(_SQL["get"], {"name": name})
        return bytes(row["value"])
