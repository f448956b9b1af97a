"""The ledger's entries as a rollback sees them: loads into one target, in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from etlplus.connectors.postgres.session import Session
from etlplus.domain.errors import WrongState
from etlplus.domain.rollback import RollbackOrder, RolledBack

#: A row's writer tells nothing any more once so many transactions came after the load.
_FARTHEST = 2**31 - 10_000_000
_WHOLE = frozenset({"created", "swapped", "replaced"})

_COLUMNS = """
SELECT number, load_id, sink, job, target, mode, undo, undo_table, kept, written, keys, columns,
       xid::text::bigint AS xid, snapshot::text AS snapshot, rolled_back_at, rolled_back_by,
       rolled_back_for, rollback_reason, rows_removed, rows_restored,
       coalesce(origin <> (SELECT system_identifier::text FROM pg_catalog.pg_control_system()),
                false) AS is_foreign,
       pg_catalog.pg_current_xact_id()::text::bigint - xid::text::bigint AS distance,
       CASE WHEN undo_table = '' THEN 0 ELSE coalesce(pg_catalog.pg_total_relation_size(
           pg_catalog.to_regclass('etlplus.' || undo_table)), 0) END AS bytes
FROM etlplus.load"""
_OF_LOAD = sql.SQL(_COLUMNS + " WHERE load_id = %(load_id)s AND sink = ANY(%(sinks)s)")
_OF_ORDER = sql.SQL(_COLUMNS + " WHERE rolled_back_for = %(load_id)s ORDER BY number DESC")
_SINCE = sql.SQL(
    _COLUMNS + " WHERE target = %(target)s AND number >= %(number)s AND rolled_back_at IS NULL"
    " ORDER BY number DESC FOR UPDATE"
)
_BEFORE = sql.SQL(
    _COLUMNS + " WHERE target = %(target)s AND number < %(number)s AND rolled_back_at IS NULL"
    " ORDER BY number DESC"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A published sink, as far as rolling it back goes.

    Attributes:
        number: the order of loads into a target.
        undo: how it is undone; empty when it cannot be.
        kept: how many copies of rows the undo table holds.
        written: how many rows the load inserted or updated.
        keys: for merge, the key columns.
        columns: what the load gave values to.
        xid: the transaction that published it.
        snapshot: which transactions had ended then.
        bytes: the size of the undo table.
    """

    number: int
    load_id: str
    sink: str
    job: str
    target: str
    mode: str
    undo: str
    undo_table: str
    kept: int
    written: int
    keys: list[str]
    columns: list[str]
    xid: int | None
    snapshot: str | None
    rolled_back_at: datetime | None
    rolled_back_by: str | None
    rolled_back_for: str | None
    rollback_reason: str | None
    rows_removed: int | None
    rows_restored: int | None
    is_foreign: bool
    distance: int | None
    bytes: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing that was in the target before was there after it."""
        return self.undo in _WHOLE

    def planned(self) -> RolledBack:
        """What rolling it back would do."""
        removed = self.written - (self.kept if self.undo == "merged" else 0)
        return RolledBack(
            self.load_id, self.sink, self.target, self.mode, removed, self.kept, self.bytes
        )

    def done(self, *, already: bool) -> RolledBack:
        """What rolling it back did."""
        return RolledBack(
            load_id=self.load_id,
            sink=self.sink,
            target=self.target,
            mode=self.mode,
            removed=self.rows_removed or 0,
            restored=self.rows_restored or 0,
            time=self.rolled_back_at,
            author=self.rolled_back_by or "",
            reason=self.rollback_reason or "",
            already=already,
        )


def of_load(session: Session, order: RollbackOrder) -> list[Entry]:
    """The entries of an order's sinks. Raises WrongState (ROLLBACK_UNAVAILABLE) without one."""
    found = _read(session, _OF_LOAD, {"load_id": order.load_id, "sinks": list(order.sinks)})
    missing = set(order.sinks) - {entry.sink for entry in found}
    if missing:
        raise WrongState(
            f"The ledger at the target has no load {order.load_id} of {', '.join(sorted(missing))}",
            code="ROLLBACK_UNAVAILABLE",
            place=min(missing),
            hint="Check whether the connection still leads to the database that was loaded",
            metadata={"load_id": order.load_id},
        )
    return found


def of_order(session: Session, load_id: str) -> list[Entry]:
    """Everything that was rolled back for the sake of a load, newest first."""
    return _read(session, _OF_ORDER, {"load_id": load_id})


def since(session: Session, target: str, number: int) -> list[Entry]:
    """Loads of a target from this one on that stand, newest first; locked."""
    return _read(session, _SINCE, {"target": target, "number": number})


def underneath(session: Session, entry: Entry) -> list[Entry]:
    """Earlier loads whose rows may have been in the target before this one, newest first."""
    found = []
    for earlier in _read(session, _BEFORE, {"target": entry.target, "number": entry.number}):
        found.append(earlier)
        if earlier.is_whole or not earlier.undo:
            break
    return [each for each in found if each.undo]


def check(chain: Sequence[Entry], order: RollbackOrder) -> None:
    """Returns when a chain of loads, newest first, may be rolled back.

    Raises:
        WrongState: ROLLBACK_BLOCKED, ROLLBACK_UNAVAILABLE.
    """
    later = [entry for entry in chain if entry.load_id != order.load_id]
    if later and not order.cascade:
        raise _blocked(later)
    for entry in chain:
        reason = _why_not(entry)
        if reason:
            raise WrongState(
                f"The load {entry.load_id} into {entry.target} cannot be rolled back: {reason}",
                code="ROLLBACK_UNAVAILABLE",
                place=entry.sink,
                hint="Load the target anew, with mode replace",
                metadata={"load_id": entry.load_id, "job": entry.job, "target": entry.target},
            )


def blocked(target: str, jobs: Iterable[str]) -> WrongState:
    """The error for a load that later ones of these jobs stand on."""
    named = ", ".join(jobs)
    return WrongState(
        f"Later loads stand in {target}, of the jobs {named}",
        code="ROLLBACK_BLOCKED",
        place=target,
        hint="Roll those back first, or all together with --cascade",
        metadata={"target": target, "jobs": named},
    )


def _blocked(later: Sequence[Entry]) -> WrongState:
    return blocked(later[0].target, dict.fromkeys(entry.job for entry in later))


def _why_not(entry: Entry) -> str:
    if not entry.undo:
        return "what it replaced is not kept"
    if entry.is_foreign:
        return "its ledger was copied from another server, where its rows were written"
    if entry.distance is None or entry.distance > _FARTHEST:
        return "it is too long ago to tell its rows from others"
    return ""


def _read(session: Session, query: sql.SQL, given: dict[str, Any]) -> list[Entry]:
    with session.cursor(row_factory=dict_row) as cursor:
        return [Entry(**row) for row in cursor.execute(query, given)]
