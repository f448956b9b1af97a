"""Errors of the domain as gRPC statuses.

Details travel in trailers, whose size callers limit: a status has at most `LIMIT` bytes, whatever
the error holds. What is too much is cut, the reason and its place last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from etlplus.domain import errors
from etlplus.domain.problem import Problem

DETAILS_KEY: Final = "grpc-status-details-bin"
DOMAIN: Final = "etlplus"
#: The most bytes of a serialized status.
LIMIT: Final = 4096
_MOST_VIOLATIONS: Final = 40
_MESSAGE_BYTES: Final = 600
_VALUE_BYTES: Final = 300
_INFO_BYTES: Final = 2000
_RETRY_SECONDS: Final = 1

#: The code of each family of errors.
CODES: Final[Mapping[type[errors.EtlError], grpc.StatusCode]] = MappingProxyType(
    {
        errors.InvalidInput: grpc.StatusCode.INVALID_ARGUMENT,
        errors.NotFound: grpc.StatusCode.NOT_FOUND,
        errors.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
        errors.WrongState: grpc.StatusCode.FAILED_PRECONDITION,
        errors.EtagMismatch: grpc.StatusCode.ABORTED,
        errors.OutOfRange: grpc.StatusCode.OUT_OF_RANGE,
        errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
        errors.PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
        errors.LimitExceeded: grpc.StatusCode.RESOURCE_EXHAUSTED,
        errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
        errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
        errors.RunError: grpc.StatusCode.FAILED_PRECONDITION,
        errors.Cancelled: grpc.StatusCode.CANCELLED,
        errors.Bug: grpc.StatusCode.INTERNAL,
    }
)

#: Codes of single errors that differ from their family's.
_SPECIAL: Final[Mapping[str, grpc.StatusCode]] = MappingProxyType(
    {"CONNECTION_FAILED": grpc.StatusCode.UNAVAILABLE}
)

_RESOURCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "PIPELINE": "etlplus/Pipeline",
        "VERSION": "etlplus/PipelineVersion",
        "JOB": "etlplus/Job",
        "CONNECTION": "etlplus/Connection",
    }
)


def code_of(error: errors.EtlError) -> grpc.StatusCode:
    """The gRPC code of an error; a family that is not in the table is a fault of ours."""
    special = _SPECIAL.get(error.code)
    if special is not None:
        return special
    families = (CODES.get(family) for family in type(error).__mro__)
    return next((code for code in families if code is not None), grpc.StatusCode.INTERNAL)


def to_status(error: errors.EtlError) -> status_pb2.Status:
    """The status with its details: ErrorInfo always, others by the kind of error."""
    code = code_of(error)
    status = status_pb2.Status(code=code.value[0], message=cut(error.message, _MESSAGE_BYTES))
    _add(status, _error_info(error))
    for detail in _details(error, code):
        _add(status, detail)
    if isinstance(error, errors.InvalidInput) and error.problems:
        _add_problems(status, error.problems)
    return status


def cut(text: str, most: int) -> str:
    """`text` in at most `most` bytes of UTF-8; what cannot be encoded becomes `?`."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= most:
        return encoded.decode()
    return encoded[: most - 3].decode("utf-8", "ignore") + "…"


def _error_info(error: errors.EtlError) -> error_details_pb2.ErrorInfo:
    info = error_details_pb2.ErrorInfo(reason=error.code, domain=DOMAIN)
    own = {"place": error.place or "", "hint": error.hint or ""}
    for key, value in {**own, **error.metadata}.items():
        if not value:
            continue
        info.metadata[cut(key, 64)] = cut(str(value), _VALUE_BYTES)
        if info.ByteSize() > _INFO_BYTES:
            del info.metadata[cut(key, 64)]
            break
    return info


def _details(error: errors.EtlError, code: grpc.StatusCode) -> Iterator[Message]:
    text = cut(error.message, _VALUE_BYTES)
    subject = cut(error.place or error.metadata.get("name", ""), _VALUE_BYTES)
    if isinstance(error, errors.NotFound | errors.AlreadyExists):
        kind = _RESOURCES.get(error.code.partition("_")[0], DOMAIN)
        name = cut(error.metadata.get("name", subject), _VALUE_BYTES)
        yield error_details_pb2.ResourceInfo(
            resource_type=kind, resource_name=name, description=text
        )
    if code is grpc.StatusCode.FAILED_PRECONDITION:
        violation = error_details_pb2.PreconditionFailure.Violation(
            type=error.code, subject=subject, description=text
        )
        yield error_details_pb2.PreconditionFailure(violations=[violation])
    if isinstance(error, errors.LimitExceeded):
        quota = error_details_pb2.QuotaFailure.Violation(subject=subject, description=text)
        yield error_details_pb2.QuotaFailure(violations=[quota])
    if isinstance(error, errors.LimitExceeded | errors.Unavailable):
        yield error_details_pb2.RetryInfo(retry_delay=Duration(seconds=_RETRY_SECONDS))


def _add(status: status_pb2.Status, detail: Message) -> bool:
    """Adds a detail when it fits; whether it did."""
    packed = Any()
    packed.Pack(detail)
    status.details.append(packed)
    if status.ByteSize() <= LIMIT:
        return True
    del status.details[-1]
    return False


def _add_problems(status: status_pb2.Status, problems: Sequence[Problem]) -> None:
    """Adds as many problems as fit, and how many there are more."""
    shown = min(len(problems), _MOST_VIOLATIONS)
    while shown and not _add(status, _bad_request(problems, shown)):
        shown = shown * 3 // 4


def _bad_request(problems: Sequence[Problem], shown: int) -> error_details_pb2.BadRequest:
    request = error_details_pb2.BadRequest()
    for problem in problems[:shown]:
        position = f"{problem.line}:{problem.column}: " if problem.line else ""
        hint = f". {problem.hint}" if problem.hint else ""
        request.field_violations.add(
            field=cut(problem.path, 200),
            description=cut(f"{position}{problem.message}{hint}", 400),
            reason=cut(problem.code, 64),
        )
    if shown < len(problems):
        request.field_violations.add(description=f"and {len(problems) - shown} more")
    return request
