"""Changes the target: append, replace, merge. Always inside the publishing transaction.

Replacing keeps everything that hangs on a table, and what readers with older snapshots see: the
rows are deleted and inserted anew. Only a table that nothing hangs on is swapped for the staging
table, which is as quick as a rename.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from etlplus.connectors.postgres import adoption, undo
from etlplus.connectors.postgres.session import Session
from etlplus.connectors.postgres.staging import name
from etlplus.connectors.postgres.undo import Change
from etlplus.domain.errors import Bug
from etlplus.domain.run import Load, StagedSink

_SEQUENCE = sql.Identifier("__seq")

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
        return _create(session, staged)
    match staged.mode:
        case "append":
            return _append(session, staged)
        case "replace":
            return _replace(session, staged, load)
        case "merge":
            return _merge(session, staged, load)
        case other:
            raise Bug(f"unknown mode {other!r} of a staged sink")


def _create(session: Session, staged: StagedSink) -> Change:
    _make_schema(session, staged)
    if staged.mode != "merge" and adoption.may_adopt(session, staged):
        adoption.adopt(session, staged)
        return Change("created", written=staged.rows)
    _make_table(session, staged)
    if staged.mode != "merge":
        return Change("created", written=_insert(session, staged))
    _lock_writers_out(session, staged)
    merged = sum(_keep_last(session, staged, table) for table in staged.staging_tables)
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
            columns=_columns(staged),
            source=name(staged.staging_tables[0]),
        )
    )
    if staged.keys:
        session.execute(
            sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(
                name(staged.target), _list(staged.keys)
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
                target=name(staged.target), columns=_columns(staged), source=name(table)
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
    _lock_writers_out(session, staged)
    if kept and undo.is_possible(session, staged.target):
        rows = undo.keep(session, staged.target, kept, sql.SQL("true"))
    else:
        kept, rows = "", 0
    session.execute(sql.SQL("DELETE FROM {}").format(name(staged.target)))
    written = _insert(session, staged)
    return Change("replaced" if kept else "", kept, kept=rows, written=written)


def _merge(session: Session, staged: StagedSink, load: Load) -> Change:
    _lock_writers_out(session, staged)
    merged = written = 0
    for table in staged.staging_tables:
        merged += _keep_last(session, staged, table)
    before = _keep_matched(session, staged, load)
    for table in staged.staging_tables:
        written += _update(session, staged, table)
        written += _insert_new(session, staged, table)
    return Change(before.undo, before.table, before.kept, written, merged)


def _keep_matched(session: Session, staged: StagedSink, load: Load) -> Change:
    """Keeps the rows that are about to be updated; where there are none, nothing is needed."""
    if not undo.is_possible(session, staged.target):
        return Change()
    matched = sql.SQL(" OR ").join(
        sql.SQL("EXISTS (SELECT FROM {source} s WHERE {match})").format(
            source=name(table), match=_match(staged.keys, "t", "s")
        )
        for table in staged.staging_tables
    )
    if not _others(staged):
        return Change("inserted")
    if not load.keep:
        return Change()
    table = undo.table_of(load, staged)
    rows = undo.keep(session, staged.target, table, matched)
    if rows:
        return Change("merged", table, rows)
    undo.drop(session, table)
    return Change("inserted")


def _lock_writers_out(session: Session, staged: StagedSink) -> None:
    """Readers go on; another writer could bring in a row between looking and inserting."""
    lock = sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE")
    session.execute(lock.format(name(staged.target)))


def _keep_last(session: Session, staged: StagedSink, table: str) -> int:
    """Deletes the staged rows that a later one of the same key follows."""
    statement = sql.SQL(
        "DELETE FROM {source} s USING ("
        "SELECT {keys}, max({seq}) AS last FROM {source} GROUP BY {keys} HAVING count(*) > 1"
        ") d WHERE {match} AND s.{seq} < d.last"
    )
    cursor = session.execute(
        statement.format(
            source=name(table),
            keys=_list(staged.keys),
            seq=_SEQUENCE,
            match=_match(staged.keys, "s", "d"),
        )
    )
    merged = cursor.rowcount + _keep_one(session, staged, table)
    # Statistics tell the planner how many rows it is to match.
    session.execute(sql.SQL("ANALYZE {}").format(name(table)))
    return merged


def _keep_one(session: Session, staged: StagedSink, table: str) -> int:
    """Of rows with one key that came from one record, as a join makes them, keeps the last."""
    names = {"source": name(table), "keys": _list(staged.keys)}
    repeated = sql.SQL("SELECT FROM {source} GROUP BY {keys} HAVING count(*) > 1 LIMIT 1")
    if session.execute(repeated.format(**names)).fetchone() is None:
        return 0
    statement = sql.SQL(
        "DELETE FROM {source} s USING ("
        "SELECT ctid AS place, row_number() OVER (PARTITION BY {keys} ORDER BY ctid DESC) AS n "
        "FROM {source}) d WHERE s.ctid = d.place AND d.n > 1"
    )
    return session.execute(statement.format(**names)).rowcount


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
            match=_match(staged.keys, "t", "s"),
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
            columns=_columns(staged),
            source=name(table),
            match=_match(staged.keys, "t", "s"),
        )
    ).rowcount


def _columns(staged: StagedSink) -> sql.Composed:
    return _list([column.name for column in staged.columns])


def _list(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column) for column in columns)


def _match(keys: Sequence[str], one: str, other: str) -> sql.Composed:
    """Keys are never missing: rows without one were rejected."""
    pairs = (
        sql.SQL("{} = {}").format(sql.Identifier(one, key), sql.Identifier(other, key))
        for key in keys
    )
    return sql.SQL(" AND ").join(pairs)
