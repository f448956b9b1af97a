"""Errors of the domain as HTTP answers: `{"code": …, "message": …, "hint": …}`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from starlette.responses import JSONResponse

from etlplus.domain import errors

#: The status of each family of errors.
STATUSES: Final[Mapping[type[errors.EtlError], int]] = MappingProxyType(
    {
        errors.InvalidInput: 400,
        errors.NotFound: 404,
        errors.AlreadyExists: 409,
        errors.WrongState: 409,
        errors.EtagMismatch: 409,
        errors.OutOfRange: 400,
        errors.Unauthenticated: 401,
        errors.PermissionDenied: 403,
        errors.LimitExceeded: 429,
        errors.Unavailable: 503,
        errors.DeadlineExceeded: 504,
        errors.RunError: 409,
        errors.Cancelled: 503,
        errors.Bug: 500,
    }
)
#: Codes of single errors that differ from their family's.
_SPECIAL: Final[Mapping[str, int]] = MappingProxyType({"BODY_TOO_LARGE": 413, "BODY_TOO_SLOW": 408})


def status_of(error: errors.EtlError) -> int:
    """The status of an error; a family that is not in the table is a fault of ours."""
    special = _SPECIAL.get(error.code)
    if special is not None:
        return special
    families = (STATUSES.get(family) for family in type(error).__mro__)
    return next((status for status in families if status is not None), 500)


def refusal(error: errors.EtlError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer to a request that was refused."""
    status = status_of(error)
    content = {"code": error.code, "message": error.message}
    if error.hint:
        content["hint"] = error.hint
    return JSONResponse(content, status, headers)
