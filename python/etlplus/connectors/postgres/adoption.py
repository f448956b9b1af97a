"""When the staging table may become the target itself, and how.

A rename costs nothing, but what hangs on the old table stays with it: indexes, grants, views,
foreign keys, triggers, policies, publications, comments. And a reader whose snapshot is older than
the staged rows would find the new table empty. So only a bare table is swapped, and only while
nobody reads with a snapshot that outlives a statement.
"""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from etlplus.connectors.postgres.session import Session
from etlplus.connectors.postgres.staging import name
from etlplus.domain.errors import RunError
from etlplus.domain.run import StagedSink

#: Between statements that are sent at once. Each is understood only when those before it are done.
_SEMICOLON = sql.SQL("; ")

_NOTHING_SHARED = """
SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_publication)
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_default_acl WHERE defaclobjtype = 'r')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger)
   AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_stat_activity a
    WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
      AND a.backend_xmin IS NOT NULL AND a.xact_start < a.query_start
)"""

_OLDER_READER = """
SELECT a.pid FROM pg_catalog.pg_stat_activity a
WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
  AND a.backend_xmin IS NOT NULL AND a.xact_start < a.query_start
LIMIT 1"""

# OFFSET 0 keeps each question by itself: planning all of them as one join takes four times as long,
# and longer than any other statement of publishing a small load.
_IS_BARE = """
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = %(table)s
      AND c.relkind = 'r' AND c.relpersistence = 'p' AND c.reltablespace = 0
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_index x WHERE x.indrelid = c.oid OFFSET 0)
      AND NOT (c.relhasrules OR c.relhastriggers OR c.relrowsecurity
               OR c.relispartition OR c.relhassubclass)
      AND c.relacl IS NULL AND c.reloptions IS NULL AND c.reloftype = 0 AND c.relreplident = 'd'
      AND pg_catalog.pg_get_userbyid(c.relowner) = current_user
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.deptype <> 'i' AND (
            (d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid)
            OR (d.refclassid = 'pg_catalog.pg_type'::regclass AND d.refobjid = c.reltype)) OFFSET 0)
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_inherits i
        WHERE c.oid IN (i.inhrelid, i.inhparent) OFFSET 0)
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_description m
        WHERE m.classoid = 'pg_catalog.pg_class'::regclass AND m.objoid = c.oid OFFSET 0)
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.oid AND (a.attacl IS NOT NULL OR a.attoptions IS NOT NULL) OFFSET 0)
)"""

_SAME_COLUMNS = """
WITH shape AS (
    SELECT n.nspname || '.' || c.relname AS relation,
           pg_catalog.array_agg(
               (a.attname, a.atttypid, a.atttypmod, a.attcollation, a.attnotnull, a.atthasdef,
                a.attidentity)::text
               ORDER BY a.attnum) AS columns
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE (n.nspname, c.relname) IN (
        (%(schema)s, %(table)s), (%(stage_schema)s, %(stage_table)s))
    GROUP BY 1
)
SELECT count(*) = 2 AND count(DISTINCT columns) = 1 FROM shape"""

_PERSISTENCE = """
SELECT c.relpersistence::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(stage_schema)s AND c.relname = %(stage_table)s"""


def may_adopt(session: Session, staged: StagedSink) -> bool:
    """Whether the staging table may become a target that does not exist yet."""
    return len(staged.staging_tables) == 1 and _ask(session, staged, _NOTHING_SHARED)


def may_swap(session: Session, staged: StagedSink) -> bool:
    """Whether the staging table may take an existing target's place."""
    return may_adopt(session, staged) and all(
        _ask(session, staged, question) for question in (_IS_BARE, _SAME_COLUMNS)
    )


