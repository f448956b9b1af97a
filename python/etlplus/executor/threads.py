"""The crossing between the event loop and the threads that may block."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")
Item = TypeVar("Item")


class Threads:
    """A pool of threads. What is called in it may block; the loop never waits for it."""

    def __init__(self, size: int, name: str) -> None:
        """At most `size` calls run at once; more wait in order."""
        self._pool = ThreadPoolExecutor(size, thread_name_prefix=name)

    async def call(
        self, function: Callable[Given, Result], /, *args: Given.args, **kwargs: Given.kwargs
    ) -> Result:
        """What the function returns or raises."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: function(*args, **kwargs))

    async def iterate(self, make: Callable[[], Iterator[Item]]) -> AsyncGenerator[Item, None]:
        """The items of an iterator that is made and advanced in the pool, one at a time."""
        iterator = await self.call(make)
        try:
            while True:
                items = await self.call(_next, iterator)
                if not items:
                    return
                yield items[0]
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                await self.call(close)

    def close(self) -> None:
        """Lets running calls end and takes no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)


async def happens(event: asyncio.Event, seconds: float) -> bool:
    """Waits for an event; False when it has not happened within `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _next(iterator: Iterator[Item]) -> tuple[Item, ...]:
    # StopIteration cannot pass through a future, so an empty tuple says that it is over.
    for item in iterator:
        return (item,)
    return ()
