"""Arrow IPC streams as plain values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from etlplus.cli.text import cut, line

Rows = Sequence[Sequence[Any]]


def read(stream: bytes) -> tuple[list[str], Rows]:
    """The names of the columns and the rows of a stream; no columns when it is empty."""
    if not stream:
        return [], []
    import nanoarrow  # noqa: PLC0415 only where rows are shown

    array = nanoarrow.ArrayStream.from_readable(stream).read_all()
    names = [field.name for field in array.schema.fields]
    columns = [array.child(index).to_pylist() for index in range(len(names))]
    return names, list(zip(*columns, strict=True))


def plain(value: Any) -> Any:  # noqa: ANN401 any value of a row
    """A value as JSON and YAML have them. Decimals stay exact, as text."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal | timedelta):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def shown(value: Any, cells: int) -> str:  # noqa: ANN401 any value of a row
    """A value in a table; a missing one is `·`, so that it differs from empty text."""
    if value is None:
        return "·"
    plainly = plain(value)
    text = plainly if isinstance(plainly, str) else json.dumps(plainly, ensure_ascii=False)
    return cut(line(text), cells)
