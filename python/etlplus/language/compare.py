"""Compares rows of a run with the rows that an example expects."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from google.protobuf.struct_pb2 import Value

from etlplus.language.parameters import value_text
from etlplus.language.scalars import number_text

_NUMBERS: Final = ("int", "bigint", "smallint", "decimal", "numeric", "hugeint", "tinyint")
_FLOATS: Final = ("double", "float", "real")
_SHOWN: Final = 5

Row = Mapping[str, Any]
Expected = Mapping[str, Value]


def differences(
    expected: Sequence[Expected], actual: Sequence[Row], types: Mapping[str, str]
) -> list[str]:
    """Return what differs, in words; empty when nothing does.

    Rows may come in any order. A column that an expected row does not name is not compared.

    Args:
        expected: rows of the example.
        actual: rows of the run, as JSON read with decimals.
        types: SQL types of the produced columns, which say when two values are equal.
    """
    unknown = sorted({name for row in expected for name in row} - types.keys()) if types else []
    if unknown:
        known = ", ".join(types)
        return [f"there is no column `{name}`; there are {known}" for name in unknown]
    pairs = _match(expected, actual, types)
    taken = set(pairs.values())
    missing = [row for index, row in enumerate(expected) if index not in pairs]
    surplus = [row for index, row in enumerate(actual) if index not in taken]
    found = [f"expected, not produced: {_show_expected(row)}" for row in missing[:_SHOWN]]
    found += [f"produced, not expected: {_show(row)}" for row in surplus[:_SHOWN]]
    more = max(0, len(missing) - _SHOWN) + max(0, len(surplus) - _SHOWN)
    return [*found, f"and {more} more"] if more else found


def _match(
    expected: Sequence[Expected], actual: Sequence[Row], types: Mapping[str, str]
) -> dict[int, int]:
    """Return the largest pairing of expected with produced rows (augmenting paths)."""
    fits = [
        [index for index, row in enumerate(actual) if _fits(wanted, row, types)]
        for wanted in expected
    ]
    owner: dict[int, int] = {}
    for start in range(len(expected)):
        _augment(start, fits, owner)
    return {wanted: index for index, wanted in owner.items()}


def _augment(start: int, fits: Sequence[Sequence[int]], owner: dict[int, int]) -> None:
    """Give one expected row a produced row, moving others where that makes room."""
    came_from: dict[int, int] = {}
    queue = [start]
    for wanted in queue:
        for index in fits[wanted]:
            if index in came_from:
                continue
            came_from[index] = wanted
            if index not in owner:
                _move(index, start, came_from, owner)
                return
            queue.append(owner[index])


def _move(free: int, start: int, came_from: Mapping[int, int], owner: dict[int, int]) -> None:
    held = {wanted: index for index, wanted in owner.items()}
    index = free
    while True:
        wanted = came_from[index]
        before = held.get(wanted)
        owner[index] = wanted
        if wanted == start or before is None:
            return
        index = before


def _fits(expected: Expected, actual: Row, types: Mapping[str, str]) -> bool:
    return all(
        _same(value, actual.get(name), types.get(name, "text")) for name, value in expected.items()
    )


def _same(expected: Value, actual: Any, kind: str) -> bool:  # noqa: ANN401 - any JSON
    if expected.WhichOneof("kind") == "null_value" or actual is None:
        return expected.WhichOneof("kind") == "null_value" and actual is None
    text = value_text(expected)
    if text is None:
        return bool(_plain(expected) == _floats(actual))
    produced = actual if isinstance(actual, str) else json.dumps(actual, default=str).strip('"')
    return _canonical(text, kind) == _canonical(produced, kind)


def _canonical(text: str, kind: str) -> object:
    """Return a text as a value of a SQL type that compares as the type does."""
    name = kind.lower()
    try:
        if name.startswith(_NUMBERS):
            return Decimal(text)
        if name.startswith(_FLOATS):
            return float(text)
        if name.startswith("bool"):
            return text.lower()
        if name.startswith("timestamp"):
            moment = datetime.fromisoformat(text)
            return (moment if moment.tzinfo is None else moment.astimezone(UTC)).isoformat()
    except (InvalidOperation, ValueError):
        return text
    return text


def _plain(value: Value) -> Any:  # noqa: ANN401 - any JSON
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    if kind == "struct_value":
        return {name: _plain(item) for name, item in value.struct_value.fields.items()}
    if kind == "null_value":
        return None
    if kind == "number_value":
        return json.loads(number_text(value.number_value))
    return getattr(value, kind or "string_value")


def _floats(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, list):
        return [_floats(item) for item in value]
    if isinstance(value, dict):
        return {name: _floats(item) for name, item in value.items()}
    return (
        float(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value
    )


def _show_expected(row: Expected) -> str:
    return _show({name: _plain(value) for name, value in row.items()})


def _show(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False, default=str)
