"""Planned instants against an oracle that walks every minute, in all zones and over ten years."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etlplus.domain.cron import Cron, parse
from etlplus.domain.schedule import Schedule, instants

MINUTE = timedelta(minutes=1)
START = datetime(2024, 1, 1, tzinfo=UTC)
YEARS = 10
ZONES = sorted(available_timezones() - {"Factory", "localtime"})
#: Fixed times, times that lie in gaps, lists, every hour.
CRONS = [
    "15 2 * * *",
    "*/20 0-3 * * *",
    "0 * * * *",
    "*/7 * * * *",
    "59 23,0,1 * * 0,6",
    "30 2 1 * mon",
]

MINUTES = st.sampled_from(["*", "0", "30", "*/15", "5,35", "10-50/20"])
HOURS = st.sampled_from(["*", "0", "2", "1-3", "*/6", "0,2,23", "3"])
DAYS = st.sampled_from(["*", "1", "*/5", "24-31", "8,15,29"])
MONTHS = st.sampled_from(["*", "3,10,11", "1-6", "*/2"])
WEEKDAYS = st.sampled_from(["*", "0", "1-5", "6,0"])
EXPRESSIONS = st.tuples(MINUTES, HOURS, DAYS, MONTHS, WEEKDAYS).map(" ".join)


def walked(cron: Cron, zone: ZoneInfo, after: datetime, minutes: int) -> Iterator[datetime]:
    """What is planned, found by looking at the clock on the wall once a minute."""
    before = after.astimezone(zone).replace(tzinfo=None, fold=0)
    moment = after
    for _ in range(minutes):
        moment += MINUTE
        local = moment.astimezone(zone)
        shown = local.replace(tzinfo=None, fold=0)
        left_out = []
        while before + MINUTE < shown:
            before += MINUTE
            left_out.append(before)
        again = local.fold == 1
        if (cron.has(shown) and (not again or len(cron.hours) == 24)) or any(
            map(cron.has, left_out)
        ):
            yield moment
        before = shown


def agree(text: str, name: str, after: datetime, minutes: int) -> int:
    """Checks a stretch of time; how many instants there are in it."""
    until = after + minutes * MINUTE
    found = list(instants(Schedule(cron=text, timezone=name), after, until, START))
    assert found == list(walked(parse(text), ZoneInfo(name), after, minutes)), (text, name, after)
    return len(found)


@cache
def changes(name: str) -> list[datetime]:
    """Days of the ten years at the end of which the zone's offset is another one."""
    zone = ZoneInfo(name)
    days = [START + timedelta(days=day) for day in range(366 * YEARS)]
    offsets = [day.astimezone(zone).utcoffset() for day in days]
    return [day for day, one, two in zip(days, offsets, offsets[1:], strict=False) if one != two]


@pytest.mark.parametrize("part", range(10))
def test_around_every_change_of_every_zone(part: int) -> None:
    checked = 0
    for number, name in enumerate(ZONES[part::10]):
        found = changes(name)
        # Four of each zone, others in other zones; the next tests draw from all.
        for turn, day in enumerate(found[number % 5 :: 5]):
            checked += agree(CRONS[(number + turn) % len(CRONS)], name, day, 26 * 60)
    assert checked > 100


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS, st.sampled_from(ZONES), st.integers(0, YEARS * 365 * 1440))
def test_at_any_time(text: str, name: str, minute: int) -> None:
    assert agree(text, name, START + minute * MINUTE, 2 * 1440) >= 0


@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS, st.sampled_from([name for name in ZONES if changes(name)]), st.data())
def test_at_any_change(text: str, name: str, data: st.DataObject) -> None:
    day = data.draw(st.sampled_from(changes(name)))
    lead = data.draw(st.integers(0, 1440))
    assert agree(text, name, day - lead * MINUTE, 2 * 1440) >= 0


@pytest.mark.parametrize("name", ["Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns"])
def test_each_day_of_ten_years_has_its_run(name: str) -> None:
    until = START + timedelta(days=3653)
    found = list(instants(Schedule(cron="15 2 * * *", timezone=name), START, until, START))
    days = [instant.astimezone(ZoneInfo(name)).date() for instant in found]
    assert len(days) == len(set(days))
    assert days == [days[0] + timedelta(days=day) for day in range(len(days))]
    assert len(days) >= 3652
