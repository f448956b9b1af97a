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


def test_what_to_expect_is_told_with_how_much_was_looked_at() -> None:
    answer = pipeline_pb2.PlanPipelineResponse()
    found = answer.expectation
    found.sample_rows = 10_000
    found.nodes.add(name="a", kind="csv", role="source", looked_at=12_345, rows=98_765, rejected=0)
    found.nodes.add(
        name="b", kind="csv", role="source", looked_at=7, rows=6, rejected=1, exact=True
    )
    found.nodes.add(name="g", kind="aggregate", role="step", unknown="it depends on all rows of a")
    found.nodes.add(name="z", kind="csv", role="source", looked_at=5, unknown="nobody can tell")
    reject = found.rejects.add(step="b", column="id", code="BAD", seen=1, rows=1, exact=True)
    reject.example.source, reject.example.line = "b.csv", 3
    reject.example.raw, reject.example.message = "x,1\n", "no number"
    found.rejects.add(step="a", code="WORSE", seen=2)
    found.faults.append("stopped after 10 seconds in all")
    lines = shown(answer, explain=False).splitlines()
    assert lines[0] == "expected, by the first 10 000 records of each file"
    cells = [[cell for cell in line.split("  ") if cell.strip()] for line in lines[2:6]]
    assert [[cell.strip() for cell in row] for row in cells] == [
        ["a (csv)", "12 345", "about 99 000", "none seen"],
        ["b (csv)", "7", "6", "1"],
        ["g (aggregate)", "-", "unknown", "unknown", "it depends on all rows of a"],
        ["z (csv)", "5", "unknown", "unknown", "nobody can tell"],
    ]
    assert lines[7].split("  ")[-1] == "b.csv:3: x,1\\n (no number)"
    assert lines[8].split() == ["a", "WORSE", "2", "unknown"]
    assert lines[9] == "  stopped after 10 seconds in all"


def test_columns_of_sinks_are_shown_with_what_they_are_computed_of() -> None:
    answer = pipeline_pb2.PlanPipelineResponse()
    sink = answer.report.sinks.add(name="out", kind="csv", target="o.csv", mode="replace")
    traced = answer.lineage.add(sink="out")
    for name in ("total", "rows", "odd"):
        sink.columns.add(name=name, type="bigint", nullable=True)
        traced.columns.add(column=name)
    traced.columns[0].origins.add(source="orders", column="amount")
    traced.columns[0].origins.add(source="orders", column="tax")
    traced.columns[2].unknown = "its query has a form that is not followed"
    lines = [line.split(maxsplit=2) for line in shown(answer, explain=False).splitlines()[1:]]
    assert lines == [
        ["COLUMN", "TYPE", "COMPUTED OF"],
        ["total", "bigint", "orders.amount, orders.tax"],
        ["rows", "bigint", "no column"],
        ["odd", "bigint", "unknown: its query has a form that is not followed"],
    ]
