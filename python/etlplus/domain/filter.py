"""A parsed filter of a list: a tree that stores translate to bound parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

Value = str | int | datetime


class Operator(StrEnum):
    """How a field is compared. HAS is true when a text contains the value, in any case."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    HAS = ":"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field operator value`; the parser has checked that the three go together."""

    field: str
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class All:
    """True when every part is."""

    parts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True when one part is."""

    parts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True when the part is not."""

    part: Expr


Expr = Comparison | All | AnyOf | Not

#: The fields that a list of jobs can be filtered by, with the type of their values. A missing time
#: (`start_time`, `end_time`, `scheduled_time`) passes `!=` and no other comparison.
JOB_FIELDS: Mapping[str, type[str | int | datetime]] = {
    "state": str,
    "pipeline": str,
    "version": int,
    "author": str,
    "attempt": int,
    "create_time": datetime,
    "start_time": datetime,
    "end_time": datetime,
    "scheduled_time": datetime,
    "replay_of": str,
}


def matches(expr: Expr, fields: Mapping[str, Value | None]) -> bool:
    """Whether a row with these fields passes: what a filter means in every store."""
    match expr:
        case All(parts):
            return all(matches(part, fields) for part in parts)
        case AnyOf(parts):
            return any(matches(part, fields) for part in parts)
        case Not(part):
            return not matches(part, fields)
        case Comparison(field, operator, value):
            return _compare(fields[field], operator, value)


def _compare(have: Value | None, operator: Operator, want: Value) -> bool:
    if have is None:
        return operator is Operator.NE
    if operator is Operator.HAS:
        return str(want).casefold() in str(have).casefold()
    order = _order(have, want)
    return {
        Operator.EQ: order == 0,
        Operator.NE: order != 0,
        Operator.LT: order < 0,
        Operator.LE: order <= 0,
        Operator.GT: order > 0,
        Operator.GE: order >= 0,
    }[operator]


def _order(have: Value, want: Value) -> int:
    if isinstance(have, datetime) and isinstance(want, datetime):
        return (have > want) - (have < want)
    if isinstance(have, int) and isinstance(want, int):
        return (have > want) - (have < want)
    return (str(have) > str(want)) - (str(have) < str(want))
