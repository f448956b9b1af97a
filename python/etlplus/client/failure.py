"""Statuses as the errors of the domain."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from etlplus.domain import errors
from etlplus.domain.problem import Problem

_DETAILS_KEY: Final = "grpc-status-details-bin"
_FAMILIES: Final[dict[grpc.StatusCode, type[errors.EtlError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidInput,
    grpc.StatusCode.NOT_FOUND: errors.NotFound,
    grpc.StatusCode.ALREADY_EXISTS: errors.AlreadyExists,
    grpc.StatusCode.FAILED_PRECONDITION: errors.WrongState,
    grpc.StatusCode.ABORTED: errors.EtagMismatch,
    grpc.StatusCode.OUT_OF_RANGE: errors.OutOfRange,
    grpc.StatusCode.UNAUTHENTICATED: errors.Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: errors.PermissionDenied,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.LimitExceeded,
    grpc.StatusCode.UNAVAILABLE: errors.Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineExceeded,
    grpc.StatusCode.CANCELLED: errors.Cancelled,
}

#: What to do about failures of the transport itself.
_HINTS: Final = {
    grpc.StatusCode.RESOURCE_EXHAUSTED: "Send less at once; GetServerInfo says how much is read",
    grpc.StatusCode.DEADLINE_EXCEEDED: "Allow more time by the argument `timeout` of the call",
    grpc.StatusCode.UNIMPLEMENTED: "The server is older than this client, or another service",
}
#: How gRPC words what goes wrong before anything was said over TLS.
_TLS_FAILURE: Final = re.compile(r"SSL|TLS|[Hh]andshak|[Cc]ertificate|Verification")
_TLS_HINT: Final = (
    "Beyond this machine TLS is used: the server needs a certificate for this name, from an "
    "authority trusted here; `--ca FILE` or ETLPLUS_TLS_CA names others to trust"
)
_UNREACHABLE_HINT: Final = "Start the server with `etlplus serve`, or name another one"


def to_error(
    code: grpc.StatusCode,
    message: str,
    trailers: Iterable[tuple[str, str | bytes]],
    address: str,
) -> errors.EtlError:
    """The error that the server raised; without details, what gRPC itself says.

    Args:
        code: the status of the call.
        message: the text of the status.
        trailers: the trailing metadata.
        address: whom the call was made to.
    """
    details = _details(trailers)
    info = _first(details, error_details_pb2.ErrorInfo())
    if info is None:
        return _without_details(code, message, address)
    metadata = dict(info.metadata)
    place, hint = metadata.pop("place", None), metadata.pop("hint", None)
    known = errors.CODES.get(info.reason)
    family = known[0] if known is not None else _FAMILIES.get(code, errors.Bug)
    if family is errors.InvalidInput:
        return errors.InvalidInput(
            message,
            code=info.reason,
            place=place,
            hint=hint,
            metadata=metadata,
            problems=_problems(details),
        )
    return family(message, code=info.reason, place=place, hint=hint, metadata=metadata)


def _without_details(code: grpc.StatusCode, message: str, address: str) -> errors.EtlError:
    if code is grpc.StatusCode.UNAVAILABLE:
        return errors.Unavailable(
            f"no answer from {address}: {message}",
            code="SERVER_UNREACHABLE",
            hint=_TLS_HINT if _TLS_FAILURE.search(message) else _UNREACHABLE_HINT,
            metadata={"address": address},
        )
    family = _FAMILIES.get(code, errors.Bug)
    return family(message or code.name, place=address, hint=_HINTS.get(code))


def _details(trailers: Iterable[tuple[str, str | bytes]]) -> status_pb2.Status:
    status = status_pb2.Status()
    for key, value in trailers:
        if key == _DETAILS_KEY and isinstance(value, bytes):
            try:
                status.ParseFromString(value)
            except DecodeError:
                # From a proxy or another server: the call still failed as its code says.
                return status_pb2.Status()
    return status


def _first(
    status: status_pb2.Status, kind: error_details_pb2.ErrorInfo
) -> error_details_pb2.ErrorInfo | None:
    return kind if any(detail.Unpack(kind) for detail in status.details) else None


def _problems(status: status_pb2.Status) -> tuple[Problem, ...]:
    request = error_details_pb2.BadRequest()
    if not any(detail.Unpack(request) for detail in status.details):
        return ()
    return tuple(
        Problem(code=violation.reason, message=violation.description, path=violation.field)
        for violation in request.field_violations
    )
