"""Small parts of the edge by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from etlplus.domain.errors import InvalidInput, Unavailable
from etlplus.rpc.convert.masks import fields_to_change
from etlplus.rpc.drain import Drain
from etlplus.rpc.streams import SOFT_LIMIT, closing, in_batches, in_pieces
from etlplus.v1 import job_pb2, pipeline_pb2

CHANGEABLE = ("source_text", "message")
GIVEN = pipeline_pb2.Pipeline(name="n", source_text="text")


@pytest.mark.parametrize(
    ("paths", "expected"),
    [([], {"source_text"}), (["*"], {"source_text", "message"}), (["message"], {"message"})],
)
def test_a_mask_names_what_changes(paths: list[str], expected: set[str]) -> None:
    assert fields_to_change(GIVEN, FieldMask(paths=paths), CHANGEABLE) == expected


@pytest.mark.parametrize("path", ["name", "nothing", "source_text.x", ""])
def test_a_mask_of_what_cannot_change_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        fields_to_change(GIVEN, FieldMask(paths=["message", path]), CHANGEABLE)
    assert refused.value.place == "update_mask"


@pytest.mark.parametrize(("count", "width"), [(0, 1), (1, 5_000_000), (2500, 1), (100, 100_000)])
def test_batches_keep_order_and_size(count: int, width: int) -> None:
    rejects = [job_pb2.Reject(line=n, raw="x" * width) for n in range(count)]
    batches = list(in_batches(iter(rejects)))
    assert [reject for batch in batches for reject in batch] == rejects
    for batch in batches:
        assert 0 < len(batch) <= 1000
        assert len(batch) == 1 or sum(r.ByteSize() for r in batch) <= SOFT_LIMIT


@pytest.mark.parametrize("size", [0, 1, SOFT_LIMIT, SOFT_LIMIT + 1, 3 * SOFT_LIMIT])
def test_pieces_put_together_are_the_whole(size: int) -> None:
    data = bytes(size)
    pieces = list(in_pieces(data))
    assert b"".join(pieces) == data
    assert all(0 < len(piece) <= SOFT_LIMIT for piece in pieces)


class Source:
    """A stream that says when it was closed."""

    def __init__(self, *items: int) -> None:
        self.items = items
        self.closed = False

    async def stream(self) -> AsyncGenerator[int, None]:
        try:
            for item in self.items:
                yield item
            await asyncio.Event().wait()
        finally:
            self.closed = True


async def test_a_stream_is_closed_when_its_reader_leaves() -> None:
    source = Source(1, 2)
    async with closing(source.stream()) as stream:
        assert await anext(stream) == 1
    assert source.closed


async def test_draining_ends_a_stream_that_waits() -> None:
    drain, source = Drain(), Source(1)
    stream = drain.until_begun(source.stream())
    assert await anext(stream) == 1
    following = asyncio.ensure_future(anext(stream))
    drain.begin()
    with pytest.raises(Unavailable) as ended:
        await following
    assert ended.value.code == "DRAINING"
    assert source.closed


async def test_draining_ends_a_stream_that_begins_later() -> None:
    drain = Drain()
    drain.begin()
    with pytest.raises(Unavailable):
        await anext(drain.until_begun(Source(1).stream()))


async def test_a_stream_that_ends_by_itself_just_ends() -> None:
    async def two() -> AsyncGenerator[int, None]:
        yield 1
        yield 2

    stream = Drain().until_begun(two())
    assert [item async for item in stream] == [1, 2]


async def test_a_stream_that_raises_still_raises() -> None:
    async def broken() -> AsyncGenerator[int, None]:
        yield 1
        raise KeyError("x")

    stream = Drain().until_begun(broken())
    assert await anext(stream) == 1
    with pytest.raises(KeyError):
        await anext(stream)


async def test_a_reader_that_is_cancelled_leaves_nobody_reading() -> None:
    source = Source()
    stream = Drain().until_begun(source.stream())
    reading = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await stream.aclose()
    assert all(task is asyncio.current_task() for task in asyncio.all_tasks())
