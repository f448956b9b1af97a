"""Restores the rows of a target. Always inside the transaction that rolls back, under its lock.

Nothing is restored unless every row that the load wrote is there as the load left it; afterwards
the rows that were written are compared with those that were kept.
"""

from __future__ import annotations

from dataclasses import replace as changed

import psycopg
from psycopg import sql

from etlplus.connectors.postgres import undo, writers
from etlplus.connectors.postgres.columns import Column, columns_of, names_of
from etlplus.connectors.postgres.generations import Entry
from etlplus.connectors.postgres.session import Session
from etlplus.connectors.postgres.staging import name
from etlplus.domain.errors import WrongState

_PRIMARY_KEY = """
SELECT conname::text FROM pg_catalog.pg_constraint
WHERE contype = 'p' AND conrelid = %s::regclass"""


_PARTIAL = """
SELECT n.nspname::text, c.relname::text
FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE x.indisunique AND x.indpred IS NOT NULL AND x.indrelid = %s::regclass"""


def conflict(target: str, reason: str) -> WrongState:
    """The error for a target that others have changed."""
    return WrongState(
        f"{target} cannot be restored exactly: {reason}",
        code="ROLLBACK_CONFLICT",
        place=target,
        hint="Nothing was changed. Take back what others did to the table, or load it anew",
        metadata={"target": target},
    )


def count(session: Session, table: str) -> int:
    """How many rows `schema.table` has."""
    return _number(session, sql.SQL("SELECT count(*) FROM {}").format(name(table)))


def expect_own_alone(session: Session, entry: Entry) -> None:
    """Returns when the target holds the load's rows and no others. Raises ROLLBACK_CONFLICT."""
    own = writers.own(session, entry, sql.SQL("t.xmin"))
    query = sql.SQL("SELECT count(*), count(*) FILTER (WHERE {own}) FROM {target} t")
    row = session.execute(query.format(own=own, target=name(entry.target))).fetchone()
    rows, mine = (0, 0) if row is None else (int(str(row[0])), int(str(row[1])))
    if mine != entry.written or rows != mine:
        raise conflict(
            entry.target,
            f"the load {entry.load_id} wrote {entry.written} rows, of which {mine} are there as "
            f"they were, beside {rows - mine} of others",
        )


def delete_own(session: Session, entry: Entry, but: sql.Composable | None = None) -> int:
    """Deletes the load's rows but those paired with kept ones. Raises ROLLBACK_CONFLICT."""
    own = writers.own(session, entry, sql.SQL("t.xmin"))
    mine = _number(
        session,
        sql.SQL("SELECT count(*) FROM {target} t WHERE {own}").format(
            target=name(entry.target), own=own
        ),
    )
    if mine != entry.written:
        raise conflict(
            entry.target,
            f"of the {entry.written} rows that the load {entry.load_id} wrote, {mine} are there as "
            "they were",
        )
    statement = sql.SQL("DELETE FROM {target} t WHERE {own}{but}").format(
        target=name(entry.target), own=own, but=but or sql.SQL("")
    )
    return session.execute(statement).rowcount


def empty(session: Session, entry: Entry) -> None:
    """Deletes all rows of the target."""
    session.execute(sql.SQL("DELETE FROM {}").format(name(entry.target)))


def drop_key(session: Session, entry: Entry) -> None:
    """Drops the primary key that the load made, if it is still there."""
    target = entry.target
    row = session.execute(_PRIMARY_KEY, [name(target).as_string(session)]).fetchone()
    if row is None:
        return
    statement = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
    try:
        with session.transaction():
            session.execute(statement.format(name(target), sql.Identifier(str(row[0]))))
            for key in entry.keys:
                free = sql.SQL("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL")
                session.execute(free.format(name(target), sql.Identifier(key)))
    except psycopg.errors.DependentObjectsStillExist:
        return  # what depends on the key hangs on the table as well


