"""What publishing promises: all or nothing, once, and only by the latest claim."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import psycopg
import pytest

from etlplus.connectors.postgres import PostgresPublisher
from etlplus.connectors.postgres.session import opened, refused
from etlplus.domain.codes import TRANSIENT
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import EtlError
from etlplus.domain.run import Books, Load
from tests.conformance.publish.conftest import Row, Session, Stage

PUBLISHER = PostgresPublisher(patience=10)


def rows(session: Session, table: str = "public.t") -> list[Row]:
    return session.execute(f"SELECT id, name FROM {table} ORDER BY id, name".encode()).fetchall()


def staging_tables(session: Session) -> list[str]:
    found = session.execute(
        "SELECT relname FROM pg_class WHERE relname LIKE 'stage%%' AND relkind = 'r'"
    )
    return [str(name) for (name,) in found]


def test_a_missing_target_is_made(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection
) -> None:
    published = PUBLISHER.publish(stage([(1, "a"), (2, None)]), load, warehouse)
    assert rows(session) == [(1, "a"), (2, None)]
    assert published.books == Books(read=4, loaded=2, rejected=2)
    assert not published.already
    assert staging_tables(session) == []
    persistence = session.execute("SELECT relpersistence FROM pg_class WHERE relname = 't'")
    assert persistence.fetchone() == ("p",)


def test_a_missing_schema_is_made(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection
) -> None:
    PUBLISHER.publish(stage([(1, "a")], target="mart.Orders"), load, warehouse)
    assert rows(session, 'mart."Orders"') == [(1, "a")]


def test_publishing_again_changes_nothing(
    session: Session, stage: Stage, load: Load, later: Load, warehouse: ResolvedConnection
) -> None:
    staged = stage([(1, "a"), (2, "b")])
    first = PUBLISHER.publish(staged, load, warehouse)
    again = PUBLISHER.publish(staged, load, warehouse)
    # The next claim of the load has staged the rows anew.
    restaged = stage([(1, "a"), (2, "b")], of=later)
    by_next = PUBLISHER.publish(restaged, later, warehouse)
    assert rows(session) == [(1, "a"), (2, "b")]
    assert (again.already, by_next.already) == (True, True)
    assert first.books == again.books == by_next.books


def test_two_loads_append_both(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection
) -> None:
    other = replace(load, load_id=uuid4().hex)
    PUBLISHER.publish(stage([(1, "a")]), load, warehouse)
    PUBLISHER.publish(stage([(1, "a")], of=other), other, warehouse)
    assert rows(session) == [(1, "a"), (1, "a")]


def test_two_sinks_of_a_load_are_published_each(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection
) -> None:
    PUBLISHER.publish(stage([(1, "a")]), load, warehouse)
    PUBLISHER.publish(stage([(2, "b")], sink="more"), load, warehouse)
    assert rows(session) == [(1, "a"), (2, "b")]


def test_a_stale_claim_changes_nothing(
    session: Session, stage: Stage, load: Load, later: Load, warehouse: ResolvedConnection
) -> None:
    staged = stage([(1, "a")])
    PUBLISHER.sweep(later, warehouse)
    with pytest.raises(EtlError) as stale:
        PUBLISHER.publish(staged, load, warehouse)
    assert stale.value.code == "STALE_EPOCH"
    with pytest.raises(EtlError) as swept:
        PUBLISHER.sweep(load, warehouse)
    assert swept.value.code == "STALE_EPOCH"
    assert session.execute("SELECT to_regclass('public.t')").fetchone() == (None,)
    assert session.execute("SELECT count(*) FROM etlplus.load").fetchone() == (0,)


@pytest.mark.parametrize("damage", ["DELETE FROM {} WHERE id = 1", "DROP TABLE {}"])
def test_rows_that_are_gone_are_noticed(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection, damage: str
) -> None:
    session.execute("CREATE TABLE t AS SELECT 0 AS id, 'kept' AS name")
    staged = stage([(1, "a"), (2, "b")], mode="replace")
    session.execute(damage.format(staged.staging_tables[0]).encode())
    with pytest.raises(EtlError) as mismatch:
        PUBLISHER.publish(staged, load, warehouse)
    assert mismatch.value.code == "STAGING_MISMATCH"
    assert rows(session) == [(0, "kept")]


def test_books_that_do_not_balance_publish_nothing(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection
) -> None:
    staged = replace(stage([(1, "a")]), books=Books(read=9, loaded=1))
    with pytest.raises(EtlError) as refused:
        PUBLISHER.publish(staged, load, warehouse)
    assert refused.value.code == "DATABASE_ERROR"
    assert refused.value.metadata["constraint"] == "books_balance"
    assert session.execute("SELECT to_regclass('public.t')").fetchone() == (None,)


def test_a_broken_constraint_publishes_nothing(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection
) -> None:
    session.execute("CREATE TABLE t (id integer UNIQUE, name text)")
    session.execute("INSERT INTO t VALUES (1, 'kept')")
    with pytest.raises(EtlError) as refused:
        PUBLISHER.publish(stage([(2, "b"), (1, "a")]), load, warehouse)
    assert refused.value.code == "DATABASE_ERROR"
    assert refused.value.metadata["sqlstate"] == "23505"
    assert rows(session) == [(1, "kept")]


def test_a_locked_target_is_waited_for_and_given_up(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection
) -> None:
    session.execute("CREATE TABLE t (id integer, name text)")
    staged = stage([(1, "a")])
    with session.transaction():
        session.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(EtlError) as conflict:
            PostgresPublisher(patience=0).publish(staged, load, warehouse)
    assert conflict.value.code == "PUBLISH_CONFLICT"
    assert PUBLISHER.publish(staged, load, warehouse).books.loaded == 1


def test_staging_of_a_claim_is_found_and_dropped(
    session: Session, stage: Stage, load: Load, later: Load, warehouse: ResolvedConnection
) -> None:
    stage([(1, "a")])
    stage([(1, "a")], of=later)
    session.execute("CREATE TABLE etlplus.stage_of_others (id integer)")
    found = PUBLISHER.leftovers(warehouse)
    assert [key.epoch for key in found] == [load.epoch, later.epoch]
    PUBLISHER.sweep(later, warehouse)
    assert [key.epoch for key in PUBLISHER.leftovers(warehouse)] == [later.epoch]
    PUBLISHER.discard(later, warehouse, [])
    assert staging_tables(session) == ["stage_of_others"]


def test_staging_that_is_in_use_is_left_for_later(
    session: Session, stage: Stage, later: Load, warehouse: ResolvedConnection
) -> None:
    staged = stage([(1, "a")])
    with session.transaction():
        session.execute(f"LOCK TABLE {staged.staging_tables[0]} IN SHARE MODE".encode())
        PUBLISHER.sweep(later, warehouse)
        assert len(staging_tables(session)) == 1
    PUBLISHER.drop(PUBLISHER.leftovers(warehouse), warehouse)
    assert staging_tables(session) == []


def test_an_unreachable_server_is_named(load: Load, stage: Stage) -> None:
    options = {"host": "127.0.0.1", "port": "1", "user": "nobody", "sslmode": "disable"}
    gone = ResolvedConnection("gone", "postgres", options)
    with pytest.raises(EtlError) as failed:
        PostgresPublisher(patience=0).publish(stage([(1, "a")]), load, gone)
    assert failed.value.code == "CONNECTION_FAILED"
    assert "127.0.0.1:1" in failed.value.message
    assert failed.value.hint == "Check that PostgreSQL listens there"


def test_the_ledger_is_made_once_for_all(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection
) -> None:
    PUBLISHER.publish(stage([(1, "a")]), load, warehouse)
    query = 'SELECT load_id, sink, epoch, job, pipeline, "read", loaded FROM etlplus.load'
    assert session.execute(query).fetchall() == [
        (load.load_id, "out", load.epoch, "job", "flights", 3, 1)
    ]
    with pytest.raises(psycopg.errors.CheckViolation):
        session.execute("UPDATE etlplus.load SET loaded = loaded + 1")


def test_a_deadlock_is_no_fault_of_the_statement(
    session: Session, warehouse: ResolvedConnection
) -> None:
    """Two transactions take two tables in opposite order; the server ends one of them."""
    for name in ("first", "second"):
        session.execute(f"CREATE TABLE {name} ()".encode())
    # Who has waited for a second has looked for deadlocks and does not look again: the other one
    # finds it, and is ended.
    patient = (
        "SELECT count(*) FROM pg_locks"
        " WHERE NOT granted AND waitstart < now() - interval '2 seconds'"
    )
    with (
        opened(warehouse) as one,
        opened(warehouse) as other,
        ThreadPoolExecutor(1) as pool,
        other.transaction(),
    ):
        one.execute("BEGIN")
        one.execute("LOCK TABLE first")
        other.execute("LOCK TABLE second")
        waiting = pool.submit(other.execute, "LOCK TABLE first")
        while session.execute(patient).fetchone() == (0,):
            assert not waiting.done()
        with pytest.raises(psycopg.errors.DeadlockDetected) as caught:
            one.execute("LOCK TABLE second")
        waiting.result()
    error = refused("Cannot look", caught.value)
    assert error.code == "DATABASE_CONFLICT"
    assert error.code in TRANSIENT
