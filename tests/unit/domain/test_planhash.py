"""What a plan's hash depends on, and what is told of two that differ."""

from __future__ import annotations

from dataclasses import replace

import pytest

from etlplus.domain.evolution import SchemaDiff, Standing, TableSink
from etlplus.domain.planhash import OWN, PARTS, Survey, changed, plan_hash
from etlplus.domain.run import ColumnReport, NodeReport, PlanReport, SinkReport

NODE = NodeReport("rows", "csv", (ColumnReport("id", "bigint"),), ("1 file",))
SINK = SinkReport("out", "postgres", "public.t", "append", "CREATE TABLE t")
DIFF = SchemaDiff(TableSink("out", "local", "public.t"), True, (Standing("id", "bigint"),))
SURVEY = Survey(PlanReport((NODE,), (SINK,), "explained"), (DIFF,))


def with_node(node: NodeReport) -> Survey:
    return replace(SURVEY, report=replace(SURVEY.report, nodes=(node,)))


#: Which part of the hash differs, by what differs.
OTHERS = {
    0: (b"other", b"values", SURVEY),
    1: (b"spec", b"other", SURVEY),
    2: (b"spec", b"values", with_node(replace(NODE, columns=(ColumnReport("id", "text"),)))),
    3: (b"spec", b"values", replace(SURVEY, diffs=(replace(DIFF, columns=()),))),
    4: (b"spec", b"values", replace(SURVEY, diffs=(replace(DIFF, statements=("ALTER",)),))),
}


@pytest.mark.parametrize("part", OTHERS)
def test_each_part_tells_what_changed(part: int) -> None:
    then = plan_hash(b"spec", b"values", SURVEY)
    assert changed(then, plan_hash(*OTHERS[part])) == [PARTS[part]]


def test_notes_and_the_engines_own_plan_are_no_part() -> None:
    then = plan_hash(b"spec", b"values", SURVEY)
    noted = with_node(replace(NODE, notes=("2 files",)))
    assert plan_hash(b"spec", b"values", noted) == then
    explained = replace(SURVEY, report=replace(SURVEY.report, explain="otherwise"))
    assert plan_hash(b"spec", b"values", explained) == then


def test_what_the_run_did_itself_is_left_out() -> None:
    then, now = plan_hash(b"spec", b"values", SURVEY), plan_hash(*OTHERS[3])
    assert changed(then, now, OWN) == []


def test_a_hash_of_another_form_differs_in_all() -> None:
    assert changed("0123", plan_hash(b"", b"", SURVEY)) == list(PARTS)
