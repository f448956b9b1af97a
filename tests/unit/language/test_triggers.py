"""Triggers in definitions: what they mean, and what is said of bad ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from etlplus.domain.trigger import Triggers
from etlplus.language import PipelineLanguage, codes, lower, parse
from etlplus.v1 import engine_pb2
from tests.unit.language.definitions import CONTEXT, definition, sound

WITH_DAY = {
    "params": "{day: {type: date}, n: {type: int, one_of: [1, 2], default: 1}}",
    "sources": "{s: {csv: 'in/${params.day}/${params.n}.csv'}}",
}


def triggers(text: str, **parts: str) -> Triggers | None:
    return PipelineLanguage().summarize(sound(definition(triggers=text, **parts))).triggers


def test_they_are_read() -> None:
    assert triggers("{after: [orders, users-2]}") == Triggers(("orders", "users-2"))
    given = triggers("{after: [orders], params: {day: 2026-01-01, n: 2}}", **WITH_DAY)
    assert given == Triggers(("orders",), {"day": "2026-01-01", "n": "2"})
    assert PipelineLanguage().summarize(sound(definition())).triggers is None


@pytest.mark.parametrize(
    ("text", "code", "marked"),
    [
        ("{after: [orders, small]}", codes.TRIGGERED_BY_ITSELF, "small"),
        ("{after: [Orders]}", codes.PATTERN, "Orders"),
        ("{after: []}", codes.REQUIRED, "after"),
        ("{}", codes.REQUIRED, "triggers"),
        ("{after: [a, a]}", codes.LIMIT, "after"),
        ("{after: [a], befor: [b]}", codes.UNKNOWN_FIELD, "befor"),
        ("{after: [a], params: {m: 1}}", codes.PARAM_UNKNOWN, "m"),
    ],
)
def test_a_fault_is_shown_where_it_is(text: str, code: str, marked: str) -> None:
    whole = definition(triggers=text)
    (problem,) = parse(whole).problems
    assert problem.code == code
    line = whole.splitlines()[problem.line - 1]
    assert line[problem.column - 1 :].startswith(marked)
    assert problem.hint


def test_a_webhook_names_its_secrets() -> None:
    assert triggers("{webhook: '${secret.hooks.orders}'}") == Triggers(webhook=("hooks.orders",))
    both = "{after: [a], webhook: {secret: '${secret.new}', former: ['${secret.old}']}}"
    assert triggers(both) == Triggers(("a",), webhook=("new", "old"))
    plan = engine_pb2.Plan.FromString(lower(sound(definition(triggers=both)), {}, CONTEXT))
    assert not plan.spec.HasField("triggers")


@pytest.mark.parametrize(
    "secret",
    [
        "hunter2",
        "${env.KEY}",
        "${params.n}",
        "${secret.a}${secret.b}",
        " ${secret.a}",
        "$${secret.a}",
    ],
)
def test_a_secret_is_named_and_never_written_out(secret: str) -> None:
    for text in (
        f"{{webhook: '{secret}'}}",
        f"{{webhook: {{secret: '${{secret.a}}', former: ['{secret}']}}}}",
    ):
        found = parse(definition(triggers=text)).problems
        (problem,) = [each for each in found if each.code == codes.WRITTEN_OUT]
        assert problem.hint
        assert secret not in problem.message


def test_who_posts_may_give_what_has_no_default() -> None:
    assert triggers("{webhook: '${secret.a}'}", **WITH_DAY) == Triggers(webhook=("a",))
    (problem,) = parse(
        definition(triggers="{after: [a], webhook: '${secret.a}'}", **WITH_DAY)
    ).problems
    assert problem.code == codes.UNSCHEDULABLE


def test_a_run_by_triggers_lacks_nothing() -> None:
    (problem,) = parse(definition(triggers="{after: [a]}", **WITH_DAY)).problems
    assert problem.code == codes.UNSCHEDULABLE
    assert "when triggers start a run" in problem.message
    bad = "{after: [a], params: {day: soon, n: 3}}"
    found = [each.code for each in parse(definition(triggers=bad, **WITH_DAY)).problems]
    assert sorted(found) == sorted([codes.PARAM_TYPE, codes.NOT_ONE_OF])
    given = "{after: [a], params: {day: '${run.scheduled_date}'}}"
    (problem,) = parse(definition(triggers=given, **WITH_DAY)).problems
    assert problem.code == codes.NOT_INTERPOLATED
    streams = {"sources": "{s: {stream: {}}}", "triggers": "{after: [a]}"}
    (problem,) = parse(definition(**streams)).problems
    assert problem.code == codes.UNSCHEDULABLE
    (problem,) = parse(definition(schedule="'@daily'", **streams)).problems
    assert problem.code == codes.UNSCHEDULABLE


def test_a_run_takes_the_zone_of_its_cause() -> None:
    day = {"sources": "{s: {csv: 'in/${run.scheduled_date}.csv'}}"}
    text = sound(definition(triggers="{after: [a]}", **day))
    for zone, date in [("", "2024-02-29"), ("Pacific/Auckland", "2024-03-01")]:
        plan = engine_pb2.Plan.FromString(lower(text, {}, replace(CONTEXT, zone=zone)))
        assert plan.spec.sources[0].csv.uri == f"in/{date}.csv"
        assert not plan.spec.HasField("triggers")
