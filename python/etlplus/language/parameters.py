"""Parameters: their types, their defaults, and the values of a run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from google.protobuf.struct_pb2 import Value

from etlplus.language import codes
from etlplus.language.findings import Findings
from etlplus.language.scalars import number_text, shorten
from etlplus.language.suggest import hint
from etlplus.language.text import Path
from etlplus.v1 import plan_pb2

_INT_64: Final = (-(1 << 63), (1 << 63) - 1)
_DECIMAL_DIGITS: Final = 38
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,40}")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_DECIMAL: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIMESTAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?"
)


@dataclass(frozen=True, slots=True)
class Typed:
    """A value of a parameter in the one way its type is written. `text` is None for none."""

    type: str
    text: str | None

    @property
    def exact_type(self) -> str:
        """The type that holds this value: `decimal(3,2)` for 1.50, `timestamptz` for an instant."""
        if self.text is None:
            return self.type
        if self.type == "decimal":
            whole, _, fraction = self.text.lstrip("+-").partition(".")
            digits = len(whole.lstrip("0")) + len(fraction)
            return f"decimal({max(1, digits)},{len(fraction)})"
        is_instant = self.type == "timestamp" and self.text.endswith("+00:00")
        return "timestamptz" if is_instant else self.type


def read(kind: str, text: str) -> str:
    """Return a value in the one way its type is written: `+07` is `7`, `2024-1-1` is refused.

    Raises:
        ValueError: The text is not a value of the type; the message says what one looks like.
    """
    return _READERS[kind or "string"](text)


def _string(text: str) -> str:
    if "\0" in text:
        raise ValueError("text without NUL characters")
    return text


def _int(text: str) -> str:
    if not _WHOLE.fullmatch(text) or not _INT_64[0] <= int(text) <= _INT_64[1]:
        raise ValueError("a whole number of 64 bits")
    return str(int(text))


def _float(text: str) -> str:
    if not _NUMBER.fullmatch(text) or abs(float(text)) == float("inf"):
        raise ValueError("a number")
    return repr(float(text))


def _decimal(text: str) -> str:
    if not _DECIMAL.fullmatch(text) or sum(char.isdigit() for char in text) > _DECIMAL_DIGITS:
        raise ValueError("a decimal number of at most 38 digits, without an exponent")
    return format(Decimal(text), "f")


def _bool(text: str) -> str:
    if text.lower() not in {"true", "false"}:
        raise ValueError("`true` or `false`")
    return text.lower()


def _date(text: str) -> str:
    if not _DATE.fullmatch(text):
        raise ValueError("a date as in `2024-12-31`")
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("a date of the calendar, as in `2024-12-31`") from None


def _timestamp(text: str) -> str:
    problem = "a point in time as in `2024-12-31T23:59:59` or `2024-12-31T23:59:59+01:00`"
    if not _TIMESTAMP.fullmatch(text):
        raise ValueError(problem)
    try:
        moment = datetime.fromisoformat(text)
        return (moment.astimezone(UTC) if moment.tzinfo else moment).isoformat()
    except (ValueError, OverflowError):
        raise ValueError(problem) from None


_READERS: Final[dict[str, Callable[[str], str]]] = {
    "string": _string,
    "int": _int,
    "float": _float,
    "decimal": _decimal,
    "bool": _bool,
    "date": _date,
    "timestamp": _timestamp,
}


def value_text(value: Value) -> str | None:
    """Return a free value as text; None for null, a list or a mapping."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    return number_text(value.number_value) if kind == "number_value" else None


def check_params(spec: plan_pb2.PipelineSpec, findings: Findings) -> None:
    """Report defaults and allowed values that are not of their parameter's type."""
    for index, param in enumerate(spec.params):
        path: Path = ("params", index)
        if param.type not in _READERS and param.type:
            continue
        for place, text in enumerate(param.one_of):
            _check_value(param, text, (*path, "one_of", place), findings)
        default = param.default
        if default.WhichOneof("kind") in {"list_value", "struct_value"}:
            findings.add(codes.BAD_DEFAULT, "A default is a single value", (*path, "default"))
            continue
        text_of_default = value_text(default)
        if text_of_default is None or "${" in text_of_default:
            continue
        if _check_value(param, text_of_default, (*path, "default"), findings):
            _check_choice(param, text_of_default, findings, (*path, "default"))


def _check_value(param: plan_pb2.Param, text: str, path: Path, findings: Findings) -> bool:
    try:
        read(param.type, text)
    except ValueError as error:
        message = f"`{shorten(text)}` is not of type {param.type or 'string'}"
        findings.add(codes.BAD_DEFAULT, message, path, f"Write {error}")
        return False
    return True


def _check_choice(param: plan_pb2.Param, text: str, findings: Findings, path: Path) -> bool:
    allowed = [read(param.type, choice) for choice in param.one_of if _reads(param.type, choice)]
    if not param.one_of or read(param.type, text) in allowed:
        return True
    message = f"`{shorten(text)}` is not allowed for the parameter `{param.name}`"
    findings.add(codes.NOT_ONE_OF, message, path, hint(text, param.one_of, "Allowed"))
    return False


def _reads(kind: str, text: str) -> bool:
    try:
        read(kind, text)
    except ValueError:
        return False
    return True


def bind(
    spec: plan_pb2.PipelineSpec,
    given: Mapping[str, str],
    resolve: Callable[[str], str] | None,
    findings: Findings,
) -> dict[str, Typed]:
    """Return the value of every parameter for a run.

    Args:
        spec: a sound pipeline.
        given: values as text.
        resolve: puts values in place of the `${…}` of a default; it reports what it cannot find.
            None leaves defaults out: only given values are looked at.
        findings: takes what is missing, unknown or of the wrong type.
    """
    declared = {param.name: param for param in spec.params}
    for name in sorted(given.keys() - declared.keys()):
        known = hint(name, declared, "It has") or "It has no parameters"
        findings.add(codes.PARAM_UNKNOWN, f"The pipeline has no parameter `{name}`", (), known)
    values: dict[str, Typed] = {}
    for index, param in enumerate(spec.params):
        path: Path = ("params", index)
        text: str | None
        if param.name in given:
            text = given[param.name]
        elif param.HasField("default"):
            if resolve is None:
                continue
            text = value_text(param.default)
            text = resolve(text) if text is not None else None
        else:
            message = f"The parameter `{param.name}` needs a value"
            known = f"Give one with `--param {param.name}=…`, a test by its `params`, or a default"
            findings.add(codes.PARAM_MISSING, message, path, known)
            continue
        values[param.name] = Typed(param.type or "string", _typed(param, text, path, findings))
    return values


def _typed(param: plan_pb2.Param, text: str | None, path: Path, findings: Findings) -> str | None:
    if text is None:
        return None
    try:
        value = read(param.type, text)
    except ValueError as error:
        message = f"`{shorten(text)}` is not a value of the parameter `{param.name}`"
        findings.add(codes.PARAM_TYPE, message, path, f"Write {error}")
        return None
    return value if _check_choice(param, text, findings, path) else None
