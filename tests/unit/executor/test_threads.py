"""The crossing between the event loop and threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from etlplus.executor.threads import Threads, happens


@pytest.fixture
def threads() -> Iterator[Threads]:
    made = Threads(1, "test")
    yield made
    made.close()


async def test_calls_are_made_in_a_thread_and_answered(threads: Threads) -> None:
    name = await threads.call(lambda: threading.current_thread().name)
    assert name.startswith("test")
    assert await threads.call(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await threads.call(divmod, 1, 0)


async def test_iterators_are_advanced_and_closed_in_the_thread(threads: Threads) -> None:
    closed: list[str] = []

    def numbers() -> Iterator[int]:
        try:
            yield from range(100)
        finally:
            closed.append(threading.current_thread().name)

    async with aclosing(threads.iterate(numbers)) as stream:
        assert [await anext(stream), await anext(stream)] == [0, 1]
    assert len(closed) == 1
    assert closed[0].startswith("test")
    assert [item async for item in threads.iterate(lambda: iter("ab"))] == ["a", "b"]


async def test_events_are_waited_for_at_most_so_long() -> None:
    event = asyncio.Event()
    assert not await happens(event, 0.0)
    event.set()
    assert await happens(event, 60)
