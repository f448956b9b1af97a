"""Values are read by the type of their field; both forms of the language mean the same."""

from __future__ import annotations

import pytest

from etlplus.language import codes, parse
from etlplus.v1 import plan_pb2
from tests.unit.language.definitions import definition, sound, spec

LONG_FORM = """
{"api": "etlplus/v1", "name": "small",
 "params": [{"name": "p", "default": "x"}],
 "sources": [{"name": "s", "csv": {"uri": "in.csv", "columns": [{"name": "a", "type": "int"}]}}],
 "steps": [{"map": {"columns": [{"name": "x", "expr": "${params.p}"}]}},
           {"select": {"columns": ["x"]}}, {"limit": {"rows": "5"}},
           {"rename": {"columns": [{"column": "x", "to": "y"}]}}],
 "sinks": [{"name": "o", "csv": {"uri": "out.csv"}}],
 "limits": {"rejects": {"max": "3"}}}
"""
SHORT_FORM = definition(
    params="{p: x}",
    sources="{s: {csv: {uri: in.csv, columns: {a: int}}}}",
    steps="[{map: {x: '${params.p}'}}, {select: x}, {limit: 5}, {rename: {x: y}}]",
    limits="{rejects: 3}",
)


def test_short_and_long_forms_mean_the_same() -> None:
    assert sound(SHORT_FORM) == sound(LONG_FORM)


def test_order_of_mappings_is_kept() -> None:
    steps = "[{map: {z: '1', a: '2', m: '3'}}]"
    columns = spec(definition(steps=steps)).steps[0].map.columns
    assert [column.name for column in columns] == ["z", "a", "m"]


@pytest.mark.parametrize(
    "text", ["no", "010", "12:30:45", "1e3", "0x1F", "2024-01-01", "null", "1_0"]
)
def test_text_stays_as_it_is_written(text: str) -> None:
    steps = f"[{{map: {{x: {text}}}}}]"
    assert spec(definition(steps=steps)).steps[0].map.columns[0].expr == text


@pytest.mark.parametrize(
    ("text", "rows"), [("10", 10), ("010", 10), ("'10'", 10), ("1e3", 1000), ("5.0", 5), ("+1", 1)]
)
def test_whole_numbers(text: str, rows: int) -> None:
    assert spec(definition(steps=f"[{{limit: {text}}}]")).steps[0].limit.rows == rows


@pytest.mark.parametrize(
    "text",
    ["ten", "1.5", "-1", "0x1F", "1_000", "18446744073709551616", "9" * 400, "1e999999", "[1]"],
)
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    problems = parse(definition(steps=f"[{{limit: {text}}}]")).problems
    assert {problem.code for problem in problems} <= {codes.WRONG_TYPE, codes.WRONG_SHAPE}
    assert problems


@pytest.mark.parametrize("text", ["yes", "on", "1", "TRUE", "y"])
def test_yaml_1_1_truth_is_refused(text: str) -> None:
    source = f"{{s: {{csv: {{uri: a, header: {text}}}}}}}"
    assert [p.code for p in parse(definition(sources=source)).problems] == [codes.WRONG_TYPE]


def test_free_values_keep_every_digit() -> None:
    rows = (
        "[{a: 9007199254740993, b: 0.1, c: 9.90, d: 007, "
        "e: true, f: null, g: [1, {h: x}], i: 'no'}]"
    )
    tests = f"[{{name: t, given: {{s: {rows}}}, expect: {{s: []}}}}]"
    row = spec(definition(tests=tests)).tests[0].given["s"].values[0].struct_value.fields
    assert row["a"].string_value == "9007199254740993"
    assert row["b"].number_value == 0.1
    assert row["c"].number_value == 9.9
    assert row["d"].string_value == "007"
    assert row["e"].bool_value
    assert row["f"].HasField("null_value")
    assert row["g"].list_value.values[1].struct_value.fields["h"].string_value == "x"
    assert row["i"].string_value == "no"


@pytest.mark.parametrize(("text", "kept"), [("1.50", "1.50"), ("007", "007"), ("1e2", "1e2")])
def test_defaults_keep_their_digits(text: str, kept: str) -> None:
    assert spec(definition(params=f"{{p: {text}}}")).params[0].default.string_value == kept


def test_a_default_of_null_is_not_the_same_as_none() -> None:
    given, absent, optional = spec(
        definition(params="{a: {default: 1}, b: {type: int}, c: {default: null}}")
    ).params
    assert given.HasField("default")
    assert not absent.HasField("default")
    assert optional.default.HasField("null_value")


def test_null_means_absent() -> None:
    assert sound(definition(description="null", limits="")) == sound(definition(limits="{}"))


def test_an_empty_message_is_present() -> None:
    assert spec(definition(sources="{s: {stream: }}")).sources[0].HasField("stream")


def test_camel_case_names_are_read() -> None:
    assert spec(definition(steps="[{limit: 1, onError: fail}]")).steps[0].on_error == "fail"


def test_aliases_share_values() -> None:
    sources = "{a: &x {csv: a.csv}, b: *x}"
    found = spec(definition(sources=sources, sinks="{o: {from: a, csv: o}, p: {from: b, csv: p}}"))
    assert found.sources[0].csv == found.sources[1].csv


def test_a_place_is_given_for_every_problem() -> None:
    sources = "\n  s:\n    csv:\n      uri: a\n      colums: {}"
    text = definition(sources=sources)
    (problem,) = parse(text).problems
    assert (problem.line, problem.column, problem.length) == (7, 7, 6)
    assert problem.path == "sources.s.csv.colums"
    assert problem.excerpt == "      colums: {}\n      ^^^^^^"
    assert problem.hint == "Did you mean `columns`?"


def test_places_behind_wide_characters_line_up() -> None:
    text = definition(sources="{s: {csv: {uri: 日本, colums: 1}}}")
    (problem,) = parse(text).problems
    line, carets = problem.excerpt.split("\n")
    assert carets.index("^") == line.index("colums") + 2


def test_unknown_fields_of_bytes_do_not_change_the_canonical_form() -> None:
    data = sound(definition())
    message = plan_pb2.PipelineSpec.FromString(data)
    assert message.SerializeToString(deterministic=True) == data
