"""Changes the target, by the mode of the load. Always inside the publishing transaction.

Replacing keeps everything that hangs on a table, and what readers with older snapshots see: the
rows are deleted and inserted anew. Only a table that nothing hangs on is swapped for the staging
table, which is as quick as a rename.
"""

from __future__ import annotations

from dataclasses import replace

from psycopg import sql

from etlplus.connectors.postgres import adoption, history, keyed, undo
from etlplus.connectors.postgres.session import Session
from etlplus.connectors.postgres.staging import name
from etlplus.connectors.postgres.undo import Change
from etlplus.domain.errors import Bug
from etlplus.domain.run import Load, StagedSink

_EXISTS = """
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND c.relkind IN ('r', 'p', 'f')
)"""

_SCHEMA_EXISTS = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = %s)"


def apply(session: Session, staged: StagedSink, load: Load) -> Change:
    """Brings the staged rows into the target and keeps what a rollback needs.

    Returns:
        What was done, with how many staged rows gave way to later ones of the same key.
    """
    if not _exists(session, staged):
        return _create(session, staged, load)
    match staged.mode:
        case "append":
            return _append(session, staged)
        case "replace":
            return _replace(session, staged, load)
        case "merge":
            return _merge(session, staged, load)
        case "delete_insert":
            return _exchange(session, staged, load)
        case "scd2":
            return history.apply(session, staged, load)
        case other:
            raise Bug(f"unknown mode {other!r} of a staged sink")


def _create(session: Session, staged: StagedSink, load: Load) -> Change:
    _make_schema(session, staged)
    if staged.mode == "scd2":
        _make_table(session, staged)
        history.add_columns(session, staged)
        return replace(history.apply(session, staged, load), undo="created")
    if staged.mode != "merge" and adoption.may_adopt(session, staged):
        adoption.adopt(session, staged)
        return Change("created", written=staged.rows)
    _make_table(session, staged)
    if staged.mode != "merge":
        return Change("created", written=_insert(session, staged))
    keyed.lock_writers_out(session, staged)
    merged = sum(keyed.keep_last(session, staged, table) for table in staged.staging_tables)
    return Change("created", written=_insert(session, staged), merged=merged)


def _exists(session: Session, staged: StagedSink) -> bool:
    schema, _, table = staged.target.partition(".")
    row = session.execute(_EXISTS, {"schema": schema, "table": table}).fetchone()
    return bool(row and row[0])


def _make_schema(session: Session, staged: StagedSink) -> None:
    schema = staged.target.partition(".")[0]
    row = session.execute(_SCHEMA_EXISTS, [schema]).fetchone()
    if not (row and row[0]):
        session.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))


def _make_table(session: Session, staged: StagedSink) -> None:
    """Makes the target with the staged columns, and for merge with its key."""
    like = sql.SQL("CREATE TABLE {target} AS SELECT {columns} FROM {source} WITH NO DATA")
    session.execute(
        like.format(
            target=name(staged.target),
            columns=keyed.columns(staged),
            source=name(staged.staging_tables[0]),
        )
    )
    if staged.mode == "merge":
        session.execute(
            sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(
                name(staged.target), keyed.listed(staged.keys)
            )
        )


def _insert(session: Session, staged: StagedSink) -> int:
    """Inserts all staged rows; returns how many there are now, since a trigger may refuse some."""
    rows = 0
    for table in staged.staging_tables:
        statement = sql.SQL(
            "INSERT INTO {target} ({columns}) OVERRIDING SYSTEM VALUE "
            "SELECT {columns} FROM {source}"
        )
        rows += session.execute(
            statement.format(
                target=name(staged.target), columns=keyed.columns(staged), source=name(table)
            )
        ).rowcount
    return rows


def _append(session: Session, staged: StagedSink) -> Change:
    can = undo.is_possible(session, staged.target)
    return Change("inserted" if can else "", written=_insert(session, staged))


