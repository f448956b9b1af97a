"""When a pipeline runs by itself: which instants are planned, and what becomes of missed ones.

Clocks are moved twice a year. A planned wall-clock time that is left out then becomes the first
instant after the gap, once. One that occurs twice is planned once, at its first occurrence, unless
the expression names every hour: then it means each hour that passes. Intervals (`every`) are
absolute and know no clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from etlplus.domain.cron import Cron
from etlplus.domain.cron import parse as parse_cron
from etlplus.domain.errors import WrongState
from etlplus.domain.job import JobError

#: Who asks for the runs of a schedule.
AUTHOR: Final = "schedule"
#: An instant that is fired later than this is a missed one.
PUNCTUAL: Final = timedelta(minutes=1)
DEFAULT_MAX_CATCHUP: Final = 10
_DAY: Final = timedelta(days=1)


class Catchup(StrEnum):
    """What becomes of instants that passed while nothing could fire."""

    SKIP = "skip"
    ONE = "one"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a definition says. Exactly one of `cron`, `every` and `at` is set.

    Attributes:
        cron: five fields or a shortcut.
        every: whole seconds between instants; 0 for none.
        at: the only instant, by the wall clock of `timezone` unless it names an offset.
        timezone: a name of the tz database.
        start: of `every`, written like `at`; empty for the time of the first save.
        catchup: what becomes of missed instants.
        max_catchup: how many missed instants `all` fires at most; the newest count.
        params: values of parameters, as text.
    """

    cron: str = ""
    every: int = 0
    at: str = ""
    timezone: str = "UTC"
    start: str = ""
    catchup: Catchup = Catchup.ONE
    max_catchup: int = DEFAULT_MAX_CATCHUP
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """When it runs, in the words of the definition."""
        if self.cron:
            return f"cron {self.cron}"
        if self.at:
            return f"at {self.at}"
        return f"every {_length(self.every)}" + (f" from {self.start}" if self.start else "")

    @property
    def timing(self) -> tuple[str, int, str, str, str]:
        """All that decides which instants are planned."""
        return (self.cron, self.every, self.at, self.timezone, self.start)


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """Where a pipeline's schedule stands.

    Attributes:
        schedule: as the newest version says.
        anchor: when `every` starts to count if it does not say: the first save.
        next_time: the next planned instant; None when there is none any more.
        last_time: the latest planned instant that was fired by itself.
        last_job: its job, as text.
        error: why the latest instant could not be fired; None when it was.
    """

    schedule: Schedule
    anchor: datetime
    next_time: datetime | None
    paused: bool = False
    last_time: datetime | None = None
    last_job: str = ""
    error: JobError | None = None


@dataclass(frozen=True, slots=True, order=True)
class ScheduleKey:
    """The place of a schedule among those that are due, the longest waiting first."""

    time: datetime
    workspace: str
    pipeline: str


@dataclass(frozen=True, slots=True)
class DueSchedule:
    """A schedule whose next instant has come. `now` is the database's clock."""

    workspace: str
    pipeline: str
    version: int
    state: ScheduleState
    planned: datetime
    now: datetime

    @property
    def key(self) -> ScheduleKey:
        """Its place."""
        return ScheduleKey(self.planned, self.workspace, self.pipeline)


@dataclass(frozen=True, slots=True)
class Catching:
    """What to do about instants that are due: fire these, and go on with the next."""

    fire: tuple[datetime, ...]
    next_time: datetime | None


def next_after(schedule: Schedule, moment: datetime, anchor: datetime) -> datetime | None:
    """The first planned instant after a moment; None when there is none.

    Args:
        schedule: a sound schedule.
        moment: with a zone.
        anchor: when `every` starts to count if it does not say.

    Returns:
        In UTC.
    """
    if schedule.every:
        first = wall_clock(schedule.start, schedule.timezone) if schedule.start else anchor
        return _next_interval(first, schedule.every, moment)
    if schedule.at:
        only = wall_clock(schedule.at, schedule.timezone)
        return only if only > moment else None
    return _next_cron(_cron(schedule.cron), ZoneInfo(schedule.timezone), moment)


def instants(
    schedule: Schedule, after: datetime, until: datetime, anchor: datetime
) -> Iterator[datetime]:
    """Planned instants after one moment and not after another, in order."""
    found = next_after(schedule, after, anchor)
    while found is not None and found <= until:
        yield found
        found = next_after(schedule, found, anchor)


def catch_up(due: DueSchedule) -> Catching:
    """What a schedule's policy makes of all that is due."""
    schedule, anchor = due.state.schedule, due.state.anchor
    most = schedule.max_catchup if schedule.catchup is Catchup.ALL else 1
    fire = _newest(due, most)
    if schedule.catchup is Catchup.SKIP:
        fire = tuple(instant for instant in fire if due.now - instant <= PUNCTUAL)
    return Catching(fire, next_after(schedule, max(due.now, due.planned), anchor))


def wall_clock(text: str, timezone: str) -> datetime:
    """The instant, in UTC, of a time in ISO form: by a zone's clock unless it names an offset.

    Raises:
        ValueError: The text is no time, or the instant is out of range.
    """
    moment = datetime.fromisoformat(text)
    try:
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        return _instant(moment, ZoneInfo(timezone))
    except OverflowError:
        raise ValueError("the time is out of range") from None


