"""Streams of answers: closing what they come from, and messages of a size that clients take."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from google.protobuf.message import Message

T = TypeVar("T")
M = TypeVar("M", bound=Message)

#: Messages of a stream are about this large at most; clients refuse 4 MiB by default.
SOFT_LIMIT: Final = 1 << 20


@asynccontextmanager
async def closing(stream: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Ends a generator at once when its reader leaves, not when it is collected."""
    try:
        yield stream
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()


def in_batches(items: Iterable[M], most: int = 1000) -> Iterator[list[M]]:
    """`items` in lists of up to `most` that stay below the soft limit, or hold one item."""
    batch: list[M] = []
    size = 0
    for item in items:
        added = item.ByteSize()
        if batch and (len(batch) == most or size + added > SOFT_LIMIT):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += added
    if batch:
        yield batch


def in_pieces(data: bytes) -> Iterator[bytes]:
    """`data` in pieces of up to the soft limit."""
    for start in range(0, len(data), SOFT_LIMIT):
        yield data[start : start + SOFT_LIMIT]
