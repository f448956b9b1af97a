"""What `etlplus plan` prints of tables and hashes."""

from __future__ import annotations

from etlplus.cli.planning import shown
from etlplus.v1 import pipeline_pb2, report_pb2


def test_a_plan_shows_what_differs_what_is_executed_and_its_hash() -> None:
    answer = pipeline_pb2.PlanPipelineResponse(plan_hash="0123")
    answer.report.sinks.add(name="out", kind="postgres", target="public.t", mode="append")
    answer.report.sinks.add(name="file", kind="csv", target="out.csv", mode="replace")
    diff = answer.schema_diffs.add(sink="out", target="public.t", policy="evolve", exists=True)
    diff.changes.add(column="id", what="widened", before="integer", after="bigint", rewrites=True)
    diff.changes.add(column="new", what="added", after="text")
    diff.statements.append("ALTER TABLE t")
    lines = shown(answer, explain=False).splitlines()
    assert lines[0] == "out (postgres) → public.t, append"
    assert lines[2].split() == [
        "id",
        "widened",
        "integer",
        "bigint",
        *["all", "rows", "are", "written", "anew"],
    ]
    assert lines[3].split() == ["new", "added", "text"]
    assert lines[4] == "ALTER TABLE t;"
    assert lines[-1] == "plan 0123"


def test_a_plan_without_tables_shows_no_differences() -> None:
    report = report_pb2.PlanReport(nodes=[report_pb2.NodeReport(name="a", kind="csv")])
    assert shown(pipeline_pb2.PlanPipelineResponse(report=report), explain=False) == "a (csv)\n"
