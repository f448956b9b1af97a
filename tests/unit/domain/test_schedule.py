"""Planned instants around changes of clocks, and what becomes of missed ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from etlplus.domain.schedule import (
    Catchup,
    DueSchedule,
    Schedule,
    ScheduleState,
    catch_up,
    instants,
    next_after,
)

ANCHOR = datetime(2026, 1, 1, 0, 0, 7, tzinfo=UTC)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def planned(schedule: Schedule, after: str, until: str) -> list[str]:
    found = instants(schedule, moment(after), moment(until), ANCHOR)
    return [instant.strftime("%d %H:%M") for instant in found]


def test_a_time_in_the_gap_becomes_the_first_instant_after_it_once() -> None:
    # On 29 March 2026 clocks in Berlin go from 02:00 to 03:00, which is 01:00 UTC.
    schedule = Schedule(cron="15,45 2 * * *", timezone="Europe/Berlin")
    found = planned(schedule, "2026-03-28T12:00Z", "2026-03-30T12:00Z")
    assert found == ["29 01:00", "30 00:15", "30 00:45"]


def test_a_fixed_time_that_occurs_twice_is_planned_at_its_first() -> None:
    # On 25 October 2026 the hour from 02:00 occurs twice: from 00:00 and from 01:00 UTC.
    schedule = Schedule(cron="30 2 * * *", timezone="Europe/Berlin")
    found = planned(schedule, "2026-10-24T12:00Z", "2026-10-26T12:00Z")
    assert found == ["25 00:30", "26 01:30"]


def test_every_hour_means_each_hour_that_passes() -> None:
    schedule = Schedule(cron="30 * * * *", timezone="Europe/Berlin")
    autumn = planned(schedule, "2026-10-24T23:00Z", "2026-10-25T03:00Z")
    assert autumn == ["24 23:30", "25 00:30", "25 01:30", "25 02:30"]
    spring = planned(schedule, "2026-03-28T23:00Z", "2026-03-29T02:00Z")
    assert spring == ["28 23:30", "29 00:30", "29 01:00", "29 01:30"]


def test_a_day_that_a_zone_left_out() -> None:
    # Samoa went from 29 to 31 December 2011.
    schedule = Schedule(cron="0 12 30 12 *", timezone="Pacific/Apia")
    found = next_after(schedule, moment("2011-12-01T00:00Z"), ANCHOR)
    assert found == moment("2011-12-30T10:00Z")


def test_intervals_are_counted_from_their_anchor() -> None:
    schedule = Schedule(every=900)
    assert next_after(schedule, ANCHOR, ANCHOR) == ANCHOR + timedelta(minutes=15)
    assert next_after(schedule, ANCHOR - timedelta(days=1), ANCHOR) == ANCHOR
    late = ANCHOR + timedelta(days=400, seconds=1)
    assert next_after(schedule, late, ANCHOR) == ANCHOR + timedelta(days=400, minutes=15)


def test_a_declared_start_is_read_in_the_zone() -> None:
    schedule = Schedule(every=3600, start="2026-10-25T02:30", timezone="Europe/Berlin")
    assert planned(schedule, "2026-10-25T00:00Z", "2026-10-25T02:00Z") == ["25 00:30", "25 01:30"]


def test_one_instant_only() -> None:
    schedule = Schedule(at="2026-12-01T09:00", timezone="Europe/Berlin")
    assert planned(schedule, "2026-01-01T00:00Z", "2027-01-01T00:00Z") == ["01 08:00"]
    assert next_after(schedule, moment("2026-12-01T08:00Z"), ANCHOR) is None
    assert planned(Schedule(at="2026-12-01T09:00+05:00"), "2026-01-01T00:00Z",
                   "2027-01-01T00:00Z") == ["01 04:00"]  # fmt: skip


@pytest.mark.parametrize(
    "schedule", [Schedule(every=86400), Schedule(cron="0 0 1 1 *"), Schedule(cron="* * * * *")]
)
def test_the_calendar_has_an_end(schedule: Schedule) -> None:
    end = datetime.max.replace(tzinfo=UTC) - timedelta(seconds=30)
    assert next_after(schedule, end, ANCHOR) is None


def due(catchup: Catchup, late: str, most: int = 10) -> DueSchedule:
    schedule = Schedule(cron="0 * * * *", catchup=catchup, max_catchup=most)
    first = moment("2026-05-01T00:00Z")
    state = ScheduleState(schedule, ANCHOR, first)
    return DueSchedule("default", "p", 1, state, first, moment(late))


@pytest.mark.parametrize(
    ("catchup", "fired"),
    [(Catchup.SKIP, []), (Catchup.ONE, [5]), (Catchup.ALL, [0, 1, 2, 3, 4, 5])],
)
def test_missed_instants_by_policy(catchup: Catchup, fired: list[int]) -> None:
    caught = catch_up(due(catchup, "2026-05-01T05:30Z"))
    assert [instant.hour for instant in caught.fire] == fired
    assert caught.next_time == moment("2026-05-01T06:00Z")


@pytest.mark.parametrize("catchup", Catchup)
def test_what_is_on_time_is_always_fired(catchup: Catchup) -> None:
    caught = catch_up(due(catchup, "2026-05-01T00:00:02Z"))
    assert caught.fire == (moment("2026-05-01T00:00Z"),)


def test_skipping_fires_the_newest_when_it_is_on_time() -> None:
    caught = catch_up(due(Catchup.SKIP, "2026-05-01T05:00:59Z"))
    assert [instant.hour for instant in caught.fire] == [5]


def test_all_has_a_cap_and_keeps_the_newest() -> None:
    caught = catch_up(due(Catchup.ALL, "2029-05-01T05:30Z", most=3))
    assert caught.fire == tuple(moment(f"2029-05-01T0{hour}:00Z") for hour in (3, 4, 5))


def test_a_planned_instant_is_fired_although_the_rules_have_changed() -> None:
    schedule = Schedule(cron="0 3 * * *", catchup=Catchup.ALL)
    first = moment("2026-05-01T02:00Z")
    state = ScheduleState(schedule, ANCHOR, first)
    caught = catch_up(DueSchedule("default", "p", 1, state, first, moment("2026-05-01T02:10Z")))
    assert caught.fire == (first,)
    assert caught.next_time == moment("2026-05-01T03:00Z")
