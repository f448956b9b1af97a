"""Taking back what a job published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RollbackOrder:
    """Which sinks of a load are rolled back, and on whose word.

    Attributes:
        load_id: 32 hexadecimal digits.
        sinks: names of sinks whose targets share a ledger.
        author: who asked for it.
        reason: why, in the author's words; may be empty.
        cascade: whether later loads into the same targets are rolled back before.
        dry_run: whether only to tell what would be done.
    """

    load_id: str
    sinks: tuple[str, ...]
    author: str
    reason: str = ""
    cascade: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class RolledBack:
    """A sink's load that is, or would be, rolled back.

    Attributes:
        load_id: the load, also of another job when it was rolled back before the one asked for.
        target: the table as `schema.table`, or the path.
        mode: append, replace, merge, delete_insert or scd2, as the load was.
        removed: rows of the load that readers no longer see; for files of loads that are planned
            or done, the rows that it loaded.
        restored: rows as they were before the load, which it had replaced or updated; 0 for files,
            whose rows are not counted.
        kept_bytes: what is kept for the rollback takes so much space.
        time: when it was done; None when it is only planned.
        author: who asked for it.
        already: whether it had been done before.
    """

    load_id: str
    sink: str
    target: str
    mode: str
    removed: int
    restored: int
    kept_bytes: int = 0
    time: datetime | None = None
    author: str = ""
    reason: str = ""
    already: bool = False
