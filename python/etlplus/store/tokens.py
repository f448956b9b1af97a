"""Tokens in PostgreSQL, without their secrets."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from etlplus.domain.errors import AlreadyExists
from etlplus.domain.principal import NewToken, Token
from etlplus.store.queries import load_queries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etlplus.store.database import Database

_SQL = load_queries("tokens")
_FIELDS = tuple(field.name for field in fields(Token))


class PostgresTokens:
    """TokenStore in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        """Uses an open database."""
        self._database = database

    async def create(self, token: NewToken) -> Token:
        """Stores a token.

        Raises:
            AlreadyExists: The id is taken.
        """
        row = await self._database.fetch_one(_SQL["create"], asdict(token))
        if row is None:
            raise AlreadyExists(f"There is a token {token.id!r} already.")
        return _token(row)

    async def create_first(self, token: NewToken) -> bool:
        """Stores a token if there is none at all; of servers that start at once, one does.

        Returns:
            Whether this call stored it.
        """
        async with self._database.transaction():
            await self._database.execute(_SQL["lock"])
            row = await self._database.fetch_one(_SQL["create_first"], asdict(token))
            return row is not None

    async def get(self, id_: str, /) -> Token | None:
        """The token of a public id, usable or not; None when there is none."""
        row = await self._database.fetch_one(_SQL["get"], {"id": id_})
        return None if row is None else _token(row)

    async def revoke(self, id_: str, /) -> bool:
        """Makes a token unusable from now on. False: there is none, or it was revoked before."""
        return await self._database.fetch_one(_SQL["revoke"], {"id": id_}) is not None


def _token(row: Mapping[str, Any]) -> Token:
    return Token(**{name: row[name] for name in _FIELDS})
