"""Tells every process on the database that something changed, after it was committed.

A commit that notifies holds a lock of the whole server until it is on disk, so that others cannot
share its trip there. Hints are therefore transactions of their own, which wait for no disk: what is
lost with the server was no more than a hint. Those of a process are gathered.

A notification holds ids: of its sender, who need not hear it again, and of jobs that changed. An
empty one means that everything may have changed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from etlplus.domain.errors import EtlError

if TYPE_CHECKING:
    from etlplus.store.database import Database
    from etlplus.store.hub import Hub

logger = logging.getLogger(__name__)

#: Notifications that a process sends at most. The first of a while goes out at once.
PER_SECOND = 40
#: Ids of jobs in one notification, which holds 8000 bytes; more are told as a change of everything.
MOST_TOPICS = 200
#: Stands for the queue among the ids: jobs came or came back.
QUEUE: Final = UUID(int=1)

_NOTIFY = """
select set_config('synchronous_commit', 'off', true), pg_notify('etlplus', %(payload)s)
"""


class Hints:
    """Sends hints: ids of changed jobs, or None for the queue.

    Attributes:
        sender: this process, in its notifications.
    """

    def __init__(self, database: Database, hub: Hub) -> None:
        """This process hears by its hub, the others by the database."""
        self.sender: UUID = uuid4()
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
            try:
                await self._database.execute(_NOTIFY, {"payload": self._payload(topics)})
            except EtlError as error:
                logger.warning("a hint was not sent, others find out by looking: %s", error)

    def _payload(self, topics: set[UUID | None]) -> str:
        if len(topics) > MOST_TOPICS:
            return ""
        ids = (QUEUE if topic is None else topic for topic in topics)
        return " ".join(map(str, (self.sender, *ids)))
