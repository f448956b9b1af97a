"""Wakes the tasks of this process that wait for something to change: a hint, not the news."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID


class Subscription:
    """One waiter's place at the hub."""

    def __init__(self) -> None:
        """Nothing has happened yet."""
        self._event = asyncio.Event()

    def wake(self) -> None:
        """Lets the present or the next `wait` return at once."""
        self._event.set()

    async def wait(self, seconds: float, /) -> bool:
        """Waits for a hint since the last wait.

        Args:
            seconds: After which to look anyway.

        Returns:
            True: something may have changed. False: the time is over.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Hub:
    """Wakeups within one process. Topics are a job's id, or None for the queue."""

    def __init__(self) -> None:
        """Nobody waits yet."""
        self._waiting: dict[UUID | None, set[Subscription]] = {}

    @contextmanager
    def subscribe(self, topic: UUID | None) -> Iterator[Subscription]:
        """A place to wait at. Subscribe first, then read, then wait: no change is missed."""
        subscription = Subscription()
        self._waiting.setdefault(topic, set()).add(subscription)
        try:
            yield subscription
        finally:
            others = self._waiting[topic]
            others.discard(subscription)
            if not others:
                del self._waiting[topic]

    def wake(self, topic: UUID | None) -> None:
        """Wakes those who wait for a topic."""
        for subscription in self._waiting.get(topic, ()):
            subscription.wake()

    def wake_all(self) -> None:
        """Wakes everybody, as after a gap in which hints may have been lost."""
        for topic in self._waiting:
            self.wake(topic)
