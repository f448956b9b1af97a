"""Interceptors of the blocking channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import grpc
from google.protobuf.message import Message

from etlplus.client.outgoing import Foreign, Outgoing

Proceed = Callable[[Foreign, Message], Foreign]


class _Answer:
    """A call in progress whose failures are errors of the domain; all else is the call's own."""

    def __init__(self, call: Foreign, outgoing: Outgoing) -> None:
        self._call = call
        self._outgoing = outgoing

    def __getattr__(self, name: str) -> Foreign:
        return getattr(self._call, name)

    def result(self, timeout: float | None = None) -> Message:
        """The answer. Raises EtlError."""
        try:
            answer: Message = self._call.result(timeout)
        except grpc.RpcError as error:
            raise self._outgoing.failure(error) from error
        return answer

    def __iter__(self) -> Iterator[Message]:
        return self

    def __next__(self) -> Message:
        try:
            message: Message = next(self._call)
        except grpc.RpcError as error:
            raise self._outgoing.failure(error) from error
        return message


class Blocking(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
):
    """Serves the two kinds of calls that the contract has."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing

    def intercept_unary_unary(  # type: ignore[override]  # noqa: D102 the library's
        self, continuation: Proceed, client_call_details: Foreign, request: Message
    ) -> Foreign:
        return self._call(continuation, client_call_details, request)

    def intercept_unary_stream(  # type: ignore[override]  # noqa: D102 the library's
        self, continuation: Proceed, client_call_details: Foreign, request: Message
    ) -> Foreign:
        return self._call(continuation, client_call_details, request)

    def _call(self, proceed: Proceed, details: Foreign, request: Message) -> _Answer:
        call = proceed(self._outgoing.details(details), self._outgoing.request(request))
        return _Answer(call, self._outgoing)
