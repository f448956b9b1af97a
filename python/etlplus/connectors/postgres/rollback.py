"""Rolls loads back: one transaction, once, whatever dies whenever.

The transaction locks the load's fence and its targets, asks the ledger whether the load is rolled
back already, restores each target and writes the ledger. When the connection is lost around COMMIT
the same steps are taken again, and the ledger tells what became of the first attempt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from etlplus.connectors.postgres import (
    adoption,
    generations,
    ledger,
    references,
    restore,
    undo,
)
from etlplus.connectors.postgres.generations import Entry
from etlplus.connectors.postgres.idle import IdleSessions
from etlplus.connectors.postgres.session import Session
from etlplus.connectors.postgres.staging import name
from etlplus.connectors.postgres.trying import PATIENCE_SECONDS, Trying
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import RunError, WrongState
from etlplus.domain.rollback import RollbackOrder, RolledBack

_LOCK_TIMEOUT_MS = 2000

_FENCE = "SELECT FROM etlplus.fence WHERE load_id = %s FOR UPDATE"
_FINISH = """
UPDATE etlplus.load SET
    rolled_back_at = pg_catalog.now(), rolled_back_by = %(author)s,
    rolled_back_for = %(cause)s, rollback_reason = %(reason)s,
    rows_removed = %(removed)s, rows_restored = %(restored)s, undo = '', undo_table = ''
