"""Publishing that is no longer wanted: it stops with nothing published, or it was too late."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import SupportsIndex

import pytest

from etlplus.connectors.postgres import PostgresPublisher
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import Cancelled
from etlplus.domain.run import Load, Published
from etlplus.executor.stopping import Reason, Switch
from tests.conformance.publish.conftest import Session, Stage
from tests.conformance.publish.proxy import proxy

PUBLISHER = PostgresPublisher(patience=30)
_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def wait_for_a_waiter(session: Session) -> None:
    """Returns once somebody waits for a lock."""
    while session.execute(_WAITING).fetchone() == (0,):
        continue


@pytest.mark.parametrize("mode", ["append", "replace", "merge", "delete_insert"])
def test_a_publication_that_waits_for_a_lock_can_be_cancelled(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection, mode: str
) -> None:
    session.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")
    session.execute("INSERT INTO t VALUES (7, 'kept')")
    staged = stage([(1, "a")], mode=mode, keys=["id"])
    switch = Switch()
    switch.begin_publishing()
    with ThreadPoolExecutor(1) as threads:
        with session.transaction():
            session.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
            done: Future[Published] = threads.submit(
                PUBLISHER.publish, staged, load, warehouse, switch
            )
            wait_for_a_waiter(session)
            switch.throw(Reason.CANCEL)
            with pytest.raises(Cancelled):
                done.result()
        assert session.execute("SELECT * FROM t").fetchall() == [(7, "kept")]
        ledger = session.execute("SELECT count(*) FROM etlplus.load").fetchone()
        assert ledger == (0,), "nothing was published"
    assert PUBLISHER.publish(staged, load, warehouse, Switch()).books.loaded == 1


def test_a_statement_that_runs_is_cancelled(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection
) -> None:
    session.execute("CREATE TABLE t (id integer, name text)")
    session.execute(
        "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN PERFORM pg_advisory_xact_lock(1); PERFORM pg_sleep(3600); RETURN NEW; END'"
    )
    session.execute(
        "CREATE TRIGGER lingers BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION linger()"
    )
    switch = Switch()
    lingers = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1"
    with ThreadPoolExecutor(1) as threads:
        done: Future[Published] = threads.submit(
            PUBLISHER.publish, stage([(1, "a")]), load, warehouse, switch
        )
        while session.execute(lingers).fetchone() == (0,):
            continue
        switch.throw(Reason.CANCEL)
        with pytest.raises(Cancelled):
            done.result()
    assert session.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_what_was_cancelled_before_is_not_begun(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection
) -> None:
    switch = Switch()
    switch.throw(Reason.CANCEL)
    with pytest.raises(Cancelled):
        PUBLISHER.publish(stage([(1, "a")]), load, warehouse, switch)
    assert session.execute("SELECT to_regclass('t')").fetchone() == (None,)


def test_when_nobody_knows_whether_it_is_published_cancelling_waits_for_the_ledger(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection
) -> None:
    switch = Switch()
    staged = stage([(1, "a")])
    with proxy(warehouse.options["host"], warehouse.options["port"]) as cutter:

        class Plan(list[str]):
            """Cancels when the commit of the load is cut."""

            def pop(self, index: SupportsIndex = -1, /) -> str:
                verdict = super().pop(index)
                if verdict == "after":
                    switch.throw(Reason.CANCEL)
                return verdict

        cutter.plan = Plan(["pass", "after"])
        options = {**warehouse.options, "host": str(cutter.folder)}
        through = ResolvedConnection(warehouse.name, warehouse.kind, options)
        published = PUBLISHER.publish(staged, load, through, switch)
    assert cutter.cuts == 1
    assert published.books.loaded == 1
    assert session.execute("SELECT count(*) FROM t").fetchone() == (1,)