def _replace(session: Session, staged: StagedSink, load: Load) -> Change:
    kept = undo.table_of(load, staged) if load.keep else ""
    if adoption.may_swap(session, staged):
        adoption.swap(session, staged, kept)
        return Change("swapped" if kept else "", kept, written=staged.rows)
    keyed.lock_writers_out(session, staged)
    if kept and undo.is_possible(session, staged.target):
        rows = undo.keep(session, staged.target, kept, sql.SQL("true"))
    else:
        kept, rows = "", 0
    session.execute(sql.SQL("DELETE FROM {}").format(name(staged.target)))
    written = _insert(session, staged)
    return Change("replaced" if kept else "", kept, kept=rows, written=written)


def _merge(session: Session, staged: StagedSink, load: Load) -> Change:
    keyed.lock_writers_out(session, staged)
    merged = written = 0
    for table in staged.staging_tables:
        merged += keyed.keep_last(session, staged, table)
    before = _keep_matched(session, staged, load)
    for table in staged.staging_tables:
        written += _update(session, staged, table)
        written += _insert_new(session, staged, table)
    return Change(before.undo, before.table, before.kept, written, merged)


def _exchange(session: Session, staged: StagedSink, load: Load) -> Change:
    """Deletes the rows of the load's keys and inserts the load."""
    keyed.lock_writers_out(session, staged)
    for table in staged.staging_tables:
        session.execute(sql.SQL("ANALYZE {}").format(name(table)))
    matched, can = _matched(staged), undo.is_possible(session, staged.target)
    may_keep = can and load.keep and not undo.deletes_spread(session, staged.target)
    table = undo.table_of(load, staged) if may_keep else ""
    kept = undo.keep(session, staged.target, table, matched) if table else 0
    statement = sql.SQL("DELETE FROM {target} t WHERE {matched}")
    deleted = session.execute(
        statement.format(target=name(staged.target), matched=matched)
    ).rowcount
    written = _insert(session, staged)
    if table and kept and kept == deleted:
        return Change("exchanged", table, kept, written, deleted=deleted)
    if table:
        undo.drop(session, table)
    # A trigger may have kept some rows from being deleted: then the copies are not what is gone.
    undone = "inserted" if can and not deleted else ""
    return Change(undone, written=written, deleted=deleted)


def _matched(staged: StagedSink) -> sql.Composed:
    """The condition that the load has the key of a row `t` of the target."""
    return sql.SQL(" OR ").join(
        sql.SQL("EXISTS (SELECT FROM {source} s WHERE {match})").format(
            source=name(table), match=keyed.match(staged.keys, "t", "s")
        )
        for table in staged.staging_tables
    )


def _keep_matched(session: Session, staged: StagedSink, load: Load) -> Change:
    """Keeps the rows that are about to be updated; where there are none, nothing is needed."""
    if not undo.is_possible(session, staged.target):
        return Change()
    if not _others(staged):
        return Change("inserted")
    if not load.keep:
        return Change()
    table = undo.table_of(load, staged)
    rows = undo.keep(session, staged.target, table, _matched(staged))
    if rows:
        return Change("merged", table, rows)
    undo.drop(session, table)
    return Change("inserted")


def _others(staged: StagedSink) -> list[str]:
    return [column.name for column in staged.columns if column.name not in staged.keys]


def _update(session: Session, staged: StagedSink, table: str) -> int:
    others = _others(staged)
    if not others:
        return 0
    pairs = (sql.SQL("{0} = s.{0}").format(sql.Identifier(column)) for column in others)
    statement = sql.SQL("UPDATE {target} t SET {pairs} FROM {source} s WHERE {match}")
    return session.execute(
        statement.format(
            target=name(staged.target),
            pairs=sql.SQL(", ").join(pairs),
            source=name(table),
            match=keyed.match(staged.keys, "t", "s"),
        )
    ).rowcount


def _insert_new(session: Session, staged: StagedSink, table: str) -> int:
    statement = sql.SQL(
        "INSERT INTO {target} ({columns}) OVERRIDING SYSTEM VALUE "
        "SELECT {columns} FROM {source} s WHERE NOT EXISTS (SELECT FROM {target} t WHERE {match})"
    )
    return session.execute(
        statement.format(
            target=name(staged.target),
            columns=keyed.columns(staged),
            source=name(table),
            match=keyed.match(staged.keys, "t", "s"),
        )
    ).rowcount
