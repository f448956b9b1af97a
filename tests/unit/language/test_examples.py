"""Examples of a definition: what is computed for them, and when rows are equal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Value
from hypothesis import given
from hypothesis import strategies as st

from etlplus.domain.errors import InvalidInput
from etlplus.language.compare import differences
from etlplus.language.examples import Example, prepare
from etlplus.v1 import engine_pb2
from tests.unit.language.definitions import CONTEXT, definition, spec

WIDE = definition(
    params="{unused: {type: int}, least: {type: int}}",
    sources="{orders: {csv: {uri: a.csv, columns: {id: bigint}}}, "
    "users: {postgres: {connection: crm, table: u}}}",
    steps="[{name: clean, from: orders, filter: 'id > ${params.least}'}, "
    "{name: joined, sql: select * from clean join users using (id)}, {name: top, limit: 3}]",
    sinks="{o: {postgres: {connection: local, table: t}}, bad: {from: rejects, csv: bad.csv}}",
    tests="TESTS",
)  # fmt: skip


def prepared(folder: Path, test: str) -> tuple[Example, engine_pb2.Plan]:
    whole = spec(WIDE.replace("TESTS", f"[{test}]"))
    example = prepare(whole, whole.tests[0], folder, CONTEXT)
    return example, engine_pb2.Plan.FromString(example.plan)


def test_only_what_is_expected_is_computed(tmp_path: Path) -> None:
    test = (
        "{name: t, given: {orders: [{id: 1}, {id: 2}]}, "
        "expect: {clean: [{id: 2}]}, params: {least: 1}}"
    )
    example, plan = prepared(tmp_path, test)
    assert [source.name for source in plan.spec.sources] == ["orders"]
    assert [step.name for step in plan.spec.steps] == ["clean"]
    assert [getattr(sink, "from") for sink in plan.spec.sinks] == ["clean"]
    assert plan.spec.sources[0].jsonl.columns[0].type == "bigint"
    given_file = Path(plan.spec.sources[0].jsonl.uri)
    assert [json.loads(line) for line in given_file.read_text().splitlines()] == [
        {"id": 1},
        {"id": 2},
    ]
    assert [(one.name, one.value) for one in plan.params] == [("params_least", "1")]
    assert example.sinks == {"clean": "out_0"}


def test_a_step_can_be_given(tmp_path: Path) -> None:
    test = "{name: t, given: {joined: [{id: 1}]}, expect: {top: [{id: 1}]}}"
    _, plan = prepared(tmp_path, test)
    assert [source.name for source in plan.spec.sources] == ["joined"]
    assert [(step.name, getattr(step, "from")) for step in plan.spec.steps] == [("top", "joined")]
    assert not plan.params


def test_rejects_need_all_that_the_sinks_read(tmp_path: Path) -> None:
    given_rows = "given: {orders: [{id: 1}], users: [{id: 1}]}"
    _, plan = prepared(
        tmp_path, f"{{name: t, {given_rows}, expect: {{rejects: []}}, params: {{least: 1}}}}"
    )
    assert [step.name for step in plan.spec.steps] == ["clean", "joined", "top"]
    assert not plan.spec.limits.HasField("rejects")


def test_a_source_that_is_needed_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="users"):
        prepared(
            tmp_path, "{name: t, given: {orders: [{id: 1}]}, expect: {top: []}, params: {least: 1}}"
        )


def test_given_rows_are_written_with_all_their_values(tmp_path: Path) -> None:
    row = "{a: null, b: true, c: 1, d: 1.5, e: 'x\"y', f: [1, {g: z}]}"
    test = f"{{name: t, given: {{joined: [{row}]}}, expect: {{top: []}}}}"
    _, plan = prepared(tmp_path, test)
    text = Path(plan.spec.sources[0].jsonl.uri).read_text()
    assert json.loads(text) == {
        "a": None, "b": True, "c": 1, "d": 1.5, "e": 'x"y', "f": [1, {"g": "z"}],
    }  # fmt: skip


def values(row: dict[str, Any]) -> dict[str, Value]:
    found = {}
    for name, value in row.items():
        message = Value()
        if value is None:
            message.null_value = 0  # type: ignore[assignment]
        elif isinstance(value, bool):
            message.bool_value = value
        elif isinstance(value, int | float):
            message.number_value = value
        elif isinstance(value, list):
            message.list_value.values.extend(values({"x": item})["x"] for item in value)
        else:
            message.string_value = value
        found[name] = message
    return found


@pytest.mark.parametrize(
    ("expected", "actual", "kind", "equal"),
    [
        (9.9, Decimal("9.90"), "decimal(12,2)", True),
        ("9.90", Decimal("9.90"), "decimal(12,2)", True),
        ("9.900", "9.90", "decimal(12,2)", True),
        (9.91, Decimal("9.90"), "decimal(12,2)", False),
        (1, 1, "bigint", True),
        ("01", 1, "bigint", True),
        (1, "1", "text", True),
        ("01", "1", "text", False),
        (0.1, 0.1, "double precision", True),
        (True, True, "boolean", True),
        ("true", True, "boolean", True),
        (True, False, "boolean", False),
        (None, None, "bigint", True),
        (None, 0, "bigint", False),
        ("null", None, "text", False),
        ("2024-01-01", "2024-01-01", "date", True),
        ("2024-01-01 10:00:00", "2024-01-01T10:00:00", "timestamp", True),
        ("2024-01-01T10:00:00+02:00", "2024-01-01T08:00:00+00:00", "timestamptz", True),
        ("2024-01-01T10:00:00", "2024-01-01T10:00:01", "timestamp", False),
        ("x", "x", "timestamp", True),
        ([1, "a", None], [1, "a", None], "json", True),
        ([1], [2], "json", False),
    ],
)
def test_values_are_compared_as_their_type_compares(
    expected: object, actual: object, kind: str, *, equal: bool
) -> None:
    found = differences([values({"a": expected})], [{"a": actual}], {"a": kind})
    assert (found == []) == equal


def test_columns_that_are_not_named_are_not_compared() -> None:
    assert differences([values({"a": 1})], [{"a": 1, "b": 2}], {"a": "int", "b": "int"}) == []


def test_an_unknown_column_is_named() -> None:
    assert differences([values({"c": 1})], [{"a": 1}], {"a": "int"}) == [
        "there is no column `c`; there are a"
    ]


def test_what_is_missing_and_what_is_too_much_is_shown() -> None:
    expected = [values({"a": number}) for number in range(10)]
    found = differences(expected, [{"a": 100}], {"a": "int"})
    assert found[0] == 'expected, not produced: {"a": 0}'
    assert 'produced, not expected: {"a": 100}' in found
    assert found[-1] == "and 5 more"


def pairs(rows: Sequence[tuple[int, int]]) -> list[dict[str, int]]:
    return [{"a": a, "b": b} for a, b in rows]


NUMBERS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=7)


@given(rows=NUMBERS, data=st.data())
def test_rows_match_in_any_order_whatever_columns_they_name(
    rows: list[tuple[int, int]], data: st.DataObject
) -> None:
    actual = pairs(rows)
    shuffled = data.draw(st.permutations(actual))
    named = [
        {name: row[name] for name in data.draw(st.sampled_from([("a",), ("b",), ("a", "b")]))}
        for row in shuffled
    ]
    types = {"a": "int", "b": "int"}
    assert differences([values(row) for row in named], actual, types) == []
    assert differences([values(row) for row in named], [*actual, {"a": 9, "b": 9}], types)