def expect_no_older_reader(session: Session, target: str) -> None:
    """Returns when nobody reads with a snapshot to which rows written anew would be missing.

    Raises:
        RunError: PUBLISH_CONFLICT.
    """
    row = session.execute(_OLDER_READER).fetchone()
    if row is not None:
        raise RunError(
            f"The types of {target} cannot be widened while the transaction of process {row[0]} "
            "reads with an older snapshot",
            code="PUBLISH_CONFLICT",
            place=target,
            hint="Run the pipeline again when that transaction has ended",
            metadata={"target": target},
        )


def adopt(session: Session, staged: StagedSink) -> None:
    """Makes the staging table the target."""
    stage = staged.staging_tables[0]
    schema, _, table = staged.target.partition(".")
    persistence = session.execute(_PERSISTENCE, _names(staged)).fetchone()
    if persistence is not None and persistence[0] == "u":
        session.execute(sql.SQL("ALTER TABLE {} SET LOGGED").format(name(stage)))
    moved = sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(name(stage), sql.Identifier(schema))
    own = sql.Identifier(schema, stage.partition(".")[2])
    renamed = sql.SQL("ALTER TABLE {} RENAME TO {}").format(own, sql.Identifier(table))
    session.execute(_SEMICOLON.join((moved, renamed)))


def swap(session: Session, staged: StagedSink, kept: str) -> None:
    """Puts the staging table in the target's place.

    Args:
        session: within the publishing transaction.
        staged: what is published.
        kept: the name in `etlplus` that the old table gets; it is dropped when this is empty.
    """
    lock = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(name(staged.target))
    if kept:
        away = _moving(staged.target, f"etlplus.{kept}")
    else:
        away = [sql.SQL("DROP TABLE {}").format(name(staged.target))]
    session.execute(_SEMICOLON.join((lock, *away)))
    adopt(session, staged)


def move(session: Session, table: str, to: str) -> None:
    """Gives `schema.table` another schema and name, by way of a name that nobody else has."""
    session.execute(_SEMICOLON.join(_moving(table, to)))


def _moving(table: str, to: str) -> list[sql.Composed]:
    schema, _, wanted = to.partition(".")
    # In neither schema may the name be taken on the way; undo tables have names of their own.
    passing = wanted if schema == "etlplus" else table.partition(".")[2]
    old, _, own = table.partition(".")
    rename = sql.SQL("ALTER TABLE {} RENAME TO {}")
    moving = sql.SQL("ALTER TABLE {} SET SCHEMA {}")
    statements = []
    if own != passing:
        statements.append(rename.format(name(table), sql.Identifier(passing)))
    statements.append(moving.format(sql.Identifier(old, passing), sql.Identifier(schema)))
    if passing != wanted:
        statements.append(rename.format(sql.Identifier(schema, passing), sql.Identifier(wanted)))
    return statements


def is_bare(session: Session, target: str) -> bool:
    """Whether nothing hangs on an existing table, so that another may take its place."""
    return _is(session, _IS_BARE, target)


def may_swap_back(session: Session, target: str, kept: str) -> bool:
    """Whether `kept`, a former target, may take the target's place again."""
    given = {**_split(target), **_split(kept, "stage_")}
    questions = (_NOTHING_SHARED, _IS_BARE, _SAME_COLUMNS)
    return all(_true(session, question, given) for question in questions)


def _is(session: Session, question: LiteralString, target: str) -> bool:
    return _true(session, question, _split(target))


def _ask(session: Session, staged: StagedSink, question: LiteralString) -> bool:
    return _true(session, question, _names(staged))


def _true(session: Session, question: LiteralString, given: dict[str, str]) -> bool:
    row = session.execute(question, given).fetchone()
    return bool(row and row[0])


def _names(staged: StagedSink) -> dict[str, str]:
    return {**_split(staged.target), **_split(staged.staging_tables[0], "stage_")}


def _split(qualified: str, prefix: str = "") -> dict[str, str]:
    schema, _, table = qualified.partition(".")
    return {f"{prefix}schema": schema, f"{prefix}table": table}
