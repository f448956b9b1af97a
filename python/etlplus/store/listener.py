"""Hears the hints of all processes that share the database, on a connection outside the pool."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
from psycopg import AsyncConnection

from etlplus.store.database import CONNECT_OPTIONS
from etlplus.store.hints import QUEUE

if TYPE_CHECKING:
    from etlplus.store.hub import Hub

logger = logging.getLogger(__name__)

#: A silent connection is asked a question this often: a dead one looks the same as a quiet one.
PROBE_SECONDS = 10.0
PROBE_PATIENCE_SECONDS = 5.0
FIRST_RETRY_SECONDS = 0.1
LAST_RETRY_SECONDS = 5.0


class Listener:
    """Passes the database's notifications on to a hub, for as long as it runs."""

    def __init__(self, conninfo: str, hub: Hub, own: UUID | None = None) -> None:
        """Names the database; `start` connects.

        Args:
            conninfo: A connection string or URL. A transaction-pooling proxy cannot carry this.
            hub: Who is told.
            own: The sender whose hints the hub has heard already.
        """
        self._conninfo = conninfo
        self._hub = hub
        self._own = own
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    async def start(self) -> None:
        """Begins to listen. It returns once it hears, or else after a while: hints are no need."""
        self._task = asyncio.create_task(self._run(), name="listener")
        try:
            async with asyncio.timeout(PROBE_PATIENCE_SECONDS):
                await self._listening.wait()
        except TimeoutError:
            logger.warning("no notifications from the database yet; changes are found by polling")

    async def stop(self) -> None:
        """Hangs up."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        delay = FIRST_RETRY_SECONDS
        while True:
            try:
                async with await self._connect() as connection:
                    delay = FIRST_RETRY_SECONDS
                    # What was sent while nobody heard is lost: everybody must look.
                    self._hub.wake_all()
                    self._listening.set()
                    await self._hear(connection)
            except (psycopg.Error, TimeoutError) as error:
                logger.warning("lost the connection for notifications: %s", str(error).strip())
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_RETRY_SECONDS)

    async def _connect(self) -> AsyncConnection:
        connection = await AsyncConnection.connect(
            self._conninfo, autocommit=True, application_name="etlplus listen", **CONNECT_OPTIONS
        )
        await connection.execute("listen etlplus")
        return connection

    async def _hear(self, connection: AsyncConnection) -> None:
        while True:
            async for notice in connection.notifies(timeout=PROBE_SECONDS):
                self._pass_on(notice.payload)
            async with asyncio.timeout(PROBE_PATIENCE_SECONDS):
                await connection.execute("select 1")

    def _pass_on(self, payload: str) -> None:
        if not payload:
            # Too much changed to be named.
            self._hub.wake_all()
            return
        try:
            topics = [UUID(text) for text in payload.split()]
        except ValueError:
            logger.warning("a notification that is none of ours: %r", payload[:100])
            return
        if self._own in topics:
            return
        for topic in topics:
            self._hub.wake(None if topic == QUEUE else topic)
