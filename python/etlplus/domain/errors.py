"""The errors of the product. Each has a stable code; `CODES` lists them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from etlplus.domain.codes import MEANINGS
from etlplus.domain.problem import Problem


class EtlError(Exception):
    """What went wrong, where, and what to do next.

    Attributes:
        code: stable, UPPER_SNAKE, one of `CODES`.
        message: one sentence with the values involved.
        place: the source, step, sink, option, line or field, where there is one.
        hint: the next step, where one is known.
        metadata: every variable of the message, by name, for programs.
    """

    default: ClassVar[str] = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        place: str | None = None,
        hint: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code or self.default
        self.message = message
        self.place = place
        self.hint = hint
        self.metadata: dict[str, str] = dict(metadata or {})

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        hint = f". {self.hint}" if self.hint else ""
        return f"{self.code}: {place}{self.message}{hint}"


class InvalidInput(EtlError):
    """The caller sent something that can never work. `problems` lists every finding."""

    default = "INVALID_ARGUMENT"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        place: str | None = None,
        hint: str | None = None,
        metadata: Mapping[str, str] | None = None,
        problems: Sequence[Problem] = (),
    ) -> None:
        super().__init__(message, code=code, place=place, hint=hint, metadata=metadata)
        self.problems: tuple[Problem, ...] = tuple(problems)


class NotFound(EtlError):
    """The named thing does not exist."""

    default = "NOT_FOUND"


class AlreadyExists(EtlError):
    """The name is taken."""

    default = "ALREADY_EXISTS"


class WrongState(EtlError):
    """The thing exists, but its state does not allow this."""

    default = "WRONG_STATE"


class EtagMismatch(EtlError):
    """The thing has changed since the caller read it."""

    default = "ETAG_MISMATCH"


class OutOfRange(EtlError):
    """A cursor points at what is no longer kept."""

    default = "CURSOR_TOO_OLD"


class Unauthenticated(EtlError):
    """The caller did not say who it is, or it is not true."""

    default = "TOKEN_INVALID"


class PermissionDenied(EtlError):
    """The caller is known and may not do this."""

    default = "PERMISSION_DENIED"


class LimitExceeded(EtlError):
    """The request is larger or more frequent than allowed."""

    default = "LIMIT_EXCEEDED"


class Unavailable(EtlError):
    """Something the service needs is away for the moment; the same call may work later."""

    default = "UNAVAILABLE"


class DeadlineExceeded(EtlError):
    """It took longer than allowed."""

    default = "DEADLINE_EXCEEDED"


class RunError(EtlError):
    """A run or plan failed because of its data, its source or its target."""

    default = "RUN_FAILED"


class Cancelled(EtlError):
    """Somebody asked for it to stop."""

    default = "CANCELLED"


class Bug(EtlError):
    """A fault of the product itself."""

    default = "INTERNAL"


FAMILIES: tuple[type[EtlError], ...] = (
    InvalidInput,
    NotFound,
    AlreadyExists,
    WrongState,
    EtagMismatch,
    OutOfRange,
    Unauthenticated,
    PermissionDenied,
    LimitExceeded,
    Unavailable,
    DeadlineExceeded,
    RunError,
    Cancelled,
    Bug,
)

_BY_NAME = {family.__name__: family for family in FAMILIES}

#: Every stable code with its class and its meaning.
CODES: Mapping[str, tuple[type[EtlError], str]] = {
    code: (_BY_NAME[family], meaning) for code, (family, meaning) in MEANINGS.items()
}


def from_code(
    code: str,
    message: str,
    *,
    place: str | None = None,
    hint: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> EtlError:
    """The error of the class that `code` belongs to. An unknown code becomes a `Bug`."""
    known = CODES.get(code)
    if known is None:
        details = {**(metadata or {}), "unknown_code": code}
        return Bug(message, place=place, hint=hint, metadata=details)
    return known[0](message, code=code, place=place, hint=hint, metadata=metadata)