def schedule_missing(pipeline: str) -> WrongState:
    """The error of pausing what does not run by itself."""
    return WrongState(
        f"The pipeline {pipeline!r} has no schedule.",
        code="SCHEDULE_MISSING",
        hint="Add `schedule`, or `triggers`, to its definition and store it.",
        metadata={"name": pipeline},
    )


def _newest(due: DueSchedule, most: int) -> tuple[datetime, ...]:
    """The newest due instants, in order. The windows grow, so that few are computed of many."""
    schedule, anchor = due.state.schedule, due.state.anchor
    window = timedelta(hours=1)
    while True:
        start = max(due.planned, due.now - window)
        passed = list(instants(schedule, start, due.now, anchor))
        if start == due.planned:
            # What was planned is fired even if the rules of its zone have changed since.
            passed.insert(0, due.planned)
        if len(passed) >= most or start == due.planned:
            return tuple(passed[-most:])
        window *= 4


def _next_interval(first: datetime, seconds: int, moment: datetime) -> datetime | None:
    if moment < first:
        return first.astimezone(UTC)
    step = timedelta(seconds=seconds)
    try:
        return (first + ((moment - first) // step + 1) * step).astimezone(UTC)
    except OverflowError:
        return None


@lru_cache(maxsize=1024)
def _cron(text: str) -> Cron:
    return parse_cron(text)


def _next_cron(cron: Cron, zone: ZoneInfo, moment: datetime) -> datetime | None:
    try:
        return _next_of_calendar(cron, zone, moment)
    except OverflowError:
        return None  # at the end of the calendar


def _next_of_calendar(cron: Cron, zone: ZoneInfo, moment: datetime) -> datetime | None:
    found = _next_first(cron, zone, moment)
    if not cron.is_hourly:
        return found
    again = _next_second(cron, zone, moment)
    return min(found, again) if found and again else found or again


def _next_first(cron: Cron, zone: ZoneInfo, moment: datetime) -> datetime | None:
    """The first instant after a moment among the first occurrences of wall-clock times."""
    wall = moment.astimezone(zone).replace(tzinfo=None, fold=0)
    while True:
        # First occurrences follow each other as their times on the wall do.
        meant = cron.next_from(wall)
        if meant is None:
            return None
        found = _instant(meant, zone)
        if found > moment:
            return found
        wall = meant + timedelta(minutes=1)


def _next_second(cron: Cron, zone: ZoneInfo, moment: datetime) -> datetime | None:
    """The first instant after a moment among the second occurrences that are near; else None."""
    before, after = moment - _DAY, moment + _DAY
    set_back = _offset(zone, before) - _offset(zone, after)
    if set_back <= timedelta(0):
        return None
    change = _change(zone, before, after)
    start = max(moment + datetime.resolution, change)
    if start >= change + set_back:
        return None
    wall = start.astimezone(zone).replace(tzinfo=None, fold=0)
    end = (change + set_back).astimezone(zone).replace(tzinfo=None, fold=0)
    meant = cron.next_from(wall)
    if meant is None or meant >= end:
        return None
    return meant.replace(tzinfo=zone, fold=1).astimezone(UTC)


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which a zone's clock shows this time, or has just passed it."""
    first = wall.replace(tzinfo=zone, fold=0)
    found = first.astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None, fold=0) == wall:
        return found
    # The clock never shows it: in a gap, the time before the change lies after the time behind it.
    return _change(zone, wall.replace(tzinfo=zone, fold=1).astimezone(UTC), found)


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first instant, to the second, that has the offset that `after` has."""
    offset = _offset(zone, after)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=1) // 2 or 1)
        if _offset(zone, middle) == offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def _length(seconds: int) -> str:
    """Seconds as a duration of the language, as in `1h30m`."""
    units = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))
    parts = []
    for unit, size in units:
        count, seconds = divmod(seconds, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts)


def following(schedule: Schedule, earlier: ScheduleState | None, now: datetime) -> ScheduleState:
    """What becomes of a schedule's state when a new version brings another schedule.

    The same timing goes on where it is, with what was missed; another one starts now.
    """
    if earlier is not None and earlier.schedule.timing == schedule.timing:
        anchor, next_time = earlier.anchor, earlier.next_time
        if next_time is None:
            next_time = next_after(schedule, now, anchor)
    else:
        anchor = now.replace(microsecond=0)
        next_time = next_after(schedule, now, anchor)
    return ScheduleState(
        schedule=schedule,
        anchor=anchor,
        next_time=next_time,
        paused=earlier is not None and earlier.paused,
        last_time=None if earlier is None else earlier.last_time,
        last_job="" if earlier is None else earlier.last_job,
    )


def pausing(state: ScheduleState, now: datetime, *, paused: bool) -> ScheduleState:
    """A schedule's state when it is paused or resumed; one that is so already stays as it is."""
    if paused == state.paused and state.error is None:
        return state
    next_time = state.next_time
    if not paused:
        next_time = next_after(state.schedule, now, state.anchor)
    return ScheduleState(
        schedule=state.schedule,
        anchor=state.anchor,
        next_time=next_time,
        paused=paused,
        last_time=state.last_time,
        last_job=state.last_job,
        error=state.error if paused else None,
    )