def drop_current(session: Session, entry: Entry) -> None:
    """Drops what the load made beside columns, versions' only index, if it is still there."""
    found = session.execute(_PARTIAL, [name(entry.target).as_string(session)]).fetchall()
    if len(found) == 1:
        schema, index = (str(part) for part in found[0])
        session.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(schema, index)))
    # Newer servers count constraints among what hangs on a table: those of when a version began,
    # and of whether it is current.
    for column in (entry.keys[-1], entry.columns[-1]):
        free = sql.SQL("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL")
        session.execute(free.format(name(entry.target), sql.Identifier(column)))


def replace(session: Session, entry: Entry) -> int:
    """Puts kept copies in the place of the load's rows; returns how many."""
    expect_own_alone(session, entry)
    columns = _same_columns(session, entry)
    _expect_kept(session, entry)
    writers.mark(session, entry, _kept(entry))
    empty(session, entry)
    return _insert_kept(session, entry, columns)


def exchange_back(session: Session, entry: Entry) -> int:
    """Deletes the load's rows and inserts those that gave way to them; returns how many."""
    columns = _same_columns(session, entry)
    _expect_kept(session, entry)
    writers.mark(session, entry, _kept(entry))
    delete_own(session, entry)
    return _insert_kept(session, entry, columns)


def replace_by_former(session: Session, entry: Entry) -> int:
    """As `replace`, from the former table instead of copies."""
    former = f"etlplus.{entry.undo_table}"
    table = f"back{entry.undo_table.removeprefix('undo')}"
    rows = undo.keep(session, former, table, sql.SQL("true"))
    undo.drop(session, entry.undo_table)
    statement = sql.SQL("ALTER TABLE {} RENAME TO {}")
    renamed = statement.format(sql.Identifier("etlplus", table), sql.Identifier(entry.undo_table))
    session.execute(renamed)
    return replace(session, changed(entry, kept=rows))


def unmerge(session: Session, entry: Entry) -> int:
    """Deletes the rows that the load inserted, gives updated ones their old values."""
    columns = _same_columns(session, entry)
    _expect_kept(session, entry)
    writers.mark(session, entry, _kept(entry))
    _pair(session, entry, columns)
    paired = sql.SQL(
        " AND NOT EXISTS (SELECT FROM {kept} u WHERE u.__place = t.ctid AND u.__part = t.tableoid)"
    )
    delete_own(session, entry, paired.format(kept=_kept(entry)))
    settable = [column for column in columns if column.is_settable]
    pairs = sql.SQL(", ").join(
        sql.SQL("{0} = u.{0}").format(sql.Identifier(column.name)) for column in settable
    )
    statement = sql.SQL(
        "UPDATE {target} t SET {pairs} FROM {kept} u "
        "WHERE u.__place = t.ctid AND u.__part = t.tableoid AND {of_origin}"
    )
    return _write_back(session, entry, columns, statement, {"pairs": pairs})


def _pair(session: Session, entry: Entry, columns: list[Column]) -> None:
    """Finds for each kept copy the row that it became, by its key and all that was not updated."""
    keys = sql.SQL(", ").join(sql.SQL("{}").format(sql.Identifier(k)) for k in entry.keys)
    updated = set(entry.columns) - set(entry.keys)
    kept = names_of(column for column in columns if column.name not in updated)
    rest = sql.SQL("ROW({})::text").format(kept)
    shape = {"keys": keys, "rest": rest}
    session.execute(
        sql.SQL("ALTER TABLE {} ADD COLUMN __place tid, ADD COLUMN __part oid").format(_kept(entry))
    )
    match = sql.SQL(" AND ").join(
        sql.SQL("n.{0} = o.{0}").format(sql.Identifier(key)) for key in entry.keys
    )
    statement = sql.SQL(
        "WITH n AS (SELECT t.ctid AS place, t.tableoid AS part, {keys}, row_number() OVER "
        "(PARTITION BY {keys} ORDER BY {rest}) AS turn FROM {target} t WHERE {own}), "
        "o AS (SELECT u.ctid AS copy, {keys}, row_number() OVER "
        "(PARTITION BY {keys} ORDER BY {rest}) AS turn FROM {kept} u) "
        "UPDATE {kept} u SET __place = n.place, __part = n.part FROM n JOIN o "
        "ON {match} AND n.turn = o.turn WHERE u.ctid = o.copy"
    )
    own = writers.own(session, entry, sql.SQL("t.xmin"))
    found = session.execute(
        statement.format(
            **shape, target=name(entry.target), kept=_kept(entry), own=own, match=match
        )
    ).rowcount
    if found != entry.kept:
        raise conflict(
            entry.target,
            f"of the {entry.kept} rows that the load {entry.load_id} updated, {found} are there "
            "as it left them",
        )


