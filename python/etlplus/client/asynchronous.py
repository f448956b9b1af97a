"""Interceptors of the asyncio channel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import grpc
from google.protobuf.message import Message

from etlplus.client.outgoing import Foreign, Outgoing

Proceed = Callable[[Foreign, Message], Awaitable[Foreign]]


class AsyncUnary(grpc.aio.UnaryUnaryClientInterceptor):
    """Serves calls with one answer."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing

    async def intercept_unary_unary(  # type: ignore[override]
        self, continuation: Proceed, client_call_details: Foreign, request: Message
    ) -> Foreign:
        """The call's answer. Raises EtlError."""
        call = await continuation(
            self._outgoing.details(client_call_details), self._outgoing.request(request)
        )
        try:
            await call
        except grpc.aio.AioRpcError as error:
            raise self._outgoing.failure(error) from error
        return call


class AsyncStream(grpc.aio.UnaryStreamClientInterceptor):
    """Serves calls with a stream of answers."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing

    async def intercept_unary_stream(  # type: ignore[override]
        self, continuation: Proceed, client_call_details: Foreign, request: Message
    ) -> Foreign:
        """The call's answers. Raises EtlError."""
        call = await continuation(
            self._outgoing.details(client_call_details), self._outgoing.request(request)
        )
        return self._messages(call)

    async def _messages(self, call: Foreign) -> AsyncIterator[Message]:
        try:
            async for message in call:
                yield message
        except grpc.aio.AioRpcError as error:
            raise self._outgoing.failure(error) from error
