"""Lets targets follow the columns of rows: one transaction before anything is staged.

The transaction locks the load's fence and the target, looks at the columns once more, alters them
all or none and writes down what it did. What is kept for rollbacks of the target is altered alike,
so that it still fits. Where the server writes all rows anew it forgets who had written them: then
the loads before cannot be rolled back any more, and what was kept for them goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from etlplus.connectors.postgres import adoption, ledger, undo
from etlplus.connectors.postgres.idle import IdleSessions
from etlplus.connectors.postgres.publisher import set_lock_timeout, stoppable
from etlplus.connectors.postgres.session import Session, refused
from etlplus.connectors.postgres.staging import name
from etlplus.connectors.postgres.trying import PATIENCE_SECONDS, Trying
from etlplus.domain import evolution
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import RunError
from etlplus.domain.evolution import ColumnChange, Incoming, SchemaDiff, Standing, TableSink
from etlplus.domain.run import Load

if TYPE_CHECKING:
    from etlplus.app.ports import Stop

_COLUMNS = """
SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
    a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AND a.attgenerated = '',
    CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = pg_catalog.to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum"""

#: What another role keeps is for that role to alter.
_KEPT = """
SELECT o.load_id, o.sink, o.undo_table
FROM etlplus.load o LEFT JOIN pg_catalog.pg_class c
    ON o.undo_table <> '' AND c.oid = pg_catalog.to_regclass('etlplus.' || o.undo_table)
WHERE o.target = %(target)s AND o.undo <> '' AND o.rolled_back_at IS NULL
    AND (o.undo_table = '' OR pg_catalog.pg_has_role(c.relowner, 'USAGE'))
ORDER BY o.number FOR UPDATE OF o"""

_FORGET = """
UPDATE etlplus.load SET undo = '', undo_table = ''
WHERE load_id = %(load_id)s AND sink = %(sink)s"""

_IS_THERE = "SELECT pg_catalog.to_regclass('etlplus.evolution') IS NOT NULL"
_HAS_BEGUN = """
SELECT EXISTS (SELECT FROM etlplus.evolution WHERE load_id = %(load_id)s)
    OR EXISTS (SELECT FROM etlplus.load WHERE load_id = %(load_id)s)"""

_ADD = """
INSERT INTO etlplus.evolution (load_id, sink, job, target, statement)
VALUES (%(load_id)s, %(sink)s, %(job)s, %(target)s, %(statement)s)"""


class PostgresEvolver:
    """Alters tables so that rows with more columns, or wider ones, fit."""

    def __init__(self, *, patience: float = PATIENCE_SECONDS) -> None:
        """`patience`: seconds for which locks of others and lost connections are borne."""
        self._patience = patience
        self._sessions = IdleSessions()

    def compare(
        self, sink: TableSink, incoming: Sequence[Incoming], connection: ResolvedConnection
    ) -> SchemaDiff:
        """A table beside the rows, and what evolving would execute. Changes nothing.

        Raises:
            RunError: TARGET_MISMATCH, CONNECTION_FAILED, DATABASE_ERROR.
        """
        try:
            with self._sessions.lent(connection) as session:
                return _compare(session, sink, incoming)
        except psycopg.Error as error:
            raise refused(f"Cannot look at {sink.target}", error) from error

    def has_begun(self, load: Load, connection: ResolvedConnection) -> bool:
        """Whether an attempt of the load altered or published a table there.

        Raises:
            RunError: CONNECTION_FAILED, DATABASE_ERROR.
        """
        try:
            with self._sessions.lent(connection) as session:
                return _has_begun(session, load)
        except psycopg.Error as error:
            raise refused(f"Cannot look up the load {load.load_id}", error) from error

    def evolve(
        self,
        sink: TableSink,
        incoming: Sequence[Incoming],
        load: Load,
        connection: ResolvedConnection,
        stop: Stop | None = None,
    ) -> SchemaDiff:
        """Alters the table in one transaction; does nothing where it has followed already.

        Returns:
            What was altered, beside the table as it was.

        Raises:
            Cancelled: `stop` said so, and nothing was altered.
            WrongState: STALE_EPOCH, a later claim of the load was here.
            RunError: TARGET_MISMATCH, PUBLISH_CONFLICT, CONNECTION_FAILED, DATABASE_ERROR.
        """
        trying = Trying(
            f"Cannot alter {sink.target}",
            patience=self._patience,
            again="run the pipeline again",
            passing=("CONNECTION_FAILED", "PUBLISH_CONFLICT"),
        )
        while True:
            try:
                with self._sessions.lent(connection) as session, stoppable(session, stop):
                    ledger.make(session)
                    return _evolve(session, sink, incoming, load)
            except (psycopg.Error, RunError) as error:
                # Repeating it is safe wherever the connection was lost: it looks before it alters.
                trying.bear(error, stop)


def _has_begun(session: Session, load: Load) -> bool:
    there = session.execute(_IS_THERE).fetchone()
    if not (there and there[0]):
        return False
    row = session.execute(_HAS_BEGUN, {"load_id": load.load_id}).fetchone()
    return bool(row and row[0])


def _compare(session: Session, sink: TableSink, incoming: Sequence[Incoming]) -> SchemaDiff:
    named = name(sink.target).as_string(session)
    rows = session.execute(_COLUMNS, [named]).fetchall()
    if not rows:
        return SchemaDiff(sink, exists=False)
    columns = tuple(
        Standing(str(column), str(kind), bool(free), bool(needed))
        for column, kind, free, needed, _ in rows
    )
    collations = {str(row[0]): str(row[4]) for row in rows if row[4] is not None}
    changes = evolution.compare(sink, columns, incoming)
    diff = SchemaDiff(sink, exists=True, columns=columns, changes=changes)
    if sink.policy != evolution.EVOLVE or not diff.alters:
        return diff
    statement = _statement(sink.target, diff.alters, collations).as_string(session)
    return replace(diff, statements=(statement,))


def _statement(
    table: str, changes: Sequence[ColumnChange], collations: dict[str, str]
) -> sql.Composed:
    """The statement that makes all changes. Types and collations are the server's own words."""
    parts = []
    for change in changes:
        column = sql.Identifier(change.column)
        kind = sql.SQL(change.after)
        if change.what == "added":
            parts.append(sql.SQL("ADD COLUMN {} {}").format(column, kind))
            continue
        part = sql.SQL("ALTER COLUMN {} TYPE {}").format(column, kind)
        if change.column in collations:
            # Without it the column would get that of its new type, and sort otherwise.
            own = sql.SQL(collations[change.column])
            part += sql.SQL(" COLLATE {}").format(own)
        parts.append(part)
    return sql.SQL("ALTER TABLE {} {}").format(name(table), sql.SQL(", ").join(parts))


