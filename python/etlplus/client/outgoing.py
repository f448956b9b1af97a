"""What is done to every call on its way out."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import grpc
from google.protobuf.message import Message

from etlplus.client.failure import to_error
from etlplus.client.options import REQUEST_ID
from etlplus.domain.errors import EtlError

#: What the library hands over without saying its type.
Foreign: TypeAlias = Any


class Details(NamedTuple):
    """How a call is made."""

    method: Any
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: bool | None
    compression: Any = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Adds the token and a request id, and explains failures."""

    address: str
    token: str | None = field(repr=False)

    def details(self, given: Foreign) -> Foreign:
        """How the call is made, with the token."""
        metadata = tuple(given.metadata or ())
        if self.token is not None:
            metadata = (*metadata, ("authorization", f"Bearer {self.token}"))
        return Details(
            method=given.method,
            timeout=given.timeout,
            metadata=metadata,
            credentials=given.credentials,
            wait_for_ready=given.wait_for_ready,
            compression=getattr(given, "compression", None),
        )

    def request(self, message: Message) -> Message:
        """The message with a request id, so that a retry does not do the same twice."""
        if REQUEST_ID not in message.DESCRIPTOR.fields_by_name or getattr(message, REQUEST_ID):
            return message
        marked = type(message)()
        marked.CopyFrom(message)
        setattr(marked, REQUEST_ID, str(uuid.uuid4()))
        return marked

    def failure(self, error: grpc.RpcError) -> EtlError:
        """The error of the domain that a failed call stands for."""
        call: Foreign = error
        return to_error(
            call.code(), call.details() or "", tuple(call.trailing_metadata() or ()), self.address
        )
