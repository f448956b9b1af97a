"""Knows just enough of SQL's form to tell text in quotes from the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

Piece = tuple[Literal["code", "text", "name", "comment"], int, int]

# Quotes are doubled inside quotes. An open quote or comment runs to the end.
_PIECES: Final = re.compile(
    r"""
    (?P<text>'(?:[^']|'')*(?:'|\Z))
    | (?P<name>"(?:[^"]|"")*(?:"|\Z))
    | (?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
    | (?P<dollar>\$(?P<tag>[A-Za-z_]\w*)?\$.*?(?:\$(?P=tag)\$|\Z)|\$\$.*?(?:\$\$|\Z))
    """,
    re.VERBOSE | re.DOTALL,
)
_WORD: Final = re.compile(r"[A-Za-z_]\w*")


def pieces(sql: str) -> Iterator[Piece]:
    """Yield the pieces of a SQL text in order: kind, start and end."""
    at = 0
    for found in _PIECES.finditer(sql):
        if found.start() > at:
            yield "code", at, found.start()
        if found["name"] is not None:
            yield "name", found.start(), found.end()
        elif found["comment"] is not None:
            yield "comment", found.start(), found.end()
        else:
            yield "text", found.start(), found.end()
        at = found.end()
    if at < len(sql):
        yield "code", at, len(sql)


def words(sql: str) -> set[str]:
    """Return every word that may name a table or column: lower-case, quoted ones as they are."""
    found: set[str] = set()
    for kind, start, end in pieces(sql):
        if kind == "code":
            found.update(word.lower() for word in _WORD.findall(sql, start, end))
        elif kind == "name":
            found.add(sql[start + 1 : end - 1].replace('""', '"'))
    return found
