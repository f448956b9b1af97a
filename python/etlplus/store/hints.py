"""Tells every process on the database that something changed, after it was committed.

A commit that notifies holds a lock of the whole server until it is on disk, so that others cannot
share its trip there. Hints are therefore transactions of their own, which wait for no disk: what is
lost with the server was no more than a hint. Those of a process are gathered.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from etlplus.domain.errors import EtlError

if TYPE_CHECKING:
    from uuid import UUID

    from etlplus.store.database import Database
    from etlplus.store.hub import Hub

logger = logging.getLogger(__name__)

#: Notifications that a process sends at most. The first of a while goes out at once.
PER_SECOND = 40
#: Ids of jobs in one notification, which holds 8000 bytes; more are told as a change of the queue.
MOST_TOPICS = 200

_NOTIFY = """
select set_config('synchronous_commit', 'off', true), pg_notify('etlplus', %(payload)s)
"""


class Hints:
    """Sends hints: ids of changed jobs, or None for the queue, which everybody hears."""

    def __init__(self, database: Database, hub: Hub) -> None:
        """This process hears by its hub, the others by the database."""
        self._database = database
        self._hub = hub
        self._pending: set[UUID | None] = set()
        self._next = 0.0
        self._sending: asyncio.Task[None] | None = None

    def send(self, *topics: UUID | None) -> None:
        """Hints as soon as what was written is committed; never if it is not."""
        if topics:
            self._database.after_commit(lambda: self._send(topics))

    async def close(self) -> None:
        """Waits for what is being sent."""
        if self._sending is not None:
            await asyncio.gather(self._sending, return_exceptions=True)

    def _send(self, topics: tuple[UUID | None, ...]) -> None:
        for topic in topics:
            if topic is None:
                self._hub.wake_all()
            else:
                self._hub.wake(topic)
        self._pending.update(topics)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._drain(), name="hints")

    async def _drain(self) -> None:
        while self._pending:
            wait = self._next - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            topics, self._pending = self._pending, set()
            self._next = time.monotonic() + 1 / PER_SECOND
            whole = None in topics or len(topics) > MOST_TOPICS
            payload = "" if whole else " ".join(str(topic) for topic in topics)
            try:
                await self._database.execute(_NOTIFY, {"payload": payload})
            except EtlError as error:
                logger.warning("a hint was not sent, others find out by looking: %s", error)
