"""Values as people read them."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_KIBI: Final = 1024
_MINUTE: Final = 60.0
_WIDE: Final = frozenset({"W", "F"})
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def printable(text: str) -> str:
    """The text without what would steer a terminal; line breaks and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        sign
        if sign in "\n\t" or unicodedata.category(sign) not in _UNSEEN
        else sign.encode("unicode_escape").decode("ascii")
        for sign in text
    )


def line(text: str) -> str:
    """The text on one line."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def width(text: str) -> int:
    """How many cells of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) else 1 + (unicodedata.east_asian_width(sign) in _WIDE)
        for sign in text
    )


def cut(text: str, cells: int) -> str:
    """The text in at most so many cells, with `…` where something is left out."""
    if width(text) <= cells:
        return text
    taken = 0
    for index, sign in enumerate(text):
        taken += width(sign)
        if taken > cells - 1:
            return text[:index] + "…"
    return text


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: str = "") -> str:
    """Rows under a head, in columns that are as wide as they must be.

    Args:
        head: the columns' names.
        rows: values as text; line breaks in them are shown escaped.
        right: `>` for each column that is set to the right, anything else for the others.
    """
    shown = [[line(value) for value in row] for row in [head, *rows]]
    widths = [max(width(row[index]) for row in shown) for index in range(len(head))]
    sides = right.ljust(len(head))
    return "".join(_row(row, widths, sides) for row in shown)


def _row(row: Sequence[str], widths: Sequence[int], sides: str) -> str:
    cells = []
    for value, cells_wide, side in zip(row, widths, sides, strict=False):
        gap = " " * (cells_wide - width(value))
        cells.append(gap + value if side == ">" else value + gap)
    return "  ".join(cells).rstrip() + "\n"


def number(value: float) -> str:
    """A whole number with thin groups, as in 336 776."""
    return f"{round(value):,}".replace(",", " ")


def size(count: float) -> str:
    """Bytes, as in 12.3 MiB."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < _KIBI:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= _KIBI
    return f"{count:.1f} TiB"


def duration(seconds: float) -> str:
    """A time, as in 4.2 s or 3 min 20 s."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), int(_MINUTE))
    return f"{minutes} min {rest} s"