def _insert_kept(session: Session, entry: Entry, columns: list[Column]) -> int:
    listed = names_of(column for column in columns if not column.is_generated)
    statement = sql.SQL(
        "INSERT INTO {target} ({columns}) OVERRIDING SYSTEM VALUE "
        "SELECT {columns} FROM {kept} u WHERE {of_origin}"
    )
    return _write_back(session, entry, columns, statement, {"columns": listed})


def _write_back(
    session: Session,
    entry: Entry,
    columns: list[Column],
    statement: sql.SQL,
    parts: dict[str, sql.Composed],
) -> int:
    """Writes kept copies back, those of each earlier load apart; returns how many.

    Raises:
        WrongState: ROLLBACK_CONFLICT, when the target does not hold them as they were.
    """
    names = {"target": name(entry.target), "kept": _kept(entry), **parts}
    rows = 0
    written = []
    for origin in writers.origins(session, _kept(entry)):
        with writers.apart(session, entry, origin) as writer:
            done = session.execute(statement.format(of_origin=writers.of(origin), **names))
        rows += done.rowcount
        written.append(writer)
    if rows != entry.kept or not _is_restored(session, entry, columns, written):
        raise conflict(entry.target, "its triggers or rules change the rows that are written back")
    return rows


def _is_restored(session: Session, entry: Entry, columns: list[Column], written: list[int]) -> bool:
    """Whether the rows that were written are those that were kept."""
    query = sql.SQL(
        "WITH n AS (SELECT ROW({columns})::text AS each FROM {target} t WHERE {new}), "
        "o AS (SELECT ROW({columns})::text AS each FROM {kept}) "
        "SELECT (SELECT count(*) FROM n) = (SELECT count(*) FROM o) "
        "AND NOT EXISTS (TABLE n EXCEPT ALL TABLE o)"
    )
    new = writers.one_of(written, sql.SQL("t.xmin"))
    row = session.execute(
        query.format(
            columns=names_of(columns), target=name(entry.target), kept=_kept(entry), new=new
        )
    ).fetchone()
    return bool(row and row[0])


def _same_columns(session: Session, entry: Entry) -> list[Column]:
    """The target's columns. Raises ROLLBACK_CONFLICT when they are not those that were kept."""
    columns = columns_of(session, entry.target)
    kept = columns_of(session, f"etlplus.{entry.undo_table}")
    then = {(column.name, column.type) for column in kept if column.name != undo.WRITER}
    if then != {(column.name, column.type) for column in columns}:
        raise conflict(entry.target, "its columns have changed since")
    return columns


def _expect_kept(session: Session, entry: Entry) -> None:
    rows = count(session, f"etlplus.{entry.undo_table}")
    if rows != entry.kept:
        raise conflict(entry.target, f"{entry.kept} rows were kept, {rows} are there")


def _kept(entry: Entry) -> sql.Identifier:
    return sql.Identifier("etlplus", entry.undo_table)


def _number(session: Session, query: sql.Composed) -> int:
    row = session.execute(query).fetchone()
    return 0 if row is None else int(str(row[0]))
