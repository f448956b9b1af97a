"""A definition's text: places in it, and excerpts of it for people."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

#: Where a value sits in the message: names of fields, indexes of lists, keys of maps.
Path = tuple[str | int, ...]

_EXCERPT_WIDTH: Final = 160
_WIDE: Final = frozenset("WF")


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a text: line and column from 1, and a length of at least 1 within the line."""

    line: int
    column: int
    length: int = 1


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a value was written.

    Attributes:
        key: the key's place; the value's for list items.
        value: the value's place.
        written: the path in the words of the text, as in `steps[2].map.amount`.
    """

    key: Span
    value: Span
    written: str


def lines_of(text: str) -> list[str]:
    """Return the lines as YAML counts them, without their ends."""
    return re.split(r"\r\n|[\n\r\x85\u2028\u2029]", text)


def excerpt(line: str, span: Span) -> str:
    """Return the line and, below it, carets under the place. Long lines are cut around it."""
    start = max(0, span.column - 1 - _EXCERPT_WIDTH // 2) if len(line) > _EXCERPT_WIDTH else 0
    cut = line[start : start + _EXCERPT_WIDTH].replace("\t", " ")
    shown = "".join(char if char.isprintable() else "\ufffd" for char in cut)
    before = shown[: span.column - 1 - start]
    marked = shown[len(before) : len(before) + span.length]
    return f"{shown}\n{' ' * _width(before)}{'^' * max(1, _width(marked))}"


def _width(text: str) -> int:
    """Return how many terminal cells a text takes."""
    return sum(2 if unicodedata.east_asian_width(char) in _WIDE else 1 for char in text)


def join_path(path: str, part: str | int) -> str:
    """Append a part to a written path: `a` + `b` → `a.b`, `a` + 1 → `a[1]`."""
    if isinstance(part, int):
        return f"{path}[{part}]"
    return f"{path}.{part}" if path else part
