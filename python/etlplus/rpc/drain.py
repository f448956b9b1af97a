"""Ending streams that have no end of their own when the server stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TypeVar

from etlplus.domain.errors import Unavailable

T = TypeVar("T")


class Drain:
    """Set once, when the server begins to stop."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()

    def begin(self) -> None:
        """Ends every stream that goes through `until_begun`, now and from now on."""
        self._begun.set()

    async def until_begun(self, stream: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
        """The items of `stream`. Raises Unavailable (DRAINING) when the server begins to stop."""
        begun = asyncio.ensure_future(self._begun.wait())
        try:
            while not self._begun.is_set():
                following = asyncio.ensure_future(anext(stream))
                try:
                    await asyncio.wait((following, begun), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    # Also when this call is cancelled: nothing may go on reading behind its back.
                    if not following.done():
                        following.cancel()
                        await asyncio.wait((following,))
                if following.cancelled():
                    break
                try:
                    item = following.result()
                except StopAsyncIteration:
                    return
                yield item
            raise Unavailable("the server is stopping", code="DRAINING")
        finally:
            begun.cancel()
            await stream.aclose()
