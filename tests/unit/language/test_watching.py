"""Files that start runs, in definitions: what they mean, and what is said of bad ones."""

from __future__ import annotations

from datetime import timedelta

import pytest

from etlplus.domain.arrival import FileTrigger
from etlplus.domain.errors import InvalidInput
from etlplus.domain.trigger import Triggers
from etlplus.language import PipelineLanguage, codes, parse
from tests.unit.language.definitions import definition, sound

LANGUAGE = PipelineLanguage()
WITH_DAY = {
    "params": "{day: {default: '${env.REGION}'}, n: {type: int, default: 1}}",
    "sources": "{s: {csv: 'in/${params.day}/${params.n}-*.csv'}}",
}


def triggers(text: str, **parts: str) -> Triggers | None:
    return LANGUAGE.summarize(sound(definition(triggers=text, **parts))).triggers


def test_they_are_read() -> None:
    assert triggers("{files: s}") == Triggers(files=FileTrigger("s", "in.csv"))
    given = triggers("{after: [orders], files: {source: s, settle: 1m30s}, params: {}}")
    assert given == Triggers(("orders",), files=FileTrigger("s", "in.csv", timedelta(seconds=90)))
    at_once = triggers("{files: {source: s, settle: 0s}}", sources="{s: {parquet: 'in/*'}}")
    assert at_once == Triggers(files=FileTrigger("s", "in/*", timedelta()))


@pytest.mark.parametrize(
    ("parts", "code", "marked"),
    [
        ({"triggers": "{files: orders}"}, codes.WATCHED_SOURCE, "orders"),
        ({"triggers": "{files: S}"}, codes.PATTERN, "S"),
        ({"triggers": "{files: {settle: 1s}}"}, codes.REQUIRED, "files"),
        ({"triggers": "{files: {source: s, settle: 25h}}"}, codes.SPAN, "25h"),
        ({"triggers": "{files: {source: s, settle: soon}}"}, codes.PATTERN, "soon"),
        (
            {"triggers": "{files: t}", "sources": "{t: {postgres: {connection: c, table: x}}}"},
            codes.WATCHED_SOURCE,
            "t",
        ),
        (
            {"triggers": "{files: s}", "sources": "{s: {csv: 'in/${run.id}.csv'}}"},
            codes.WATCHED_URI,
            "'in/",
        ),
        (
            {
                "triggers": "{files: s}",
                "params": "{day: {default: '${run.scheduled_date}'}}",
                "sources": "{s: {csv: 'in/${params.day}.csv'}}",
            },
            codes.WATCHED_URI,
            "'in/",
        ),
        (
            {
                "triggers": "{files: s}",
                "steps": "[{name: a, limit: 1}]",
                "sinks": "{o: {postgres: {connection: c, table: x}}}",
            },
            codes.WATCHED_APPEND,
            "o",
        ),
    ],
)
def test_a_fault_is_shown_where_it_is(parts: dict[str, str], code: str, marked: str) -> None:
    whole = definition(**parts)
    (problem,) = parse(whole).problems
    assert problem.code == code
    line = whole.splitlines()[problem.line - 1]
    assert line[problem.column - 1 :].startswith(marked)
    assert problem.hint


def test_what_is_appended_elsewhere_is_nobodys_business() -> None:
    text = definition(
        triggers="{files: s}",
        sources="{s: {csv: a.csv}, t: {csv: b.csv}}",
        sinks="{o: {from: s, csv: o.csv}, p: {from: t, csv: p/}, r: {from: rejects, jsonl: r/}}",
    )
    assert parse(text).problems == ()


def test_new_files_alone_may_be_appended() -> None:
    text = definition(
        triggers="{files: s}",
        sources="{s: {csv: {uri: 'a/*.csv', incremental: only_new}}}",
        sinks="{o: {postgres: {connection: c, table: x}}}",
    )
    assert parse(text).problems == ()


def test_values_are_those_of_the_triggers_or_defaults() -> None:
    env = {"REGION": "eu"}
    spec = sound(definition(triggers="{files: s}", **WITH_DAY))
    assert LANGUAGE.watched_uri(spec, {}, env) == "in/eu/1-*.csv"
    spec = sound(definition(triggers="{files: s, params: {day: x, n: 2}}", **WITH_DAY))
    assert LANGUAGE.watched_uri(spec, {"day": "x", "n": "2"}, env) == "in/x/2-*.csv"
    with pytest.raises(InvalidInput) as caught:
        LANGUAGE.watched_uri(sound(definition(triggers="{files: s}", **WITH_DAY)), {}, {})
    assert caught.value.code == "PARAM_INVALID"
    assert "REGION" in str(caught.value)
