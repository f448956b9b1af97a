"""All faults, in the order of their numbers, and why some do not strike yet."""

from __future__ import annotations

from tests.faults import (
    commits,
    databases,
    files,
    limits,
    links,
    migrations,
    places,
    points,
    schedules,
    storms,
    workers,
)
from tests.faults.fault import Fault

FAMILIES = (
    workers,
    points,
    databases,
    commits,
    links,
    schedules,
    files,
    limits,
    migrations,
    places,
    storms,
)
FAULTS: tuple[Fault, ...] = tuple(
    sorted((fault for family in FAMILIES for fault in family.FAULTS), key=lambda each: each.id)
)
#: What does not strike yet, and why.
ABSENT = {f"F02 at {point}": reason for point, reason in points.ABSENT.items()} | {
    "F18 the disk for staged files is full": "tests of its own in `tests/faults/test_full_disk.py`",
    "F22 writes and fsyncs of the engine": "inside the compiled engine, which tests do not wrap",
    "F25 a plugin that crashes or never ends": "there are no plugins yet; memory, conversions and"
    " hostile files of the engine have tests of their own",
    "F26 a plugin that holds the interpreter": "there are no plugins yet",
}
