"""What each mode leaves, and what must survive it."""

from __future__ import annotations

import pytest

from etlplus.connectors.postgres import PostgresPublisher
from etlplus.connectors.postgres.session import opened
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.run import Load
from tests.conformance.publish.conftest import Session, Stage
from tests.conformance.publish.test_publish import rows

PUBLISHER = PostgresPublisher(patience=10)

#: What hangs on a table and must outlive the replacing of its rows.
HANGING = {
    "view": "CREATE VIEW v AS SELECT * FROM t",
    "index": "CREATE INDEX ON t (id)",
    "grant": "GRANT SELECT ON t TO PUBLIC",
    "comment": "COMMENT ON TABLE t IS 'ours'",
    "column comment": "COMMENT ON COLUMN t.id IS 'ours'",
    "default": "ALTER TABLE t ALTER name SET DEFAULT 'x'",
    "constraint": "ALTER TABLE t ADD CHECK (id > 0)",
    "trigger": (
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()"
    ),
    "policy": "CREATE POLICY p ON t",
    "statistics": "CREATE STATISTICS s ON id, name FROM t",
    "row type": "CREATE FUNCTION f(t) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "option": "ALTER TABLE t SET (fillfactor = 50)",
}


def oid(session: Session) -> object:
    row = session.execute("SELECT 't'::regclass::oid").fetchone()
    return row[0] if row else None


@pytest.mark.parametrize("hanging", HANGING)
def test_replacing_keeps_what_hangs_on_the_table(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection, hanging: str
) -> None:
    session.execute("CREATE TABLE t (id integer, name text)")
    session.execute("INSERT INTO t VALUES (9, 'old')")
    session.execute(HANGING[hanging].encode())
    before = oid(session)
    PUBLISHER.publish(stage([(1, "a")], mode="replace", logged=True), load, warehouse)
    assert rows(session) == [(1, "a")]
    assert oid(session) == before


def test_a_bare_table_is_swapped(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection
) -> None:
    session.execute("CREATE TABLE t (id integer, name text)")
    session.execute("INSERT INTO t VALUES (9, 'old')")
    before = oid(session)
    PUBLISHER.publish(stage([(1, "a")], mode="replace"), load, warehouse)
    assert rows(session) == [(1, "a")]
    assert oid(session) != before


def test_a_reader_with_an_older_snapshot_sees_the_old_rows(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection
) -> None:
    session.execute("CREATE TABLE t (id integer, name text)")
    session.execute("INSERT INTO t VALUES (9, 'old')")
    with opened(warehouse) as reader:
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT 1")
        PUBLISHER.publish(stage([(1, "a")], mode="replace"), load, warehouse)
        assert reader.execute("SELECT id, name FROM public.t").fetchall() == [(9, "old")]
    assert rows(session) == [(1, "a")]


def test_columns_that_the_rows_lack_get_their_defaults(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection
) -> None:
    session.execute("CREATE TABLE t (extra integer DEFAULT 5, name varchar(9), id bigint)")
    PUBLISHER.publish(stage([(1, "a")], mode="replace"), load, warehouse)
    assert session.execute("SELECT extra, name, id FROM t").fetchall() == [(5, "a", 1)]


def test_given_identities_are_kept(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection
) -> None:
    session.execute("CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY, name text)")
    PUBLISHER.publish(stage([(41, "a")]), load, warehouse)
    assert rows(session) == [(41, "a")]


def test_merge_updates_inserts_and_lets_the_last_row_win(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection
) -> None:
    session.execute("CREATE TABLE t (id integer, name text, extra integer DEFAULT 5)")
    session.execute("INSERT INTO t VALUES (1, 'old', 1), (2, 'kept', 2)")
    staged = stage([(1, "a"), (3, "first"), (3, "second"), (3, "last")], mode="merge", keys=["id"])
    published = PUBLISHER.publish(staged, load, warehouse)
    found = session.execute("SELECT * FROM t ORDER BY id").fetchall()
    assert found == [(1, "a", 1), (2, "kept", 2), (3, "last", 5)]
    assert (published.books.loaded, published.books.merged_away) == (2, 2)
    assert published.books.balance


def test_merge_makes_a_table_with_its_key(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection
) -> None:
    staged = stage([(1, "a"), (1, "b")], mode="merge", keys=["id"])
    PUBLISHER.publish(staged, load, warehouse)
    assert rows(session) == [(1, "b")]
    columns = session.execute("SELECT * FROM t LIMIT 0").description or []
    assert [column.name for column in columns] == ["id", "name"]
    key = session.execute("SELECT indisprimary FROM pg_index WHERE indrelid = 't'::regclass")
    assert key.fetchall() == [(True,)]


def test_merge_of_keys_alone(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection
) -> None:
    session.execute("CREATE TABLE t (id integer, name text)")
    session.execute("INSERT INTO t VALUES (1, 'a')")
    staged = stage([(1, "a"), (1, "b")], mode="merge", keys=["id", "name"])
    assert PUBLISHER.publish(staged, load, warehouse).books.loaded == 2
    assert rows(session) == [(1, "a"), (1, "b")]