def _evolve(
    session: Session, sink: TableSink, incoming: Sequence[Incoming], load: Load
) -> SchemaDiff:
    with session.transaction():
        set_lock_timeout(session)
        ledger.fence(session, load)
        diff = _compare(session, sink, incoming)
        if not diff.statements:
            return diff
        lock = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE")
        session.execute(lock.format(name(sink.target)))
        # Another load may have altered it in the meantime.
        diff = _compare(session, sink, incoming)
        if not diff.statements:
            return diff
        if diff.rewrites:
            adoption.expect_no_older_reader(session, sink.target)
            _forget(session, sink)
        else:
            _alter_kept(session, sink, diff)
        for statement in diff.statements:
            session.execute(sql.SQL(statement))
            given = {"load_id": load.load_id, "sink": sink.name, "job": load.job}
            session.execute(_ADD, {**given, "target": sink.target, "statement": statement})
    return diff


def _forget(session: Session, sink: TableSink) -> None:
    """Lets go of earlier loads: the server is about to forget which rows are whose."""
    for load_id, own, table in session.execute(_KEPT, {"target": sink.target}).fetchall():
        if table:
            undo.drop(session, str(table))
        session.execute(_FORGET, {"load_id": load_id, "sink": own})


def _alter_kept(session: Session, sink: TableSink, diff: SchemaDiff) -> None:
    """Gives former tables and copies of rows the columns that the target gets."""
    for _, _, table in session.execute(_KEPT, {"target": sink.target}).fetchall():
        if table:
            kept = f"etlplus.{table}"
            rows = session.execute(_COLUMNS, [name(kept).as_string(session)]).fetchall()
            collations = {str(row[0]): str(row[4]) for row in rows if row[4] is not None}
            session.execute(_statement(kept, diff.alters, collations))
