"""What all interceptors share: one wrapper for the four kinds of calls.

An interceptor says what happens around a call, to each request message and to the responses. That
the same three hooks serve unary calls and streams is what keeps a kind of call from slipping by.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import Message

from etlplus.rpc.call import Call, Context
from etlplus.rpc.undecoded import Undecoded

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
#: A request is decoded on its way in.
Incoming = Undecoded | Message
Responses = AsyncGenerator[Message, None]
Continuation: TypeAlias = "Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]"


class Interceptor(grpc.aio.ServerInterceptor):
    """An interceptor that changes nothing. Override what is of interest."""

    def around(self, call: Call) -> AbstractAsyncContextManager[None]:  # noqa: ARG002 a hook
        """Runs around the whole call, streams included; may raise to refuse it."""
        return nullcontext()

    def request(self, call: Call, message: Incoming) -> Incoming:  # noqa: ARG002 a hook
        """Stands between the caller and the handler for each message; may raise to refuse it."""
        return message

    def responses(self, call: Call, stream: Responses) -> Responses:  # noqa: ARG002 a hook
        """Stands between the handler's stream of responses and the caller."""
        return stream

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """Wraps the method's handler. A method that does not exist stays UNIMPLEMENTED."""
        handler = await continuation(handler_call_details)
        return None if handler is None else _wrap(self, handler, handler_call_details)


def _wrap(hooks: Interceptor, handler: Handler, details: grpc.HandlerCallDetails) -> Handler:
    behaviour: Any = (
        handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
    )

    def begin(context: Context) -> Call:
        return Call(
            method=details.method,
            metadata=tuple((key, value) for key, value in details.invocation_metadata or ()),
            request_streaming=handler.request_streaming,
            response_streaming=handler.response_streaming,
            context=context,
        )

    def incoming(call: Call, given: Any) -> Any:  # noqa: ANN401 a message or a stream of them
        if call.request_streaming:
            return _each(hooks, call, given)
        return hooks.request(call, given)

    async def unary(given: Any, context: Context) -> Message:  # noqa: ANN401 as above
        call = begin(context)
        async with hooks.around(call):
            answer: Message = await behaviour(incoming(call, given), context)
            return answer

    async def stream(given: Any, context: Context) -> Responses:  # noqa: ANN401 as above
        call = begin(context)
        async with hooks.around(call):
            inner = behaviour(incoming(call, given), context)
            async with aclosing(inner), aclosing(hooks.responses(call, inner)) as outer:
                async for message in outer:
                    yield message

    make: Any = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[handler.request_streaming, handler.response_streaming]
    wrapped: Handler = make(
        stream if handler.response_streaming else unary,
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )
    return wrapped


async def _each(
    hooks: Interceptor, call: Call, messages: AsyncIterator[Incoming]
) -> AsyncIterator[Incoming]:
    async for message in messages:
        yield hooks.request(call, message)
