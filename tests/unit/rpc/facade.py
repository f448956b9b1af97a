"""Runs asyncio servicers under grpcio-testing, which knows threads only, without a socket."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import grpc
import grpc_testing  # type: ignore[import-untyped]
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.rpc import status_pb2

from etlplus.domain.errors import EtlError
from etlplus.domain.principal import Principal
from etlplus.rpc.call import set_caller
from etlplus.rpc.registration import Service
from etlplus.rpc.status import DETAILS_KEY, code_of, to_status

T = TypeVar("T")


class LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def stop(self) -> None:
        """Ends the loop and its thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class Facade:
    """A servicer of threads around one of asyncio. Errors end the call as they do in the server."""

    def __init__(self, service: Service, thread: LoopThread, principal: Principal) -> None:
        for method in service.descriptor.methods:
            behaviour = getattr(service.servicer, method.name)
            wrap = _streaming if method.server_streaming else _unary
            setattr(self, method.name, wrap(behaviour, thread, principal))


def _unary(
    behaviour: Callable[..., Any], thread: LoopThread, principal: Principal
) -> Callable[..., Any]:
    async def served(request: Message) -> Message:
        set_caller(principal)
        answer: Message = await behaviour(request, None)
        return answer

    def method(request: Message, context: grpc.ServicerContext) -> Message | None:
        answers: list[Message] = []
        with _ending(context):
            answers.append(thread.run(served(request)))
        return answers[0] if answers else None

    return method


def _streaming(
    behaviour: Callable[..., Any], thread: LoopThread, principal: Principal
) -> Callable[..., Any]:
    async def served(request: Message) -> list[Message]:
        set_caller(principal)
        return [message async for message in behaviour(request, None)]

    def method(request: Message, context: grpc.ServicerContext) -> Iterator[Message]:
        with _ending(context):
            yield from thread.run(served(request))

    return method


@contextmanager
def _ending(context: grpc.ServicerContext) -> Iterator[None]:
    try:
        yield
    except EtlError as error:
        status = to_status(error)
        context.set_trailing_metadata(((DETAILS_KEY, status.SerializeToString()),))
        context.set_code(code_of(error))
        context.set_details(status.message)


class Bench:
    """Calls methods of services by their descriptors."""

    def __init__(self, services: list[Service], thread: LoopThread, principal: Principal) -> None:
        facades = {each.descriptor: Facade(each, thread, principal) for each in services}
        clock = grpc_testing.strict_fake_time(0)
        self._server = grpc_testing.server_from_dictionary(facades, clock)
        self.services: list[ServiceDescriptor] = [each.descriptor for each in services]

    def call(self, method: MethodDescriptor, request: Message) -> list[Any]:
        """The answers. Raises Refused."""
        if method.server_streaming:
            return self._stream(method, request)
        rpc = self._server.invoke_unary_unary(method, (), request, None)
        answer, trailers, code, details = rpc.termination()
        _check(trailers, code, details)
        return [answer]

    def _stream(self, method: MethodDescriptor, request: Message) -> list[Any]:
        rpc = self._server.invoke_unary_stream(method, (), request, None)
        answers = []
        while True:
            try:
                answers.append(rpc.take_response())
            except ValueError:  # how it says that there are no more
                break
        trailers, code, details = rpc.termination()
        _check(trailers, code, details)
        return answers


class Refused(Exception):  # noqa: N818 it is what happened
    """A call that ended with another status than OK."""

    def __init__(self, code: grpc.StatusCode, details: str, status: status_pb2.Status) -> None:
        super().__init__(f"{code.name}: {details}")
        self.code = code
        self.status = status


def _check(
    trailers: Iterable[tuple[str, bytes]] | None, code: grpc.StatusCode, details: str
) -> None:
    if code is not grpc.StatusCode.OK:
        found = dict(trailers or ())
        raise Refused(code, details, status_pb2.Status.FromString(found[DETAILS_KEY]))
