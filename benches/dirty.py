"""Lineitem with damage in 1 % of its rows, and the truth about every damaged row.

Every 20th comment has a line break inside quotes, so that physical lines and records differ.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from benches import data

#: One row of so many is damaged.
EVERY = 100

Record = list[bytes]


def _field(index: int, value: bytes) -> Callable[[Record], Record]:
    return lambda fields: [*fields[:index], value, *fields[index + 1 :]]


#: What is done to a row, in turns, and the reason a loader should give.
DAMAGE: tuple[tuple[str, Callable[[Record], Record]], ...] = (
    ("CONVERSION_FAILED", _field(1, b"n/a?")),
    ("CONVERSION_FAILED", _field(5, b"12.5.0x")),
    ("CONVERSION_FAILED", _field(10, b"1996-02-30")),
    ("OUT_OF_RANGE", _field(3, b"99999999999")),
    ("TOO_FEW_FIELDS", lambda fields: fields[:-3]),
    ("TOO_MANY_FIELDS", lambda fields: [*fields, b"one more"]),
    ("INVALID_ENCODING", _field(14, b"\xff\xfeRAIL")),
)


@cache
def lineitem() -> tuple[Path, Path]:
    """Return the damaged file, and the truth: physical line, tab, reason for every damaged row."""
    path, truth = data.folder() / "dirty.csv", data.folder() / "dirty.truth"
    if not truth.exists():
        _write(path, truth)
    return path, truth


def _write(path: Path, truth: Path) -> None:
    unfinished = truth.with_suffix(".new")
    with data.lineitem().open("rb") as clean, path.open("wb") as dirty, unfinished.open("w") as log:
        dirty.write(next(clean))
        line = 2
        for record, reason in _records(clean):
            if reason:
                log.write(f"{line}\t{reason}\n")
            dirty.write(record)
            line += record.count(b"\n")
    unfinished.rename(truth)


def _records(clean: Iterator[bytes]) -> Iterator[tuple[bytes, str]]:
    kinds = itertools.cycle(DAMAGE)
    for number, text in enumerate(clean):
        if number % EVERY == EVERY // 2:
            reason, damage = next(kinds)
            fields = text.rstrip(b"\n").split(b",", 15)
            yield b",".join(damage(fields)) + b"\n", reason
        elif number % 20 == 0:
            fields = text.rstrip(b"\n").split(b",", 15)
            comment = fields[15].strip(b'"').replace(b" ", b"\n", 1)
            yield b",".join([*fields[:15], b'"' + comment + b'"\n']), ""
        else:
            yield text, ""
