"""Requests that carried an id, and their answers, in PostgreSQL."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from etlplus.domain.request import Once, RequestKey
from etlplus.store.bounds import LIFETIME
from etlplus.store.queries import load_queries
from etlplus.store.refusals import request_id_reused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from etlplus.store.database import Database

_SQL = load_queries("requests")


class PostgresRequests:
    """RequestStore in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        """Uses an open database."""
        self._database = database

    @asynccontextmanager
    async def once(self, key: RequestKey, body_hash: bytes) -> AsyncIterator[Once]:
        """Runs a block whose effects on this database happen once for a request's id.

        Every store's call inside the block belongs to one transaction with the answer. If the block
        raises, or sets no answer, nothing is remembered. A concurrent repeat waits for the first.

        Args:
            key: The request's id and where it counts.
            body_hash: A hash of everything else in the request.

        Raises:
            InvalidInput: REQUEST_ID_REUSED: the id came before with another body.
        """
        params = {"workspace": key.workspace, "method": key.method, "id": key.id}
        async with self._database.transaction():
            await self._database.execute(_SQL["forget_old"], {"lifetime": LIFETIME})
            first = {**params, "body_hash": body_hash, "lifetime": LIFETIME}
            if await self._database.fetch_one(_SQL["begin"], first) is None:
                yield await self._earlier(params, body_hash)
                return
            once = Once()
            yield once
            if once.answer is None:
                await self._database.execute(_SQL["forget"], params)
            else:
                answer = {**params, "answer": once.answer}
                await self._database.execute(_SQL["answer"], answer)

    async def _earlier(self, params: dict[str, str], body_hash: bytes) -> Once:
        row = await self._database.fetch_one(_SQL["get"], params)
        if row is None or row["body_hash"] != body_hash:
            raise request_id_reused(params["id"])
        return Once(row["answer"])
