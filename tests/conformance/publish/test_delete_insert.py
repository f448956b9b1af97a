"""Deleting and inserting by key: what it leaves, and when it cannot be rolled back."""

from __future__ import annotations

import pytest

from etlplus.connectors.postgres import PostgresPublisher
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.run import Load
from tests.conformance.publish.conftest import Session, Stage
from tests.conformance.publish.test_publish import rows
from tests.conformance.publish.test_rollback import Loads

PUBLISHER = PostgresPublisher(patience=10)


@pytest.fixture
def loads(session: Session, stage: Stage, warehouse: ResolvedConnection) -> Loads:
    return Loads(session, stage, warehouse)


def test_delete_insert_replaces_whole_keys(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection
) -> None:
    session.execute("CREATE TABLE t (id integer, name text, extra integer DEFAULT 5)")
    session.execute("INSERT INTO t VALUES (1, 'a', 1), (1, 'b', 2), (2, 'c', 3), (NULL, 'd', 4)")
    staged = stage([(1, "x"), (1, "x"), (1, "y"), (3, "z")], mode="delete_insert", keys=["id"])
    published = PUBLISHER.publish(staged, load, warehouse)
    assert session.execute("SELECT * FROM t ORDER BY id, name, extra").fetchall() == [
        (1, "x", 5), (1, "x", 5), (1, "y", 5), (2, "c", 3), (3, "z", 5), (None, "d", 4),
    ]  # fmt: skip
    books = published.books
    assert (books.loaded, books.merged_away, books.deleted, books.balance) == (4, 0, 2, True)
    again = PUBLISHER.publish(staged, load, warehouse)
    assert (again.already, again.books) == (True, books)


def test_delete_insert_makes_a_table_without_a_key(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection
) -> None:
    staged = stage([(1, "a"), (1, "b")], mode="delete_insert", keys=["id"])
    assert PUBLISHER.publish(staged, load, warehouse).books.deleted == 0
    assert rows(session) == [(1, "a"), (1, "b")]
    assert session.execute("SELECT FROM pg_index WHERE indrelid = 't'::regclass").fetchall() == []


def test_rows_that_a_delete_took_along_make_it_impossible(loads: Loads) -> None:
    loads.session.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, name text, parent integer REFERENCES t "
        "ON DELETE CASCADE); INSERT INTO t VALUES (1, 'one', 1), (2, 'two', 1)"
    )
    load = loads.run([(1, "a")], "delete_insert")
    assert loads.seen() == [("(1,a,)",)]
    assert loads.refused(load).code == "ROLLBACK_UNAVAILABLE"


def test_rows_that_a_trigger_kept_make_it_impossible(loads: Loads) -> None:
    loads.session.execute(
        "CREATE TABLE t (id integer, name text); INSERT INTO t VALUES (1, 'one'), (1, 'kept');"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RETURN CASE WHEN OLD.name <> ''kept'' THEN OLD END; END';"
        "CREATE TRIGGER g BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()"
    )
    load = loads.run([(1, "a")], "delete_insert")
    assert loads.seen() == [("(1,a)",), ("(1,kept)",)]
    assert loads.refused(load).code == "ROLLBACK_UNAVAILABLE"
