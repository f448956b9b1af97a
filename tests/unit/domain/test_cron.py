"""Cron expressions: what they mean, and what is said of those that mean nothing."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etlplus.domain.cron import SHORTCUTS, CronError, parse

# Calendars know no zone.
LONG_BEFORE, EARLIEST, LATEST = (
    datetime.fromisoformat(text) for text in ("2096-03-01", "2020-01-01", "2035-01-01")
)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("*/15 * * * *", "0,15,30,45 * * * *"),
        ("5/20 * * * *", "5,25,45 * * * *"),
        ("0 0 * jan-mar mon-fri", "0 0 * 1-3 1-5"),
        ("0 0 * * SUN", "0 0 * * 7"),
        ("0 0 * * fri-sun", "0 0 * * 5-7"),
        ("0 0 * * 0-7", "0 0 * * *"),
        ("0 8-18/5 * * *", "0 8,13,18 * * *"),
        ("  0   0 * * * ", "0 0 * * *"),
        *SHORTCUTS.items(),
    ],
)
def test_two_ways_of_writing_mean_the_same(text: str, same: str) -> None:
    one, other = parse(text), parse(same)
    assert (one.minutes, one.hours, one.months) == (other.minutes, other.hours, other.months)
    assert (one.days, one.weekdays) == (other.days, other.weekdays)


def test_a_day_counts_by_number_or_weekday_when_both_are_named() -> None:
    cron = parse("0 0 13 * fri")
    days = [date(2026, 11, day) for day in range(1, 31)]
    assert [day.day for day in days if cron.has_day(day)] == [6, 13, 20, 27]
    starred = parse("0 0 */13 * fri")
    assert [day.day for day in days if starred.has_day(day)] == [27]


@pytest.mark.parametrize(
    ("text", "part", "words"),
    [
        ("60 * * * *", "60", "minute 60 is not between 0 and 59"),
        ("0 24 * * *", "24", "hour 24"),
        ("0 0 0 * *", "0", "day of month 0"),
        ("0 0 * foo *", "foo", "`foo` is not a month"),
        ("0 0 * * funday", "funday", "day of week"),
        ("0 0 * * fri-mon", "fri-mon", "ends before it starts"),
        ("*/0 * * * *", "*/0", "at least 1"),
        ("1,,2 * * * *", "2", "`` is not a minute"),
        ("* * * *", "* * * *", "five fields"),
        ("0 0 * * * *", "0 0 * * * *", "this one has 6"),
        ("", "", "this one has 0"),
        ("@dayly", "@dayly", "no `@dayly`"),
        ("0 0 30 feb *", "30 feb", "No year has such a day"),
        ("0 0 31 4,6,9,11 *", "31 4,6,9,11", "No year"),
    ],
)
def test_what_means_nothing_is_refused_at_its_place(text: str, part: str, words: str) -> None:
    with pytest.raises(CronError, match=r".") as caught:
        parse(text)
    assert words in str(caught.value)
    found = text[caught.value.start : caught.value.end]
    assert part in found or part == text[caught.value.start + 1 : caught.value.end + 1]


@pytest.mark.parametrize("text", ["0 0 29 2 *", "0 0 29 2 */7"])
def test_a_leap_day_is_found(text: str) -> None:
    found = parse(text).next_from(LONG_BEFORE)
    assert found is not None
    assert (found.month, found.day) == (2, 29)
    assert found.year >= 2104


FIELD = st.sampled_from(["*", "0", "5", "*/7", "1-5", "2,4", "3-11/2", "11"])
EXPRESSIONS = st.tuples(FIELD, FIELD, FIELD.filter(lambda t: t != "0"),
                        FIELD.filter(lambda t: t != "0"),
                        st.sampled_from(["*", "0", "1-5", "6,0", "*/2"])).map(" ".join)  # fmt: skip


@given(EXPRESSIONS, st.datetimes(EARLIEST, LATEST))
def test_the_next_minute_is_the_first_that_is_meant(text: str, start: datetime) -> None:
    cron = parse(text)
    found = cron.next_from(start)
    assert found is not None
    assert found >= start
    assert cron.has(found)
    minute = start.replace(second=0, microsecond=0)
    minute += timedelta(minutes=1) if minute < start else timedelta(0)
    # As far as walking is cheap; days in between are told by the day rule alone.
    for _ in range(3000):
        if minute >= found:
            return
        assert not cron.has(minute)
        minute += timedelta(minutes=1)
    day = minute.date()
    while day < found.date():
        assert not cron.has_day(day) or day == minute.date()
        day += timedelta(days=1)
