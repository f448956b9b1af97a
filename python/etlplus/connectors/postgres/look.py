"""Looks at a database: does it answer, and what can be read there."""

from __future__ import annotations

import time
from collections.abc import Sequence

import psycopg

from etlplus.connectors.postgres.session import Session, opened, refused
from etlplus.domain.connection import ConnectionCheck, ResolvedConnection, Table, TableColumn

_ASK = """
SELECT pg_catalog.current_setting('server_version'), pg_catalog.current_database()::text,
       current_user::text,
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
       pg_catalog.pg_is_in_recovery(),
       EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'etlplus')"""

_TABLES = """
SELECT n.nspname::text, c.relname::text,
       CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END,
       pg_catalog.array_agg(a.attname::text ORDER BY a.attnum),
       pg_catalog.array_agg(pg_catalog.format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum),
       pg_catalog.array_agg(NOT a.attnotnull ORDER BY a.attnum),
       ARRAY(
           SELECT k.attname::text
           FROM pg_catalog.pg_index i
           CROSS JOIN LATERAL
               pg_catalog.unnest(i.indkey::smallint[]) WITH ORDINALITY u (attnum, place)
           JOIN pg_catalog.pg_attribute k ON k.attrelid = c.oid AND k.attnum = u.attnum
           WHERE i.indrelid = c.oid AND i.indisprimary ORDER BY u.place),
       CASE WHEN c.relkind = 'r' THEN c.reltuples::bigint ELSE -1 END
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'etlplus') AND n.nspname !~ '^pg_'
  AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
GROUP BY n.nspname, c.oid, c.relname, c.relkind, c.reltuples
ORDER BY n.nspname, c.relname
LIMIT 10000"""


class PostgresConnector:
    """Looks at PostgreSQL databases."""

    def test(self, connection: ResolvedConnection) -> ConnectionCheck:
        """Connects and asks. Raises RunError (CONNECTION_FAILED) with a hint."""
        started = time.monotonic()
        try:
            with opened(connection) as session:
                return _check(session, started)
        except psycopg.Error as error:
            raise refused("Cannot ask the server about itself", error) from error

    def discover(self, connection: ResolvedConnection) -> Sequence[Table]:
        """The tables and views it can read, by name. Raises RunError (CONNECTION_FAILED)."""
        try:
            with opened(connection) as session:
                rows = session.execute(_TABLES).fetchall()
        except psycopg.Error as error:
            raise refused("Cannot list tables", error) from error
        return [_table(row) for row in rows]


def _check(session: Session, started: float) -> ConnectionCheck:
    row = session.execute(_ASK).fetchone()
    if row is None:
        raise psycopg.DataError("the server did not answer")
    version, database, user, may_create, is_standby, is_prepared = row
    notes = []
    if not may_create and not is_prepared:
        notes.append(
            f"As a target it needs the schema etlplus: grant {user} CREATE on the database, or "
            "create the schema for it"
        )
    if is_standby:
        notes.append("The server is a standby: it can be read, not written")
    return ConnectionCheck(
        server=f"PostgreSQL {version}",
        database=str(database),
        user=str(user),
        encrypted=session.pgconn.ssl_in_use,
        elapsed_ms=round((time.monotonic() - started) * 1000),
        notes=tuple(notes),
    )


def _table(row: tuple[object, ...]) -> Table:
    schema, table, kind, names, types, nullable, keys, rows = row
    columns = zip(_texts(names), _texts(types), _items(nullable), strict=True)
    return Table(
        schema=str(schema),
        name=str(table),
        kind=str(kind),
        columns=tuple(TableColumn(name, type_, bool(free)) for name, type_, free in columns),
        keys=tuple(_texts(keys)),
        rows=int(str(rows)),
    )


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    return [str(item) for item in _items(value)]
