"""Exit codes. They are part of the command's contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from etlplus.domain.errors import EtlError

OK: Final = 0
FAILED: Final = 1
INVALID: Final = 2
UNREACHABLE: Final = 3
NOT_AUTHORISED: Final = 4
REJECTS: Final = 5
CANCELLED: Final = 130

_BUDGET: Final = "REJECT_BUDGET_EXCEEDED"
#: A target that cannot be reached is a failure of the run, not of the way to the server.
_OTHERS_AWAY: Final = frozenset({"CONNECTION_FAILED"})


def of_code(code: str) -> int:
    """The exit code of a failed job: a definition that could not be compiled is invalid."""
    from etlplus.domain.codes import MEANINGS  # noqa: PLC0415 keeps the entry point cheap

    if code == _BUDGET:
        return REJECTS
    family, _ = MEANINGS.get(code, ("", ""))
    return INVALID if family == "InvalidInput" else FAILED


def of_error(error: EtlError) -> int:
    """The exit code of a command that this error ended."""
    from etlplus.domain import errors  # noqa: PLC0415 keeps the entry point cheap

    if isinstance(error, errors.Unauthenticated | errors.PermissionDenied):
        return NOT_AUTHORISED
    if isinstance(error, errors.Unavailable) and error.code not in _OTHERS_AWAY:
        return UNREACHABLE
    if isinstance(error, errors.Cancelled):
        return CANCELLED
    if isinstance(error, errors.InvalidInput):
        return INVALID
    return of_code(error.code)
