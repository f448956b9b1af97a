"""Schedules in definitions: what they mean, what is said of bad ones, `${run.scheduled_…}`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from etlplus.domain.schedule import Catchup, Schedule
from etlplus.language import PipelineLanguage, codes, lower, parse
from etlplus.v1 import engine_pb2
from tests.unit.language.definitions import CONTEXT, definition, sound

WITH_DAY = {
    "params": "{day: {type: date}, n: {type: int, one_of: [1, 2], default: 1}}",
    "sources": "{s: {csv: 'in/${params.day}/${params.n}.csv'}}",
}


def schedule(text: str, **parts: str) -> Schedule | None:
    return PipelineLanguage().summarize(sound(definition(schedule=text, **parts))).schedule


def test_each_kind_is_read() -> None:
    assert schedule("'@daily'") == Schedule(cron="@daily")
    full = "{cron: 15 2 * * *, timezone: Europe/Berlin, catchup: all, max_catchup: 3}"
    zone = "Europe/Berlin"
    expected = Schedule(
        cron="15 2 * * *", timezone=zone, catchup=Catchup.ALL, max_catchup=3)  # fmt: skip
    assert schedule(full) == expected
    assert schedule("{every: 1h30m, start: 2026-01-01T00:00}") == Schedule(
        every=5400, start="2026-01-01T00:00")  # fmt: skip
    assert schedule("{at: 2026-12-01T09:00}") == Schedule(at="2026-12-01T09:00")
    given = schedule("{cron: '@daily', params: {day: 2026-01-01, n: 2}}", **WITH_DAY)
    assert given is not None
    assert given.params == {"day": "2026-01-01", "n": "2"}
    assert PipelineLanguage().summarize(sound(definition())).schedule is None


@pytest.mark.parametrize(
    ("text", "code", "marked", "hint"),
    [
        ("{cron: 15 25 * * *}", codes.CRON, "25", "from 0 to 23"),
        ("{cron: '@dayly'}", codes.CRON, "@dayly", "`@daily`"),
        ("{cron: 0 0 30 2 *}", codes.CRON, "30 2", "29 days"),
        ("{cron: '@daily', timezone: europe/berlin}", codes.ZONE, "europe/berlin", "Europe/Berlin"),
        ("{cron: '@daily', timezone: New York}", codes.ZONE, "New York", "America/New_York"),
        ("{cron: '@daily', at: 2026-12-01T09:00}", codes.TIMING, "at", "Keep one"),
        ("{timezone: UTC}", codes.TIMING, "schedule", "Keep one"),
        ("{every: 0s}", codes.INTERVAL, "0s", "15m"),
        ("{every: 99999d}", codes.INTERVAL, "99999d", "15m"),
        ("{at: 2026-02-30T09:00}", codes.SCHEDULE_TIME, "2026-02-30T09:00", "2026-12-01T09:00"),
        ("{cron: '@daily', start: 2026-01-01T00:00}", codes.SCHEDULE_OPTION, "start", "Leave it"),
        ("{cron: '@daily', catchup: most}", codes.NOT_ALLOWED, "most", "`skip`"),
        ("{cron: '@daily', params: {m: 1}}", codes.PARAM_UNKNOWN, "m", "no parameters"),
    ],
)
def test_a_fault_is_shown_where_it_is(text: str, code: str, marked: str, hint: str) -> None:
    (problem,) = parse(definition(schedule=text)).problems
    assert problem.code == code
    assert hint in problem.hint
    line = definition(schedule=text).splitlines()[problem.line - 1]
    assert line[problem.column - 1 : problem.column - 1 + problem.length].strip("'") == marked


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ("", codes.UNSCHEDULABLE),
        ("params: {day: soon}", codes.PARAM_TYPE),
        ("params: {day: [1]}", codes.PARAM_TYPE),
        ("params: {day: '${run.scheduled_date}'}", codes.NOT_INTERPOLATED),
        ("params: {day: 2026-01-01, n: 3}", codes.NOT_ONE_OF),
    ],
)
def test_a_scheduled_run_has_all_values(params: str, code: str) -> None:
    text = definition(schedule=f"{{cron: '@daily', {params}}}", **WITH_DAY)
    assert [problem.code for problem in parse(text).problems] == [code]


def test_the_planned_instant_by_the_clocks_of_the_zone() -> None:
    text = definition(
        schedule="{cron: 15 0 * * *, timezone: Europe/Berlin}",
        params='{day: {type: date, default: "${run.scheduled_date}"},'
        ' since: {type: timestamp, default: "${run.scheduled_time}"}}',
        sources="{s: {csv: 'in/${params.day}/${run.scheduled_time}.csv'}}",
        steps="[{filter: 't >= ${params.since} and t < ${run.scheduled_time}'}]",
    )
    instant = datetime(2026, 6, 30, 22, 15, tzinfo=UTC)
    plan = engine_pb2.Plan.FromString(lower(sound(text), {}, replace(CONTEXT, scheduled=instant)))
    assert plan.spec.sources[0].csv.uri == "in/2026-07-01/2026-07-01T00:15:00+02:00.csv"
    bound = {param.name: (param.type, param.value) for param in plan.params}
    same = ("timestamptz", "2026-06-30T22:15:00+00:00")
    assert bound == {"params_since": same, "run_scheduled_time": same}
    assert not plan.spec.HasField("schedule")


def test_without_a_schedule_it_is_utc() -> None:
    text = definition(sources="{s: {csv: '${run.scheduled_date}.csv'}}")
    instant = datetime.fromisoformat("2026-07-01T00:15:00+02:00")
    plan = engine_pb2.Plan.FromString(lower(sound(text), {}, replace(CONTEXT, scheduled=instant)))
    assert plan.spec.sources[0].csv.uri == "2026-06-30.csv"
