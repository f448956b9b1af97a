"""Checks of lists that the options of sources, steps and sinks share."""

from __future__ import annotations

from collections.abc import Iterable

from etlplus.language import codes
from etlplus.language.findings import Findings
from etlplus.language.text import Path


def any_broken(broken: set[Path], path: Path, *names: str) -> bool:
    """Tell whether a message or one of its fields could not be read."""
    return path in broken or any((*path, name) in broken for name in names)


def no_repeats(
    names: Iterable[str], path: Path, findings: Findings, field: str = "", skip: int = 0
) -> None:
    """Report names that stand in a list twice.

    Args:
        names: The names in order.
        path: Where the list stands.
        findings: Where to report.
        field: The entries' field that holds the name; empty when entries are names.
        skip: How many of the names stand elsewhere, before the list.
    """
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name and name in seen and index >= skip:
            at = index - skip
            inner: Path = (*path, at, field) if field else (*path, at)
            findings.add(codes.REPEATED_COLUMN, f"The column `{name}` is named twice", inner)
        seen.add(name)
