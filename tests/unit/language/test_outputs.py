"""What the language gives out: YAML, JSON Schema, catalogue, summaries, rendered problems."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from google.protobuf.struct_pb2 import Value
from hypothesis import given
from hypothesis import strategies as st

from etlplus.app.ports import Language
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import InvalidInput
from etlplus.domain.retry import Retries
from etlplus.language import (
    PipelineLanguage,
    as_dict,
    content_hash,
    json_schema,
    json_schema_text,
    parse,
    render,
    to_yaml,
)
from etlplus.v1 import engine_pb2, plan_pb2
from tests.unit.language.definitions import definition, sound

CASES = Path(__file__).parents[2] / "golden" / "language" / "cases"
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
LINES = st.lists(TEXT, max_size=4).map("\n".join)
LANGUAGE = PipelineLanguage()


def free(value: object) -> Value:
    message = Value()
    if isinstance(value, str):
        message.string_value = value
    elif isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, float):
        message.number_value = value
    elif isinstance(value, list):
        message.list_value.values.extend(map(free, value))
    elif isinstance(value, dict):
        for name, item in value.items():
            message.struct_value.fields[name].CopyFrom(free(item))
        message.struct_value.SetInParent()
    else:
        message.null_value = 0  # type: ignore[assignment]
    return message


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | LINES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@given(
    expr=LINES.filter(bool), name=TEXT.filter(bool), row=st.dictionaries(TEXT, VALUES, max_size=3)
)
def test_any_definition_survives_writing_and_reading(
    expr: str, name: str, row: dict[str, Any]
) -> None:
    spec = plan_pb2.PipelineSpec(api="etlplus/v1", name="a", description=expr)
    spec.sources.add(name="s").csv.uri = "a.csv"
    spec.steps.add().map.columns.add(name=name, expr=expr.replace("$", "").replace("{", ""))
    spec.steps[0].map.columns[0].expr = spec.steps[0].map.columns[0].expr or "x"
    spec.sinks.add(name="o").csv.uri = "b.csv"
    spec.params.add(name="p").default.CopyFrom(free(expr.replace("$", "")))
    test = spec.tests.add(name=name)
    test.expect["s"].values.append(free(row))
    data = spec.SerializeToString(deterministic=True)
    if LANGUAGE.check(data) and any(p.severity == "error" for p in LANGUAGE.check(data)):
        return
    written = to_yaml(data)
    parsed = parse(written)
    assert parsed.spec == data, written


def test_the_schema_accepts_what_the_language_accepts() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(json_schema())
    for case in sorted(CASES.iterdir()):
        parsed = parse(next(case.glob("pipeline.*")).read_text(encoding="utf-8"))
        if parsed.spec is not None:
            shown = yaml.safe_load(to_yaml(parsed.spec))
            assert [error.message for error in validator.iter_errors(shown)] == [], case.name


@pytest.mark.parametrize(
    "text",
    [
        definition(steps="[{mapp: {x: y}}]"),
        definition(steps="[{limit: 1, filter: x}]"),
        definition(steps="[{limit: ten}]"),
        definition(sources="{s: {csv: {uri: a, delimeter: ','}}}"),
        definition(sinks="{o: {postgres: {connection: c, table: t, mode: upsert}}}"),
        definition(name="Not A Name"),
        definition(limits="{rejects: {max_ratio: 2}}"),
        definition(colour="red"),
        "name: x",
    ],
)
def test_the_schema_refuses_what_the_language_refuses(text: str) -> None:
    assert parse(text).spec is None
    assert list(jsonschema.Draft202012Validator(json_schema()).iter_errors(yaml.safe_load(text)))


def test_the_published_schema_is_current() -> None:
    published = Path(__file__).parents[3] / "docs" / "pipeline.schema.json"
    assert published.read_text(encoding="utf-8") == json_schema_text()


def test_the_catalogue_describes_every_kind() -> None:
    entries = [*LANGUAGE.connectors(), *LANGUAGE.steps()]
    assert {(entry.kind, entry.roles) for entry in entries} >= {
        ("csv", ("source",)),
        ("csv", ("sink",)),
        ("map", ("step",)),
    }
    for entry in entries:
        assert entry.summary
        schema = json.loads(entry.options_schema)
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["description"] == entry.summary


def test_options_of_a_kind_are_checked_by_its_schema() -> None:
    (entry,) = [e for e in LANGUAGE.connectors() if e.kind == "postgres" and e.roles == ("sink",)]
    validator = jsonschema.Draft202012Validator(json.loads(entry.options_schema))
    assert validator.is_valid({"connection": "local", "table": "t", "mode": "merge", "keys": "id"})
    assert not validator.is_valid({"connection": "local"})


def test_a_summary_names_what_the_control_plane_needs() -> None:
    text = definition(
        description="Daily orders",
        sources="{s: {postgres: {connection: crm, table: t}}, x: {stream: }}",
        sinks="{o: {from: s, postgres: {connection: local, table: t}}}",
        limits="{timeout: 1h30m, retries: {max: 3, max_backoff: 1h}}",
    )
    summary = LANGUAGE.summarize(sound(text))
    assert (summary.name, summary.description) == ("small", "Daily orders")
    assert summary.connections == ("crm", "local")
    assert summary.streams == ("x",)
    assert summary.timeout == 5400.0
    assert summary.retries == Retries(3, 10, 3600)
    plain = LANGUAGE.summarize(sound(definition()))
    assert (plain.timeout, plain.retries) == (None, Retries(0))
    short = LANGUAGE.summarize(sound(definition(limits="{retries: 2}")))
    assert short.retries == Retries(2, 10, 600)


def test_damaged_bytes_are_refused() -> None:
    for call in (LANGUAGE.check, LANGUAGE.summarize, to_yaml):
        with pytest.raises(InvalidInput) as caught:
            call(b"\xff\xff")
        assert caught.value.code == "SPEC_INVALID"


def test_stored_definitions_are_checked_without_a_text() -> None:
    (problem,) = LANGUAGE.check(sound(definition()).replace(b"in.csv", b"{{a}}b"))
    assert (problem.path, problem.line, problem.excerpt) == ("sources[0].csv.uri", 0, "")


def test_equal_definitions_have_equal_hashes() -> None:
    one = definition(tests="[{name: t, expect: {s: []}, given: {s: [{a: 1, b: 2}]}}]")
    other = definition(tests="[{given: {s: [{b: 2, a: 1}]}, name: t, expect: {s: []}}]")
    assert content_hash(sound(one)) == content_hash(sound(other))
    assert content_hash(sound(one)) != content_hash(sound(definition()))


def test_rendering_without_and_with_colour() -> None:
    problems = parse(definition(steps="[{limit: ten}]")).problems
    assert render(problems, "a.yaml") == (
        "error[E0203]: `rows`: `ten` is not a whole number\n"
        "  --> a.yaml:5:17 at steps[0].limit\n"
        "  5 | steps: [{limit: ten}]\n"
        "    |                 ^^^\n"
        "  = Write digits, as in `100`\n"
        "\n1 error\n"
    )
    assert "\x1b[31m" in render(problems, color=True)
    assert render([]) == ""
    assert as_dict(problems[0])["line"] == 5


def test_a_runtime_holds_what_a_run_needs() -> None:
    connection = ResolvedConnection("local", "postgres", {"host": "h", "password": "p"})
    data = LANGUAGE.runtime(
        connections=[connection],
        file_roots=["/data"],
        base_dir="/data",
        work_dir="/work",
        load_id="0" * 32,
        epoch=7,
        threads=2,
    )
    message = engine_pb2.Runtime.FromString(data)
    assert message.connections[0].options["password"] == "p"
    assert (message.epoch, message.threads, message.batch_rows) == (7, 2, 0)


def test_the_language_fits_the_application_s_port() -> None:
    language: Language = LANGUAGE
    assert language.parse(definition()).spec == sound(definition())
