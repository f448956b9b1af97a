"""What is known of a call while it is served."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import grpc

from etlplus.domain.errors import Bug
from etlplus.domain.principal import Principal

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Metadata = tuple[tuple[str, str | bytes], ...]

# Each call is served in a task of its own, and so has these variables to itself.
_principal: ContextVar[Principal | None] = ContextVar("etlplus_principal", default=None)
_request_id: ContextVar[str] = ContextVar("etlplus_request_id", default="")


@dataclass(frozen=True, slots=True)
class Call:
    """A call on its way in.

    Attributes:
        method: the full name, as in `/etlplus.v1.JobService/GetJob`.
        metadata: what the caller sent besides the message; names in lower case.
    """

    method: str
    metadata: Metadata = field(repr=False)
    request_streaming: bool
    response_streaming: bool
    context: Context

    def values(self, name: str) -> list[str]:
        """The texts that were sent under a metadata name, in order."""
        return [value for key, value in self.metadata if key == name and isinstance(value, str)]


def caller() -> Principal:
    """Who calls. Raises Bug where authentication has not run."""
    principal = _principal.get()
    if principal is None:
        raise Bug("a handler that needs a principal was reached without one")
    return principal


def set_caller(principal: Principal | None) -> None:
    """Sets who calls, for the rest of this task."""
    _principal.set(principal)


def request_id() -> str:
    """The id of the call that is being served; empty outside of one."""
    return _request_id.get()


def set_request_id(value: str) -> None:
    """Sets the id of the call, for the rest of this task."""
    _request_id.set(value)
