"""What publishing keeps so that a load can be rolled back, and for how long.

Rows of a load are found by the transaction that wrote them, which the server stores with each row
(`xmin`), so that an append keeps nothing at all. Rows that a load replaces or updates are kept: the
old table itself where it is swapped, else copies, with the transaction that had written each.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from psycopg import sql

from etlplus.connectors.postgres.session import Session
from etlplus.connectors.postgres.staging import name
from etlplus.domain.run import Load, StagedSink

#: The column of kept copies that holds the transaction that had written the row.
WRITER = "__xmin"

#: Only rows that may be read can be kept. Rows of foreign tables have no writer, and those of
#: inherited tables no certain place.
_IS_POSSIBLE = """
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND c.relkind IN ('r', 'p')
      AND NOT (c.relkind = 'r' AND c.relhassubclass)
      AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_partition_tree(c.oid) p
        JOIN pg_catalog.pg_class f ON f.oid = p.relid AND f.relkind = 'f')
)"""

#: A foreign key of a table to itself, or of its parts, that acts when rows are deleted.
_DELETES_SPREAD = """
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_class c ON c.oid = k.confrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype = 'f' AND k.conrelid = k.confrelid AND k.confdeltype IN ('c', 'n', 'd')
      AND n.nspname = %(schema)s AND c.relname = %(table)s
)"""

#: What another role keeps is for that role to drop.
_OLDER = """
SELECT o.load_id, o.sink, o.undo_table FROM (
    SELECT load_id, sink, undo_table FROM etlplus.load
    WHERE target = %(target)s AND undo_table <> '' ORDER BY number DESC OFFSET %(keep)s) o
LEFT JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass('etlplus.' || o.undo_table)
WHERE c.oid IS NULL OR pg_catalog.pg_has_role(c.relowner, 'USAGE')"""

_FORGET = """
UPDATE etlplus.load SET undo = '', undo_table = ''
WHERE load_id = %(load_id)s AND sink = %(sink)s"""


@dataclass(frozen=True, slots=True)
class Change:
    """What publishing did to a target.

    Attributes:
        undo: how it is undone: created, inserted, swapped, replaced, merged or exchanged; empty if
            not at all.
        table: in `etlplus`, the former target or copies of its rows; empty when there is none.
        kept: how many copies.
        written: how many rows were inserted or updated.
        merged: how many staged rows gave way to later ones of the same key.
        deleted: how many rows of the target gave way to those of the load.
    """

    undo: str = ""
    table: str = ""
    kept: int = 0
    written: int = 0
    merged: int = 0
    deleted: int = 0


def table_of(load: Load, staged: StagedSink) -> str:
    """The name in `etlplus` of what a load keeps for a sink."""
    sink = hashlib.sha256(staged.name.encode()).hexdigest()[:12]
    return f"undo_{load.load_id}_{sink}"


def is_possible(session: Session, target: str) -> bool:
    """Whether rows of an existing target can be told apart by who wrote them."""
    schema, _, table = target.partition(".")
    row = session.execute(_IS_POSSIBLE, {"schema": schema, "table": table}).fetchone()
    return bool(row and row[0])


def deletes_spread(session: Session, target: str) -> bool:
    """Whether deleting rows deletes or changes others of the table, of which none are kept."""
    schema, _, table = target.partition(".")
    row = session.execute(_DELETES_SPREAD, {"schema": schema, "table": table}).fetchone()
    return bool(row and row[0])


def keep(session: Session, target: str, table: str, which: sql.Composable) -> int:
    """Copies rows `t` of the target with their writers; returns how many."""
    statement = sql.SQL(
        "CREATE TABLE {kept} AS SELECT t.xmin AS {writer}, t.* FROM {target} t WHERE {which}"
    )
    return session.execute(
        statement.format(
            kept=sql.Identifier("etlplus", table),
            writer=sql.Identifier(WRITER),
            target=name(target),
            which=which,
        )
    ).rowcount


def drop(session: Session, table: str) -> None:
    """Drops what was kept under this name in `etlplus`."""
    session.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier("etlplus", table)))


def forget(session: Session, staged: StagedSink, load: Load, change: Change) -> None:
    """Drops the generations of a target that are more than the load says to keep."""
    if not load.keep and change.undo:
        return
    older = session.execute(_OLDER, {"target": staged.target, "keep": load.keep}).fetchall()
    for load_id, sink, table in older:
        drop(session, str(table))
        session.execute(_FORGET, {"load_id": load_id, "sink": sink})
