"""A service with all four kinds of calls, made from descriptors, for tests of the server itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.wrappers_pb2 import StringValue

from etlplus.domain.errors import EtlError
from etlplus.rpc.call import caller
from etlplus.rpc.registration import Service
from etlplus.v1 import options_pb2

KINDS = {
    "One": (False, False),
    "Down": (False, True),
    "Up": (True, False),
    "Both": (True, True),
}


def describe(name: str, *, requires: bool = True, verb: str = "use") -> ServiceDescriptor:
    """A service `name` in a file and package of its own."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"tests/{name.lower()}.proto",
        package="tests",
        syntax="proto3",
        dependency=["google/protobuf/wrappers.proto", "etlplus/v1/options.proto"],
    )
    service = file.service.add(name=name)
    for method, (upward, downward) in KINDS.items():
        added = service.method.add(
            name=method,
            input_type=".google.protobuf.StringValue",
            output_type=".google.protobuf.StringValue",
            client_streaming=upward,
            server_streaming=downward,
        )
        if requires:
            extension: Any = options_pb2.requires
            added.options.Extensions[extension].verb = verb
            added.options.Extensions[extension].resource = "echo"
    pool = descriptor_pool.DescriptorPool()
    for wanted in ("google/protobuf/wrappers.proto", "etlplus/v1/options.proto"):
        _add(pool, wanted)
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName(f"tests.{name}")


def _add(pool: descriptor_pool.DescriptorPool, name: str) -> None:
    known = descriptor_pool.Default().FindFileByName(name)
    for dependency in known.dependencies:
        _add(pool, dependency.name)
    copy = descriptor_pb2.FileDescriptorProto()
    known.CopyToProto(copy)
    pool.AddSerializedFile(copy.SerializeToString())


class Echo:
    """Answers with what it was sent and who sent it, or does what `act` does."""

    def __init__(self) -> None:
        self.act: Callable[[str], EtlError | Exception | None] = lambda _: None
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.callers: list[str] = []

    async def _answer(self, text: str) -> str:
        self.callers.append(caller().token_id)
        error = self.act(text)
        if error is not None:
            raise error
        if text == "forever":
            self.started.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        return f"{caller().token_id}:{text}"

    async def One(self, request: Any, _context: Any) -> Any:  # noqa: N802, ANN401
        return type(request)(value=await self._answer(request.value))

    async def Down(self, request: Any, _context: Any) -> AsyncIterator[Any]:  # noqa: N802, ANN401
        for letter in request.value.split():
            yield type(request)(value=await self._answer(letter))

    async def Up(self, requests: AsyncIterator[Any], _context: Any) -> Any:  # noqa: N802, ANN401
        texts = [await self._answer(request.value) async for request in requests]
        return StringValue(value=" ".join(texts))

    async def Both(  # noqa: N802
        self,
        requests: AsyncIterator[Any],
        _context: Any,  # noqa: ANN401
    ) -> AsyncIterator[Any]:
        async for request in requests:
            yield type(request)(value=await self._answer(request.value))


def echo_service(echo: Echo, name: str = "Echo") -> Service:
    """The service that `echo` serves."""
    return Service(describe(name), echo)


async def call(
    channel: grpc.aio.Channel,
    kind: str,
    texts: Iterable[str],
    *,
    bearer: str | None = None,
    metadata: Iterable[tuple[str, str]] = (),
    timeout: float | None = 10,  # noqa: ASYNC109 it is the call's own
    service: str = "tests.Echo",
    raw: bool = False,
) -> list[str]:
    """Makes a call of one of the four kinds and returns the texts of its answers.

    With `raw` the texts are sent as they are (in Latin-1), not in messages.
    """
    upward, downward = KINDS[kind]
    factory: Any = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, False): channel.stream_unary,
        (True, True): channel.stream_stream,
    }[upward, downward]
    stub = factory(
        f"/{service}/{kind}",
        request_serializer=bytes if raw else StringValue.SerializeToString,
        response_deserializer=StringValue.FromString,
    )
    sent = [text.encode("latin-1") if raw else StringValue(value=text) for text in texts]
    headers = [*metadata, *([("authorization", f"Bearer {bearer}")] if bearer else [])]
    while True:
        made = stub(iter(sent) if upward else sent[0], metadata=tuple(headers), timeout=timeout)
        try:
            if not downward:
                return [(await made).value]
            return [answer.value async for answer in made]
        except grpc.aio.AioRpcError as error:
            # The client's library says so, instead of the server's answer, when that comes while
            # it is about to send: the call was never seen to end.
            if error.details() != "Internal error from Core":
                raise
