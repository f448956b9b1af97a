"""`${…}`: text, bound values of SQL, literals; parameters and their types."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etlplus.domain.errors import InvalidInput, RunError
from etlplus.language import codes, lower, parse
from etlplus.language.interpolate import Reference, references, replace
from etlplus.language.lowering import check_params
from etlplus.language.parameters import read
from etlplus.language.sqltext import pieces, words
from tests.unit.language.definitions import CONTEXT, definition, lowered, sound


def test_each_form_is_found() -> None:
    text = "${params.x}-${env.X:-a b}-${secret.a.b}-${run.id}-$${no}-$x"
    found = [part for part in references(text) if isinstance(part, Reference)]
    assert [(part.namespace, part.name, part.default) for part in found] == [
        ("params", "x", None),
        ("env", "X", "a b"),
        ("secret", "a.b", None),
        ("run", "id", None),
    ]


@given(st.text(alphabet="${}:-.parms x'\n", max_size=40))
def test_replacing_nothing_keeps_any_text(text: str) -> None:
    kept = replace(text, lambda reference: text[reference.start : reference.end])
    assert kept == text.replace("$${", "${")


@given(st.text(alphabet="'\"-/*\n $ab", max_size=60))
def test_pieces_of_sql_cover_it(sql: str) -> None:
    parts = list(pieces(sql))
    assert "".join(sql[start:end] for _, start, end in parts) == sql


def test_words_of_sql() -> None:
    sql = """select A."B c", 'not me' -- nor me\n from t /* nor me */ join "quo""ted" """
    assert words(sql) >= {"a", "B c", "t", 'quo"ted', "from"}
    assert not words(sql) & {"not", "nor", "me"}


@pytest.mark.parametrize("sql", ["'${params.p}'", '"${params.p}"', "'it''s ${params.p}'"])
def test_no_value_inside_quotes(sql: str) -> None:
    text = definition(params="{p: 1}", steps=f"\n- filter: |\n    x = {sql}")
    assert [problem.code for problem in parse(text).problems] == [codes.QUOTED_IN_SQL]


def test_quotes_in_a_default_are_no_quotes_of_the_sql() -> None:
    expression = "${env.X:-it's} = 'a' and ${run.id} = 'b'"
    steps = f"\n- filter: |\n    {expression}"
    plan = lowered(definition(steps=steps))
    assert plan.spec.steps[0].filter.expr.strip() == "$env_X = 'a' and $run_id = 'b'"


def test_values_in_sql_are_bound() -> None:
    hostile = "'; drop table t; --"
    plan = lowered(definition(params="{p: }", steps="[{filter: 'x = ${params.p}'}]"), p=hostile)
    assert plan.spec.steps[0].filter.expr == "x = $params_p"
    assert [(one.name, one.type, one.value) for one in plan.params] == [
        ("params_p", "string", hostile)
    ]


def test_environment_run_and_secrets_are_bound_too() -> None:
    text = "[{filter: '${env.REGION} = ${env.NONE:-x y} and ${run.id} = ${secret.a.b}'}]"
    plan = lowered(definition(steps=text))
    assert plan.spec.steps[0].filter.expr == "$env_REGION = $env_NONE and $run_id = $secret_a_b"
    assert {one.name: one.value for one in plan.params} == {
        "env_REGION": "eu",
        "env_NONE": "x y",
        "run_id": "run-1",
        "secret_a_b": "secret a.b",
    }


def test_the_same_variable_with_two_defaults_is_bound_twice() -> None:
    steps = "[{filter: '${env.NONE:-a} = ${env.NONE:-b}'}]"
    plan = lowered(definition(steps=steps))
    assert sorted(one.value for one in plan.params) == ["a", "b"]


def test_text_is_filled_in() -> None:
    plan = lowered(definition(sources="{s: {csv: 'in/${run.scheduled_date}/$${x}/*.csv'}}"))
    assert plan.spec.sources[0].csv.uri == "in/2024-02-29/${x}/*.csv"


@pytest.mark.parametrize(
    ("kind", "value", "literal"),
    [
        ("string", "it's", "'it''s'"),
        ("string", "a\\'b", "E'a\\\\''b'"),
        ("int", "+07", "7"),
        ("decimal", "1.50", "1.50"),
        ("float", "1e3", "CAST('1000.0' AS double precision)"),
        ("bool", "TRUE", "true"),
        ("date", "2024-02-29", "DATE '2024-02-29'"),
        ("timestamp", "2024-02-29 10:00", "TIMESTAMP '2024-02-29T10:00:00'"),
        (
            "timestamp",
            "2024-02-29T10:00:00-01:00",
            "TIMESTAMP WITH TIME ZONE '2024-02-29T11:00:00+00:00'",
        ),
    ],
)
def test_queries_of_databases_get_literals(kind: str, value: str, literal: str) -> None:
    source = "{s: {postgres: {connection: c, query: 'select ${params.p}'}}}"
    plan = lowered(definition(params=f"{{p: {{type: {kind}}}}}", sources=source), p=value)
    assert plan.spec.sources[0].postgres.query == f"select {literal}"


@given(st.text())
def test_no_text_breaks_out_of_a_literal(value: str) -> None:
    source = "{s: {postgres: {connection: c, query: 'select ${params.p}'}}}"
    text = definition(params="{p: }", sources=source)
    if "\0" in value:
        with pytest.raises(InvalidInput):
            lowered(text, p=value)
        return
    try:
        value.encode()
    except UnicodeEncodeError:
        return
    query = lowered(text, p=value).spec.sources[0].postgres.query
    literal = query.removeprefix("select ")
    inner = literal.removeprefix("E")[1:-1]
    assert "'" not in inner.replace("''", "")
    plain = inner.replace("\\\\", "\\") if literal.startswith("E") else inner
    assert plain.replace("''", "'") == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int", "1.0"),
        ("int", "9223372036854775808"),
        ("int", "\u0661"),
        ("float", "inf"),
        ("float", "1e400"),
        ("decimal", "1e3"),
        ("decimal", "NaN"),
        ("decimal", "1" * 39),
        ("bool", "yes"),
        ("date", "2023-02-29"),
        ("date", "20240101"),
        ("timestamp", "2024-01-01"),
        ("timestamp", "2024-01-01T00:00:00.1234567"),
        ("timestamp", "0001-01-01T00:00:00+14:00"),
        ("string", "a\0b"),
    ],
)
def test_values_that_do_not_fit_are_refused(kind: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read(kind, text)


@pytest.mark.parametrize(
    ("kind", "value", "exact"),
    [
        ("decimal", "1.50", "decimal(3,2)"),
        ("decimal", "-0.05", "decimal(2,2)"),
        ("decimal", "007", "decimal(1,0)"),
        ("decimal", "0", "decimal(1,0)"),
        ("decimal", "1" * 38, "decimal(38,0)"),
        ("timestamp", "2024-01-01T00:00", "timestamp"),
        ("timestamp", "2024-01-01T00:00Z", "timestamptz"),
        ("int", "5", "int"),
    ],
)
def test_a_bound_value_has_the_type_that_holds_it(kind: str, value: str, exact: str) -> None:
    steps = "[{filter: 'x = ${params.p}'}]"
    plan = lowered(definition(params=f"{{p: {{type: {kind}}}}}", steps=steps), p=value)
    assert [one.type for one in plan.params] == [exact]


def test_all_problems_of_values_at_once() -> None:
    text = definition(params="{a: {type: int}, b: {one_of: [x]}, c: }", steps="[{limit: 1}]")
    with pytest.raises(InvalidInput) as caught:
        lowered(text, a="one", b="y", d="z")
    assert caught.value.code == "PARAM_INVALID"
    assert [problem.code for problem in caught.value.problems] == [
        codes.PARAM_UNKNOWN,
        codes.PARAM_TYPE,
        codes.NOT_ONE_OF,
        codes.PARAM_MISSING,
    ]


def test_given_values_are_checked_before_a_run() -> None:
    data = sound(definition(params="{a: {type: int}, b: '${env.NOWHERE}'}"))
    check_params(data, {"a": "1"})
    bad: list[dict[str, str]] = [{}, {"a": "x"}, {"a": "1", "c": "2"}]
    for values in bad:
        with pytest.raises(InvalidInput) as caught:
            check_params(data, values)
        assert caught.value.code == "PARAM_INVALID"


def test_limits_hold_after_interpolation() -> None:
    text = definition(params="{p: }", sources="{s: {csv: '${params.p}'}}")
    with pytest.raises(InvalidInput) as caught:
        lowered(text, p="x" * 5000)
    assert [problem.code for problem in caught.value.problems] == [codes.LIMIT]


def test_a_missing_secret_is_the_resolver_s_error() -> None:
    def missing(name: str) -> str:
        raise RunError(f"There is no secret `{name}`", code="SECRET_UNRESOLVED")

    context = type(CONTEXT)(run_id="r", scheduled=CONTEXT.scheduled, env={}, secret=missing)
    data = sound(definition(steps="[{filter: 'x = ${secret.key}'}]"))
    with pytest.raises(RunError, match="key"):
        lower(data, {}, context)


def test_a_null_default_is_a_bound_null() -> None:
    text = definition(params="{p: {type: int, default: null}}", steps="[{filter: x = ${params.p}}]")
    text = text.replace("{filter: x = ${params.p}}", "{filter: 'x = ${params.p}'}")
    (bound,) = lowered(text).params
    assert bound.is_null
    assert bound.type == "int"