WHERE load_id = %(load_id)s AND sink = %(sink)s"""
_FORGET = "DELETE FROM etlplus.restored WHERE load_id = %(load_id)s AND sink = %(sink)s"
_EXISTS = "SELECT pg_catalog.to_regclass(%s) IS NOT NULL"


class PostgresRollback:
    """Takes back loads into tables."""

    def __init__(self, *, patience: float = PATIENCE_SECONDS) -> None:
        """`patience`: seconds for which locks of others and lost connections are borne."""
        self._patience = patience
        self._sessions = IdleSessions()

    def roll_back(
        self, order: RollbackOrder, connection: ResolvedConnection
    ) -> Sequence[RolledBack]:
        """Restores what readers saw before the load, or tells what was restored earlier.

        Returns:
            The loads that were rolled back for the order, newest first.

        Raises:
            WrongState: ROLLBACK_BLOCKED, ROLLBACK_UNAVAILABLE, ROLLBACK_CONFLICT; then nothing
                was changed.
            RunError: PUBLISH_CONFLICT, CONNECTION_FAILED, DATABASE_ERROR.
        """
        what = f"Cannot roll back the load {order.load_id}"
        trying = Trying(what, patience=self._patience, again="roll back again")
        while True:
            try:
                with self._sessions.lent(connection) as session:
                    ledger.make(session)
                    return _roll_back(session, order)
            except (psycopg.Error, RunError) as error:
                trying.bear(error)


def _roll_back(session: Session, order: RollbackOrder) -> Sequence[RolledBack]:
    with session.transaction():
        timeout = sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(_LOCK_TIMEOUT_MS))
        session.execute(timeout)
        session.execute(_FENCE, [order.load_id])
        standing = [entry for entry in generations.of_load(session, order) if _stands(entry)]
        planned: list[Entry] = []
        for target in sorted({entry.target for entry in standing}):
            first = min(entry.number for entry in standing if entry.target == target)
            planned += _chain(session, order, target, first)
        if order.dry_run:
            return [entry.planned() for entry in planned] + _told(session, order)
        for entry in planned:
            _undo(session, order, entry)
        fresh = {(entry.load_id, entry.sink) for entry in planned}
        return _told(session, order, fresh)


def _stands(entry: Entry) -> bool:
    return entry.rolled_back_at is None


def _told(
    session: Session, order: RollbackOrder, fresh: set[tuple[str, str]] | None = None
) -> list[RolledBack]:
    """What the ledger says was rolled back for this load, now or earlier."""
    found = {
        (entry.load_id, entry.sink): entry for entry in generations.of_order(session, order.load_id)
    }
    for entry in generations.of_load(session, order):
        if not _stands(entry):
            found.setdefault((entry.load_id, entry.sink), entry)
    return [entry.done(already=key not in (fresh or ())) for key, entry in found.items()]


def _chain(session: Session, order: RollbackOrder, target: str, first: int) -> list[Entry]:
    """The loads to roll back in a target, newest first, once nobody else can write to it."""
    if not order.dry_run:
        _lock(session, target)
    chain = generations.since(session, target, first)
    generations.check(chain, order)
    return chain


def _lock(session: Session, target: str) -> None:
    """Locks readers out as well: a table may be dropped or another put in its place."""
    schema, _, table = target.partition(".")
    named = sql.Identifier(schema, table).as_string(session)
    row = session.execute(_EXISTS, [named]).fetchone()
    if not (row and row[0]):
        raise restore.conflict(target, "the table is gone")
    session.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(name(target)))


def _undo(session: Session, order: RollbackOrder, entry: Entry) -> None:
    try:
        with references.untouched(session, entry):
            restored = _restore(session, entry)
            # Deferred constraints speak now, while it can still be said whose they are.
            session.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except psycopg.errors.IntegrityError as error:
        reason = error.diag.message_detail or error.diag.message_primary or str(error)
        raise restore.conflict(entry.target, f"a constraint forbids it: {reason}") from error
    _finish(session, order, entry, restored)


def _restore(session: Session, entry: Entry) -> int:
    """Returns how many rows are there again."""
    match entry.undo:
        case "created":
            _uncreate(session, entry)
        case "inserted":
            restore.delete_own(session, entry)
        case "swapped":
            return _unswap(session, entry)
        case "replaced":
            return restore.replace(session, entry)
        case "merged":
            return restore.unmerge(session, entry)
        case "exchanged":
            return restore.exchange_back(session, entry)
        case other:
            raise WrongState(f"{other!r} is not known here", code="ROLLBACK_UNAVAILABLE")
    return 0


def _finish(session: Session, order: RollbackOrder, entry: Entry, restored: int) -> None:
    """Drops what was kept and writes the ledger."""
    if entry.undo_table:
        undo.drop(session, entry.undo_table)
    removed = entry.written - (entry.kept if entry.undo == "merged" else 0)
    given: dict[str, Any] = {
        "load_id": entry.load_id,
        "sink": entry.sink,
        "author": order.author,
        "cause": order.load_id,
        "reason": order.reason,
        "removed": removed,
        "restored": restored,
    }
    session.execute(_FORGET, given)
    session.execute(_FINISH, given)


def _uncreate(session: Session, entry: Entry) -> None:
    """Drops the table; where something hangs on it by now, it stays and is emptied."""
    restore.expect_own_alone(session, entry)
    if _is_as_made(session, entry):
        session.execute(sql.SQL("DROP TABLE {}").format(name(entry.target)))
    else:
        restore.empty(session, entry)


def _is_as_made(session: Session, entry: Entry) -> bool:
    if entry.mode not in ("merge", "scd2"):
        return adoption.is_bare(session, entry.target)
    # The load made the key. Only without it can be seen whether anything else hangs on the table.
    bare = False
    with session.transaction() as attempt:
        if entry.mode == "merge":
            restore.drop_key(session, entry)
        else:
            restore.drop_current(session, entry)
        bare = adoption.is_bare(session, entry.target)
        if not bare:
            raise psycopg.Rollback(attempt)
    return bare


def _unswap(session: Session, entry: Entry) -> int:
    """Puts the former table back, or its rows where something hangs on the present one."""
    former = f"etlplus.{entry.undo_table}"
    restore.expect_own_alone(session, entry)
    if adoption.may_swap_back(session, entry.target, former):
        rows = restore.count(session, former)
        session.execute(sql.SQL("DROP TABLE {}").format(name(entry.target)))
        adoption.move(session, former, entry.target)
        return rows
    return restore.replace_by_former(session, entry)
