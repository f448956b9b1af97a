"""Changes the target: append, replace, merge. Always inside the publishing transaction.

Replacing keeps everything that hangs on a table, and what readers with older snapshots see: the
rows are deleted and inserted anew. Only a table that nothing hangs on is swapped for the staging
table, which is as quick as a rename.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from etlplus.connectors.postgres import adoption
from etlplus.connectors.postgres.session import Session
from etlplus.connectors.postgres.staging import name
from etlplus.domain.errors import Bug
from etlplus.domain.run import StagedSink

_SEQUENCE = sql.Identifier("__seq")

_EXISTS = """
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND c.relkind IN ('r', 'p', 'f')
)"""

_SCHEMA_EXISTS = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = %s)"


def apply(session: Session, staged: StagedSink) -> int:
    """Brings the staged rows into the target.

    Returns:
        How many staged rows gave way to later ones of the same key.
    """
    if not _exists(session, staged):
        _make_schema(session, staged)
        if staged.mode != "merge" and adoption.may_adopt(session, staged):
            adoption.adopt(session, staged)
            return 0
        _make_table(session, staged)
        if staged.mode != "merge":
            _insert(session, staged)
            return 0
    match staged.mode:
        case "append":
            _insert(session, staged)
        case "replace":
            _replace(session, staged)
        case "merge":
            return _merge(session, staged)
        case other:
            raise Bug(f"unknown mode {other!r} of a staged sink")
    return 0


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


def _insert(session: Session, staged: StagedSink) -> None:
    for table in staged.staging_tables:
        statement = sql.SQL(
            "INSERT INTO {target} ({columns}) OVERRIDING SYSTEM VALUE "
            "SELECT {columns} FROM {source}"
        )
        session.execute(
            statement.format(
                target=name(staged.target), columns=_columns(staged), source=name(table)
            )
        )


def _replace(session: Session, staged: StagedSink) -> None:
    if adoption.may_swap(session, staged):
        adoption.swap(session, staged)
        return
    _lock_writers_out(session, staged)
    session.execute(sql.SQL("DELETE FROM {}").format(name(staged.target)))
    _insert(session, staged)


def _merge(session: Session, staged: StagedSink) -> int:
    _lock_writers_out(session, staged)
    merged = 0
    for table in staged.staging_tables:
        merged += _keep_last(session, staged, table)
        _update(session, staged, table)
        _insert_new(session, staged, table)
    return merged


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


def _update(session: Session, staged: StagedSink, table: str) -> None:
    others = [column.name for column in staged.columns if column.name not in staged.keys]
    if not others:
        return
    pairs = (sql.SQL("{0} = s.{0}").format(sql.Identifier(column)) for column in others)
    statement = sql.SQL("UPDATE {target} t SET {pairs} FROM {source} s WHERE {match}")
    session.execute(
        statement.format(
            target=name(staged.target),
            pairs=sql.SQL(", ").join(pairs),
            source=name(table),
            match=_match(staged.keys, "t", "s"),
        )
    )


def _insert_new(session: Session, staged: StagedSink, table: str) -> None:
    statement = sql.SQL(
        "INSERT INTO {target} ({columns}) OVERRIDING SYSTEM VALUE "
        "SELECT {columns} FROM {source} s WHERE NOT EXISTS (SELECT FROM {target} t WHERE {match})"
    )
    session.execute(
        statement.format(
            target=name(staged.target),
            columns=_columns(staged),
            source=name(table),
            match=_match(staged.keys, "t", "s"),
        )
    )


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
