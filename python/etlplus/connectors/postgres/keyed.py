"""Staged rows beside those of the target: their columns, and how keys match them."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from etlplus.connectors.postgres.session import Session
from etlplus.connectors.postgres.staging import name
from etlplus.domain.run import StagedSink

_SEQUENCE = sql.Identifier("__seq")


def lock_writers_out(session: Session, staged: StagedSink) -> None:
    """Readers go on; another writer could bring in a row between looking and inserting."""
    lock = sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE")
    session.execute(lock.format(name(staged.target)))


def keep_last(session: Session, staged: StagedSink, table: str) -> int:
    """Deletes the staged rows that a later one of the same key follows; returns how many."""
    statement = sql.SQL(
        "DELETE FROM {source} s USING ("
        "SELECT {keys}, max({seq}) AS last FROM {source} GROUP BY {keys} HAVING count(*) > 1"
        ") d WHERE {match} AND s.{seq} < d.last"
    )
    cursor = session.execute(
        statement.format(
            source=name(table),
            keys=listed(staged.keys),
            seq=_SEQUENCE,
            match=match(staged.keys, "s", "d"),
        )
    )
    merged = cursor.rowcount + _keep_one(session, staged, table)
    # Statistics tell the planner how many rows it is to match.
    session.execute(sql.SQL("ANALYZE {}").format(name(table)))
    return merged


def _keep_one(session: Session, staged: StagedSink, table: str) -> int:
    """Of rows with one key that came from one record, as a join makes them, keeps the last."""
    names = {"source": name(table), "keys": listed(staged.keys)}
    repeated = sql.SQL("SELECT FROM {source} GROUP BY {keys} HAVING count(*) > 1 LIMIT 1")
    if session.execute(repeated.format(**names)).fetchone() is None:
        return 0
    statement = sql.SQL(
        "DELETE FROM {source} s USING ("
        "SELECT ctid AS place, row_number() OVER (PARTITION BY {keys} ORDER BY ctid DESC) AS n "
        "FROM {source}) d WHERE s.ctid = d.place AND d.n > 1"
    )
    return session.execute(statement.format(**names)).rowcount


def columns(staged: StagedSink) -> sql.Composed:
    """The names of the columns that are written."""
    return listed([column.name for column in staged.columns])


def listed(names: Sequence[str]) -> sql.Composed:
    """Names of columns, with commas between."""
    return sql.SQL(", ").join(sql.Identifier(each) for each in names)


def match(keys: Sequence[str], one: str, other: str) -> sql.Composed:
    """The condition that rows of two aliases have the same keys.

    Keys are never missing: rows without one were rejected.
    """
    pairs = (
        sql.SQL("{} = {}").format(sql.Identifier(one, key), sql.Identifier(other, key))
        for key in keys
    )
    return sql.SQL(" AND ").join(pairs)
