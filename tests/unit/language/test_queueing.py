"""How definitions let their runs queue up: what is read, what is refused, how keys are formed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from etlplus.domain.errors import InvalidInput
from etlplus.domain.queueing import Queueing
from etlplus.language import PipelineLanguage, codes, parse
from tests.unit.language.definitions import definition, sound

INSTANT = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
REGION = {
    "params": "{region: {type: string, default: eu}, day: {type: date, default: "
    "'${run.scheduled_date}'}, late: {type: string, default: '${env.LATE:-x}'}}",
    "sources": "{s: {csv: 'in/${params.region}/${params.day}/${params.late}.csv'}}",
}


def queueing(limits: str, **given: str) -> Queueing:
    spec = sound(definition(limits=limits, **REGION))
    return PipelineLanguage().queueing(spec, given, INSTANT)


def test_a_definition_that_says_nothing_is_as_usual() -> None:
    assert queueing("{timeout: 1m}") == Queueing()


def test_everything_that_is_said_is_read() -> None:
    found = queueing(
        "{concurrency: {max: 2, key: '${params.region}'}, starts: {max: 10, per: 1h30m}, "
        "priority: 0, queue: heavy}",
    )
    per = timedelta(minutes=90)
    assert found == Queueing("heavy", 0, most_running=2, most_starts=10, starts_per=per, key="eu")
    assert queueing("{concurrency: 3}").most_running == 3


def test_a_key_is_formed_of_values_and_defaults() -> None:
    limits = "{concurrency: {max: 1, key: '${params.region} ${params.day}'}}"
    assert queueing(limits).key == "eu 2026-01-31"
    assert queueing(limits, region="us", day="2026-01-01").key == "us 2026-01-01"
    zone = definition(limits=limits, **REGION, schedule="{cron: '@daily', timezone: Europe/Berlin}")
    assert PipelineLanguage().queueing(sound(zone), {}, INSTANT).key == "eu 2026-02-01"


def test_a_value_that_a_key_cannot_take_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        queueing("{concurrency: {max: 1, key: '${params.day}'}}", day="soon")
    assert caught.value.code == "PARAM_INVALID"


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ("{concurrency: 0}", codes.LIMIT),
        ("{concurrency: {key: x}}", codes.LIMIT),
        ("{starts: {max: 1}}", codes.REQUIRED),
        ("{starts: {max: 1, per: soon}}", codes.PATTERN),
        ("{starts: {max: 1, per: 0s}}", codes.SPAN),
        ("{starts: {max: 1, per: 32d}}", codes.SPAN),
        ("{starts: {max: 1001, per: 1h}}", codes.LIMIT),
        ("{priority: 101}", codes.LIMIT),
        ("{queue: Heavy}", codes.PATTERN),
        ("{queue: '${params.region}'}", codes.NOT_INTERPOLATED),
        ("{concurrency: {max: 1, key: '${env.REGION}'}}", codes.KEY_UNKNOWN),
        ("{concurrency: {max: 1, key: '${run.id}'}}", codes.KEY_UNKNOWN),
        ("{concurrency: {max: 1, key: '${params.late}'}}", codes.KEY_UNKNOWN),
        ("{concurrency: {max: 1, key: '${secret.region}'}}", codes.EXPOSED),
        ("{concurrency: {max: 1, key: '${params.nothing}'}}", codes.UNDECLARED_PARAM),
    ],
)
def test_what_is_wrong_is_said(limits: str, code: str) -> None:
    assert code in {each.code for each in parse(definition(limits=limits, **REGION)).problems}
