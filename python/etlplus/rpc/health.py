"""The standard health service, as async generators. It starts as NOT_SERVING."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from typing import Any, Final

from google.protobuf.message import Message
from grpc_health.v1 import health_pb2

from etlplus.domain.errors import NotFound
from etlplus.rpc.call import Context

HEALTH: Final = "grpc.health.v1.Health"
Response = health_pb2.HealthCheckResponse
# The published types are older than List.
_messages: Any = health_pb2


class HealthServicer:
    """One state for the whole server: all services are up or all are down."""

    def __init__(self, services: Iterable[str]) -> None:
        self._services = frozenset(services) | {""}
        self._serving = False
        self._changed = asyncio.Event()

    def set(self, *, serving: bool) -> None:
        """Sets the state and tells every watcher."""
        self._serving = serving
        self._changed.set()
        self._changed = asyncio.Event()

    async def Check(  # noqa: N802 the contract's name
        self, request: health_pb2.HealthCheckRequest, _context: Context
    ) -> health_pb2.HealthCheckResponse:
        """The state of a service, or of the server for an empty name."""
        if request.service not in self._services:
            raise NotFound(f"there is no service {request.service!r}", place="service")
        return self._state(request.service)

    async def List(  # noqa: N802 the contract's name
        self, _request: Message, _context: Context
    ) -> Message:
        """The states of all services."""
        states = {service: self._state(service) for service in self._services}
        answer: Message = _messages.HealthListResponse(statuses=states)
        return answer

    async def Watch(  # noqa: N802 the contract's name
        self, request: health_pb2.HealthCheckRequest, _context: Context
    ) -> AsyncGenerator[health_pb2.HealthCheckResponse, None]:
        """The state now and at each change."""
        told = None
        while True:
            changed = self._changed
            state = self._state(request.service)
            if state != told:
                yield state
                told = state
            else:
                await changed.wait()

    def _state(self, service: str) -> health_pb2.HealthCheckResponse:
        if service not in self._services:
            return Response(status=Response.SERVICE_UNKNOWN)
        return Response(status=Response.SERVING if self._serving else Response.NOT_SERVING)
