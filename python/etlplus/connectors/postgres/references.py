"""Rows of other tables that refer to a target's: restoring it must not take them along."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from psycopg import sql

from etlplus.connectors.postgres import writers
from etlplus.connectors.postgres.generations import Entry
from etlplus.connectors.postgres.session import Session
from etlplus.connectors.postgres.staging import name
from etlplus.domain.errors import WrongState

_ACTING = """
SELECT n.nspname::text, c.relname::text, ARRAY(
    SELECT a.attname::text FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = k.conrelid AND a.attnum = ANY(k.conkey)),
    k.confdeltype = 'd', k.conrelid = k.confrelid
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.confrelid = %s::regclass AND k.confdeltype IN ('c', 'n', 'd')
ORDER BY k.oid"""


@dataclass(frozen=True, slots=True)
class _Key:
    """A foreign key to the target that acts when its rows are deleted.

    Attributes:
        columns: the referring columns.
        sets_default: whether it acts by giving them their defaults.
        is_own: whether the target refers to itself.
    """

    schema: str
    table: str
    columns: list[str]
    sets_default: bool
    is_own: bool


@contextmanager
def untouched(session: Session, entry: Entry) -> Iterator[None]:
    """Within the block, foreign keys that act on deletes may not change rows of others.

    Raises:
        WrongState: ROLLBACK_CONFLICT, when they have.
    """
    found = session.execute(_ACTING, [name(entry.target).as_string(session)]).fetchall()
    acting = [
        _Key(str(schema), str(table), _texts(columns), bool(defaults), bool(own))
        for schema, table, columns, defaults, own in found
    ]
    before = [_expected(session, entry, key) for key in acting]
    yield
    for key, rows in zip(acting, before, strict=True):
        if (key.sets_default and rows) or _referring(session, key) != rows:
            raise WrongState(
                f"{entry.target} cannot be restored: rows of {key.schema}.{key.table} refer to the "
                "load's rows and would be deleted or changed with them",
                code="ROLLBACK_CONFLICT",
                place=entry.target,
                hint="Nothing was changed. Remove these rows first, or load the target anew",
                metadata={"target": entry.target, "table": f"{key.schema}.{key.table}"},
            )


def _expected(session: Session, entry: Entry, key: _Key) -> int:
    """How many rows must refer to the target afterwards."""
    if not key.is_own:
        return _referring(session, key)
    theirs = sql.SQL(" AND NOT {}").format(writers.own(session, entry, sql.SQL("t.xmin")))
    rows = _referring(session, key, but=theirs)
    if entry.undo_table:
        rows += _referring(session, replace(key, schema="etlplus", table=entry.undo_table))
    return rows


def _referring(session: Session, key: _Key, but: sql.Composable | None = None) -> int:
    """How many rows refer to the target by a foreign key."""
    present = sql.SQL(" AND ").join(
        sql.SQL("{} IS NOT NULL").format(sql.Identifier("t", column)) for column in key.columns
    )
    query = sql.SQL("SELECT count(*) FROM {} t WHERE {}{}").format(
        sql.Identifier(key.schema, key.table), present, but or sql.SQL("")
    )
    found = session.execute(query).fetchone()
    return 0 if found is None else int(str(found[0]))


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []
