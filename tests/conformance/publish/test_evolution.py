"""Tables follow the columns of rows where a sink says so, and rollbacks still restore rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etlplus.connectors.postgres import PostgresEvolver
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import RunError, WrongState
from etlplus.domain.evolution import EVOLVE, Incoming, TableSink
from etlplus.domain.job import Job, JobState
from etlplus.domain.run import Load
from tests.conformance.publish.conftest import Row, Session
from tests.conformance.publish.jobs import Jobs

MODES = ("append", "replace", "merge", "delete_insert", "scd2")
TEXT = """
api: etlplus/v1
name: p
sources: {{rows: {{parquet: {{uri: {file}}}}}}}
sinks:
  out:
    from: rows
    postgres: {{connection: local, table: t, mode: {mode}, schema_policy: {policy}{keys}}}
"""
OLD = "CREATE TABLE t (id integer, name varchar(3)); INSERT INTO t VALUES (1, 'old'), (9, NULL)"

Run = Callable[..., Job]


@pytest.fixture
def jobs(tmp_path: Path, warehouse: ResolvedConnection) -> Jobs:
    return Jobs(tmp_path, warehouse)


@pytest.fixture
def run(session: Session, jobs: Jobs, tmp_path: Path) -> Run:
    """Loads columns of values into `t` of an empty warehouse."""
    del session

    def load(
        mode: str = "append",
        policy: str = "evolve",
        **columns: Any,
    ) -> Job:
        file = f"{uuid4().hex}.parquet"
        pq.write_table(pa.table(columns), tmp_path / file)
        keys = ", keys: [id]" if mode in ("merge", "delete_insert", "scd2") else ""
        text = TEXT.format(file=file, mode=mode, policy=policy, keys=keys)
        return jobs.run(text)

    return load


def types(session: Session, table: str = "t") -> dict[str, str]:
    """The columns of a table in their order, with their types."""
    rows = session.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [table],
    )
    return {str(name): str(kind) for name, kind in rows}


def seen(session: Session, columns: str = "*") -> list[Row]:
    query = f"SELECT ROW(r.*)::text FROM (SELECT {columns} FROM t) r ORDER BY 1"
    return session.execute(query.encode()).fetchall()


def succeed(job: Job) -> Job:
    assert job.state is JobState.SUCCEEDED, job.error
    return job


def int32(*values: int) -> pa.Array:
    return pa.array(values, pa.int32())


@pytest.mark.parametrize("mode", MODES)
def test_columns_are_added_and_widened(session: Session, run: Run, jobs: Jobs, mode: str) -> None:
    if mode == "scd2":
        succeed(run(mode, id=int32(1, 9), name=["old", None]))
        session.execute("ALTER TABLE t ALTER COLUMN name TYPE varchar(3)")
    else:
        session.execute(OLD.encode())
    before = seen(session, "id, name")
    job = succeed(run(mode, id=int32(1, 2), name=["longer", "x"], new=[True, False]))
    assert types(session)["name"] == "text"
    assert types(session)["new"] == "boolean"
    assert ("(1,longer,t)",) in seen(session, "id, name, new")
    jobs.back(job)
    assert seen(session, "id, name") == before
    assert seen(session, "new") == [("()",), ("()",)]


@pytest.mark.parametrize("mode", MODES)
def test_a_frozen_table_refuses_other_columns(session: Session, run: Run, mode: str) -> None:
    succeed(run(mode, "freeze", id=int32(1), name=["old"]))
    had = types(session)
    job = run(mode, "freeze", id=int32(2), name=["x"], new=[1])
    assert job.error is not None
    assert job.error.code == "TARGET_MISMATCH"
    assert "no column 'new'" in job.error.message
    assert types(session) == had


def test_without_a_policy_a_table_is_frozen(session: Session, run: Run) -> None:
    session.execute(OLD.encode())
    job = run("append", '""', id=int32(2), new=[1])
    assert job.error is not None
    assert job.error.code == "TARGET_MISMATCH"


def test_what_does_not_fit_is_refused_before_anything_is_altered(
    session: Session, run: Run
) -> None:
    session.execute("CREATE TABLE t (id integer, at date, name varchar(3))")
    had = types(session)
    job = run(id=int32(1), at=["2026-01-01"], name=["longer"], new=[1])
    assert job.error is not None
    assert job.error.code == "TARGET_MISMATCH"
    assert "'at' is text, the target's is date" in job.error.message
    assert types(session) == had


def test_missing_columns_stay_missing_or_get_their_default(session: Session, run: Run) -> None:
    session.execute(
        "CREATE TABLE t (id integer, a text, b integer NOT NULL DEFAULT 7); "
        "INSERT INTO t VALUES (1, 'a', 1)"
    )
    succeed(run("merge", id=int32(1, 2), new=["x", "y"]))
    assert seen(session) == [("(1,a,1,x)",), ("(2,,7,y)",)]


def test_a_missing_column_that_needs_a_value_is_refused_by_name(session: Session, run: Run) -> None:
    session.execute("CREATE TABLE t (id integer, must text NOT NULL)")
    job = run(id=int32(1), new=["x"])
    assert job.error is not None
    assert "needs a value in 'must'" in job.error.message
    assert types(session) == {"id": "integer", "must": "text"}


def test_a_key_is_not_added(session: Session, run: Run) -> None:
    session.execute("CREATE TABLE t (name text)")
    job = run("merge", id=int32(1), name=["x"])
    assert job.error is not None
    assert "no column 'id', by which rows are matched" in job.error.message


def test_widening_integers_keeps_rows_and_lets_go_of_earlier_loads(
    session: Session, run: Run, jobs: Jobs
) -> None:
    session.execute("CREATE TABLE t (id smallint PRIMARY KEY, n smallint)")
    first = succeed(run("merge", id=pa.array([1, 2], pa.int16()), n=pa.array([1, 2], pa.int16())))
    earlier = seen(session)
    second = succeed(run("merge", id=pa.array([2, 2**40]), n=int32(70000, 3)))
    assert types(session) == {"id": "bigint", "n": "integer"}
    assert seen(session) == [("(1,1)",), ("(1099511627776,3)",), ("(2,70000)",)]
    jobs.back(second)
    assert seen(session) == earlier
    with pytest.raises(WrongState) as refused:
        jobs.back(first)
    assert refused.value.code == "ROLLBACK_UNAVAILABLE"
    kept = session.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'undo%%'").fetchone()
    assert kept == (0,)


@pytest.mark.parametrize("mode", MODES)
def test_loads_before_one_that_altered_the_table_are_rolled_back_too(
    session: Session, run: Run, jobs: Jobs, mode: str
) -> None:
    if mode != "scd2":
        session.execute(OLD.encode())
        before = seen(session, "id, name")
    else:
        succeed(run(mode, id=int32(1, 9), name=["old", None]))
        before = seen(session, "id, name")
    first = succeed(run(mode, id=int32(1, 2), name=["a", "b"]))
    second = succeed(run(mode, id=int32(2, 3), name=["cccc", "d"], new=["x", "y"]))
    third = succeed(run(mode, id=int32(3, 4), name=["e", "f"], new=["z", "z"], more=[1, 2]))
    assert "more" in types(session)
    jobs.back(third)
    jobs.back(second)
    jobs.back(first)
    assert seen(session, "id, name") == before
    assert seen(session, "new, more") == [("(,)",), ("(,)",)]


def test_a_collation_stays(session: Session, run: Run) -> None:
    session.execute('CREATE TABLE t (id integer, name varchar(3) COLLATE "C" UNIQUE)')
    succeed(run(id=int32(1), name=["longer"]))
    row = session.execute(
        "SELECT attcollation::regcollation::text FROM pg_attribute "
        "WHERE attrelid = 't'::regclass AND attname = 'name'"
    ).fetchone()
    assert row == ('"C"',)


def test_names_are_quoted(session: Session, run: Run) -> None:
    session.execute("CREATE TABLE t (id integer)")
    odd = 'a "b"; DROP TABLE t --'
    succeed(run(**{"id": int32(1), odd: ["x"]}))
    assert list(types(session)) == ["id", odd]


def test_a_view_on_a_column_that_would_widen_refuses_all(session: Session, run: Run) -> None:
    session.execute(OLD.encode())
    session.execute("CREATE VIEW v AS SELECT name FROM t")
    had = types(session)
    job = run(id=int32(1), name=["longer"], new=[1])
    assert job.error is not None
    assert job.error.code == "DATABASE_ERROR"
    assert "used by a view" in job.error.message
    assert types(session) == had


def test_a_failed_run_leaves_at_most_a_column_without_values(
    session: Session, run: Run, jobs: Jobs
) -> None:
    session.execute("CREATE TABLE t (id integer CHECK (id < 5)); INSERT INTO t VALUES (1)")
    job = run(id=int32(2, 9), new=["x", "y"])
    assert job.state is JobState.FAILED
    assert seen(session) == [("(1,)",)]
    assert types(session) == {"id": "integer", "new": "text"}
    told = session.execute("SELECT load_id, sink, target, statement FROM etlplus.evolution")
    statement = 'ALTER TABLE "public"."t" ADD COLUMN "new" text'
    assert told.fetchall() == [(job.uid.hex, "out", "public.t", statement)]
    del jobs


def test_a_table_that_is_not_there_is_made(session: Session, run: Run) -> None:
    succeed(run(id=int32(1), name=["x"]))
    assert types(session) == {"id": "integer", "name": "text"}
    assert session.execute("SELECT count(*) FROM etlplus.evolution").fetchone() == (0,)


EVOLVER = PostgresEvolver(patience=10)
IMPATIENT = PostgresEvolver(patience=0)
SINK = TableSink("out", "local", "public.t", EVOLVE)


def test_altering_twice_alters_once(session: Session, warehouse: ResolvedConnection) -> None:
    session.execute("CREATE TABLE t (id integer)")
    load = Load(uuid4().hex, 1, "job", "p", 1)
    incoming = (Incoming("id", "integer"), Incoming("new", "text"))
    assert EVOLVER.evolve(SINK, incoming, load, warehouse).added == ("new",)
    assert EVOLVER.evolve(SINK, incoming, load, warehouse).statements == ()
    assert session.execute("SELECT count(*) FROM etlplus.evolution").fetchone() == (1,)


def test_a_claim_that_was_fenced_off_alters_nothing(
    session: Session, warehouse: ResolvedConnection
) -> None:
    session.execute("CREATE TABLE t (id integer)")
    later, stale = (Load("a" * 32, epoch, "job", "p", 1) for epoch in (2, 1))
    EVOLVER.evolve(SINK, (Incoming("id", "integer"),), later, warehouse)
    with pytest.raises(WrongState) as refused:
        EVOLVER.evolve(SINK, (Incoming("id", "bigint"),), stale, warehouse)
    assert refused.value.code == "STALE_EPOCH"
    assert types(session) == {"id": "integer"}


def test_an_older_reader_is_not_shown_an_empty_table(
    session: Session, warehouse: ResolvedConnection
) -> None:
    session.execute("CREATE TABLE t (id integer); INSERT INTO t VALUES (1)")
    options = dict(warehouse.options)
    options["dbname"] = options.pop("database")
    with type(session).connect(**options) as reader:  # type: ignore[arg-type]
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT 1")
        with pytest.raises(RunError) as refused:
            IMPATIENT.evolve(
                SINK, (Incoming("id", "bigint"),), Load("a" * 32, 1, "job", "p", 1), warehouse
            )
        assert reader.execute("SELECT id FROM t").fetchall() == [(1,)]
    assert refused.value.code == "PUBLISH_CONFLICT"
    assert types(session) == {"id": "integer"}
