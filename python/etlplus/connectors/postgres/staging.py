"""Staging tables: named by load and epoch, in the schema `etlplus` of the target's database."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import psycopg
from psycopg import sql

from etlplus.connectors.postgres.session import Session, is_conflict
from etlplus.domain.errors import RunError
from etlplus.domain.run import StagedSink, StagingKey

_LOG = logging.getLogger(__name__)

_NAME = re.compile(r"stage_([0-9a-f]{32})_([0-9]{1,19})_.*")
#: A table that is in use is left to the next sweep rather than waited for.
_LOCK_TIMEOUT_MS = 500

_TABLES = """
SELECT c.relname::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'etlplus' AND c.relkind = 'r' AND c.relname LIKE 'stage\\_%'
ORDER BY c.relname"""


def name(qualified: str) -> sql.Identifier:
    """The identifier of `schema.table`."""
    schema, _, table = qualified.partition(".")
    return sql.Identifier(schema, table)


def verify(session: Session, staged: StagedSink) -> None:
    """Counts the staged rows: a crash of the server empties tables that are not logged.

    Raises:
        RunError: STAGING_MISMATCH; the transaction is to be given up then.
    """
    rows = 0
    for table in staged.staging_tables:
        count = sql.SQL("SELECT count(*) FROM {}").format(name(table))
        try:
            counted = session.execute(count).fetchone()
        except psycopg.errors.UndefinedTable as error:
            raise _mismatch(staged, "the staging table is gone") from error
        rows += int(str(counted[0])) if counted is not None else 0
    if rows != staged.rows:
        raise _mismatch(staged, f"{rows} rows are staged")


def _mismatch(staged: StagedSink, found: str) -> RunError:
    return RunError(
        f"{staged.rows} rows were staged for {staged.target}, but {found}",
        code="STAGING_MISMATCH",
        place=staged.name,
        hint="Nothing was published. Run the pipeline again; see whether the server was restarted",
        metadata={"target": staged.target, "staged": str(staged.rows)},
    )


def drop_tables(session: Session, staged: StagedSink) -> None:
    """Drops a published sink's staging tables, those that did not become the target."""
    for table in staged.staging_tables:
        session.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(name(table)))


def keys(session: Session) -> list[StagingKey]:
    """Whose staging tables there are."""
    return sorted(
        {key for (table,) in session.execute(_TABLES) if (key := _key(str(table))) is not None},
        key=lambda key: (key.load_id, key.epoch),
    )


def _key(table: str) -> StagingKey | None:
    form = _NAME.fullmatch(table)
    return None if form is None else StagingKey(form[1], int(form[2]))


def drop(session: Session, claims: Sequence[StagingKey]) -> None:
    """Drops the staging tables of claims. One that is in use is left for later."""
    wanted = set(claims)
    if not wanted:
        return
    tables = [str(table) for (table,) in session.execute(_TABLES).fetchall()]
    for table in tables:
        if _key(table) in wanted:
            _drop_one(session, table)


def _drop_one(session: Session, table: str) -> None:
    try:
        with session.transaction():
            timeout = sql.Literal(_LOCK_TIMEOUT_MS)
            session.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(timeout))
            statement = sql.SQL("DROP TABLE IF EXISTS {}")
            session.execute(statement.format(sql.Identifier("etlplus", table)))
    except psycopg.Error as error:
        if not is_conflict(error):
            raise
        _LOG.info("the staging table %s is in use and stays for now", table)
