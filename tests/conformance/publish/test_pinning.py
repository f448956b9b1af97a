"""A plan tells what a run would do to tables, and a run pinned to it does that or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from etlplus.connectors.postgres import PostgresEvolver
from etlplus.domain import names
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import RunError
from etlplus.domain.evolution import EVOLVE, Incoming, TableSink
from etlplus.domain.job import Job, JobState
from etlplus.domain.run import Load
from etlplus.executor.pinning import check
from etlplus.executor.preparation import Claim
from tests.conformance.publish.conftest import Session
from tests.conformance.publish.jobs import Jobs
from tests.conformance.publish.test_evolution import seen, types

TEXT = """
api: etlplus/v1
name: p
params: {least: {type: int, default: 0}, note: "${run.id}"}
sources: {rows: {csv: {uri: rows.csv, columns: {id: integer}}}}
steps: [{filter: "id >= ${params.least}"}]
sinks: {out: {from: filter_1, postgres: {connection: local, table: t, schema_policy: evolve}}}
"""
EVOLVER = PostgresEvolver(patience=10)


@pytest.fixture
def jobs(session: Session, tmp_path: Path, warehouse: ResolvedConnection) -> Jobs:
    """A table `t` and a file that has a column more."""
    session.execute("CREATE TABLE t (id smallint, old text); INSERT INTO t VALUES (1, 'x')")
    (tmp_path / "rows.csv").write_text("id,new\n7,a\n8,b\n", encoding="utf-8")
    return Jobs(tmp_path, warehouse)


def refused(job: Job) -> str:
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error.code == "PLAN_CHANGED", job.error
    return job.error.message


def test_a_plan_shows_what_differs_and_what_would_be_executed(session: Session, jobs: Jobs) -> None:
    before = types(session)
    (diff,) = jobs.plan(TEXT).diffs
    assert diff.exists
    assert [(each.column, each.what, each.before, each.after) for each in diff.changes] == [
        ("id", "widened", "smallint", "integer"),
        ("new", "added", "", "text"),
        ("old", "missing", "text", ""),
    ]
    assert diff.statements == (
        'ALTER TABLE "public"."t" ALTER COLUMN "id" TYPE integer, ADD COLUMN "new" text',
    )
    assert types(session) == before


def test_a_plan_reports_the_table_as_it_will_be(jobs: Jobs) -> None:
    report = jobs.plan(TEXT).report
    (sink,) = report.sinks
    assert (sink.target, sink.mode, sink.create_statement) == ("public.t", "append", "")
    assert [(each.name, each.type) for each in sink.columns] == [("id", "integer"), ("new", "text")]
    assert [node.name for node in report.nodes] == ["rows", "filter_1"]


def test_a_frozen_tables_differences_are_shown(session: Session, jobs: Jobs) -> None:
    session.execute("ALTER TABLE t ADD COLUMN new varchar(5)")
    (diff,) = jobs.plan(TEXT.replace("evolve", "freeze")).diffs
    assert [(each.column, each.what) for each in diff.changes] == [
        ("id", "changed"),
        ("new", "changed"),
        ("old", "missing"),
    ]
    assert diff.statements == ()


def test_a_hash_is_stable(jobs: Jobs) -> None:
    assert jobs.plan(TEXT).plan_hash == jobs.plan(TEXT).plan_hash
    assert jobs.plan(TEXT).plan_hash == jobs.plan(TEXT, least="0").plan_hash


def test_a_run_does_what_was_planned(session: Session, jobs: Jobs) -> None:
    job = jobs.run(TEXT, plan_hash=jobs.plan(TEXT).plan_hash)
    assert job.state is JobState.SUCCEEDED, job.error
    assert types(session) == {"id": "integer", "old": "text", "new": "text"}
    assert len(seen(session)) == 3


#: What is done after the plan was shown, and what the refusal names.
CHANGES = {
    "ALTER TABLE t ADD COLUMN other text": "the columns of targets changed",
    "ALTER TABLE t ALTER COLUMN old SET NOT NULL": "the columns of sources or targets changed",
    "ALTER TABLE t ADD COLUMN new text": "statements that make or alter targets",
    "DROP TABLE t": "statements that make or alter targets",
}


@pytest.mark.parametrize("statement", CHANGES)
def test_a_changed_target_is_refused(session: Session, jobs: Jobs, statement: str) -> None:
    pinned = jobs.plan(TEXT).plan_hash
    session.execute(statement.encode())
    message = refused(jobs.run(TEXT, plan_hash=pinned))
    assert CHANGES[statement] in message
    staged = session.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'stage%%'")
    assert staged.fetchone() == (0,)


def test_changed_sources_parameters_and_definitions_are_refused(
    session: Session, jobs: Jobs, tmp_path: Path
) -> None:
    pinned = jobs.plan(TEXT).plan_hash
    before = types(session)
    assert "parameters" in refused(jobs.run(TEXT, plan_hash=pinned, least="5"))
    described = TEXT.replace("name: p", "name: p\ndescription: another")
    assert "the definition" in refused(jobs.run(described, plan_hash=pinned))
    (tmp_path / "rows.csv").write_text("id,new\n7,1\n", encoding="utf-8")
    message = refused(jobs.run(TEXT, plan_hash=pinned))
    assert "the columns of sources or steps" in message
    assert 'ADD COLUMN "new" bigint' in message
    assert types(session) == before


def test_an_attempt_that_altered_the_table_does_not_stop_the_next(
    session: Session, jobs: Jobs, tmp_path: Path, warehouse: ResolvedConnection
) -> None:
    pinned = jobs.plan(TEXT).plan_hash
    job = jobs.run(TEXT, plan_hash=pinned)
    assert job.state is JobState.SUCCEEDED
    other = Load("a" * 32, 1, "job", "p", 1)
    own = Load(names.load_id(job.uid), 2, str(job.uid), "p", 1)
    spec = jobs.spec(TEXT)
    claim = Claim(str(job.uid), own.load_id, 2, job.create_time)
    prepared = jobs.parts.preparation.prepare(
        spec, {}, claim, {"local": warehouse}, tmp_path / "work"
    )
    check(jobs.parts, job, spec, prepared, own)
    with pytest.raises(RunError) as changed:
        check(jobs.parts, job, spec, prepared, other)
    assert changed.value.code == "PLAN_CHANGED"
    (tmp_path / "rows.csv").write_text("id,new\n7,1\n", encoding="utf-8")
    with pytest.raises(RunError, match="columns of sources"):
        check(jobs.parts, job, spec, prepared, own)
    del session


def test_a_load_has_begun_once_it_altered_a_table(
    session: Session, jobs: Jobs, warehouse: ResolvedConnection
) -> None:
    load = Load("b" * 32, 1, "job", "p", 1)
    session.execute("DROP SCHEMA etlplus CASCADE")
    assert not EVOLVER.has_begun(load, warehouse)
    sink = TableSink("out", "local", "public.t", EVOLVE)
    EVOLVER.evolve(sink, (Incoming("id", "smallint"), Incoming("new", "text")), load, warehouse)
    assert EVOLVER.has_begun(load, warehouse)
    assert not EVOLVER.has_begun(Load("c" * 32, 1, "job", "p", 1), warehouse)
    del jobs
