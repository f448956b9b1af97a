"""Cron expressions: five fields that say which minutes of the calendar are meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun",
                  "jul", "aug", "sep", "oct", "nov", "dec")  # fmt: skip
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

#: What may stand in place of the five fields.
SHORTCUTS: Final[Mapping[str, str]] = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_PART: Final = re.compile(
    r"(?:(?P<any>\*)|(?P<low>\d{1,2}|[a-z]{3})(?:-(?P<high>\d{1,2}|[a-z]{3}))?)"
    r"(?:/(?P<step>\d{1,2}))?",
    re.IGNORECASE,
)
#: The same day of the week falls on 29 February again after at most 40 years.
_HORIZON: Final = timedelta(days=41 * 366)
_DAY: Final = timedelta(days=1)
_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_FIELDS: Final = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 7, _DAYS),
)


class CronError(ValueError):
    """A text is no cron expression.

    Attributes:
        start: where in the text the fault starts.
        end: where it ends.
        hint: what to write.
    """

    def __init__(self, message: str, start: int, end: int, hint: str = "") -> None:
        """`message` says what is wrong, without a full stop."""
        super().__init__(message)
        self.start = start
        self.end = end
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Cron:
    """Minutes of the calendar, without a time zone.

    Attributes:
        minutes: 0 to 59, ascending.
        hours: 0 to 23, ascending.
        days: days of the month, from 1.
        months: from 1.
        weekdays: from 0 for Sunday to 6.
        either_day: whether a day counts when either its number or its weekday is named; otherwise
            both must be. As in every cron, it is either when neither field starts with `*`.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    @property
    def is_hourly(self) -> bool:
        """Whether every hour is named: then the hour that clocks repeat in autumn counts twice."""
        return len(self.hours) == 24  # noqa: PLR2004 hours of a day

    def has_day(self, day: date) -> bool:
        """Whether there are minutes on this day."""
        if day.month not in self.months:
            return False
        by_number = day.day in self.days
        by_weekday = day.isoweekday() % _WEEK in self.weekdays
        return by_number or by_weekday if self.either_day else by_number and by_weekday

    def has(self, wall: datetime) -> bool:
        """Whether this minute, a time without a zone, is meant."""
        return wall.minute in self.minutes and wall.hour in self.hours and self.has_day(wall.date())

    def next_from(self, wall: datetime) -> datetime | None:
        """The first minute that is meant, not before `wall`.

        Args:
            wall: a time without a zone.

        Returns:
            Whole minutes, without a zone; None when there is none in 41 years.
        """
        if wall.second or wall.microsecond:
            wall = wall.replace(second=0, microsecond=0) + timedelta(minutes=1)
        first = self._on(wall.date(), wall.time())
        if first is not None:
            return first
        day = wall.date()
        end = min(day, date.max - _HORIZON) + _HORIZON
        while day < end:
            day += _DAY
            if day.month not in self.months:
                # To the last day of the month; the loop goes on with the first of the next.
                day = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - _DAY
                continue
            if self.has_day(day):
                return datetime.combine(day, time(self.hours[0], self.minutes[0]))
        return None

    def _on(self, day: date, start: time) -> datetime | None:
        if not self.has_day(day):
            return None
        for hour in self.hours:
            for minute in self.minutes:
                if (hour, minute) >= (start.hour, start.minute):
                    return datetime.combine(day, time(hour, minute))
        return None


def parse(text: str) -> Cron:
    """What an expression means: five fields, or a shortcut such as `@daily`.

    Raises:
        CronError: It means nothing, or names days that no year has.
    """
    stripped = text.strip()
    if stripped.startswith("@"):
        return parse(_shortcut(text, stripped))
    words = list(re.finditer(r"\S+", text))
    if len(words) != len(_FIELDS):
        raise CronError(
            f"A cron expression has five fields, this one has {len(words)}",
            0,
            len(text),
            "Write minute, hour, day of month, month and day of week, as in `15 2 * * *`",
        )
    minutes, hours, days, months, weekdays = (
        _values(field, word[0], word.start()) for field, word in zip(_FIELDS, words, strict=True)
    )
    starred = words[2][0].startswith("*") or words[4][0].startswith("*")
    cron = Cron(
        tuple(sorted(minutes)),
        tuple(sorted(hours)),
        frozenset(days),
        frozenset(months),
        frozenset(day % _WEEK for day in weekdays),
        not starred,
    )
    if cron.next_from(datetime(2000, 1, 1)) is None:  # noqa: DTZ001 a calendar has no zone
        raise CronError(
            "No year has such a day",
            words[2].start(),
            words[3].end(),
            "February has at most 29 days; April, June, September and November have 30",
        )
    return cron


def _shortcut(text: str, word: str) -> str:
    found = SHORTCUTS.get(word.lower())
    if found is None:
        start = text.index("@")
        known = ", ".join(f"`{name}`" for name in SHORTCUTS)
        raise CronError(f"There is no `{word}`", start, start + len(word), f"There are {known}")
    return found


def _values(field: _Field, word: str, start: int) -> set[int]:
    found: set[int] = set()
    at = start
    for part in word.split(","):
        found |= _part(field, part, at)
        at += len(part) + 1
    return found


def _part(field: _Field, part: str, start: int) -> set[int]:
    end = start + max(1, len(part))
    form = _PART.fullmatch(part)
    if form is None:
        raise CronError(f"`{part}` is not a {field.name}", start, end, _form(field))
    step = int(form["step"] or 1)
    if not step:
        raise CronError("A step is at least 1", start, end, "Write it as in `*/15`")
    if form["any"]:
        high = 6 if field.high == _WEEK else field.high
        return set(range(field.low, high + 1, step))
    low = _number(field, form["low"], start, end)
    if form["high"] is not None:
        high = _number(field, form["high"], start, end)
        # Sunday ends a range as well as it starts one.
        high = _WEEK if field.high == _WEEK and high == 0 < low else high
    else:
        high = (6 if field.high == _WEEK else field.high) if form["step"] else low
    if high < low:
        hint = f"Write two ranges: `{form['low']}-{field.high},{field.low}-{form['high']}`"
        raise CronError(f"The range `{part}` ends before it starts", start, end, hint)
    return set(range(low, high + 1, step))


def _number(field: _Field, word: str, start: int, end: int) -> int:
    if not word.isdigit():
        if word.lower() not in field.names:
            raise CronError(f"`{word}` is not a {field.name}", start, end, _form(field))
        return field.names.index(word.lower()) + (field.low if field.names is _MONTHS else 0)
    value = int(word)
    if not field.low <= value <= field.high:
        message = f"The {field.name} {value} is not between {field.low} and {field.high}"
        raise CronError(message, start, end, _form(field))
    return value


def _form(field: _Field) -> str:
    names = f", names ({field.names[0]} to {field.names[-1]})" if field.names else ""
    return (
        f"A {field.name} is numbers from {field.low} to {field.high}{names}, ranges (`1-5`), "
        "steps (`*/15`), or a list of these"
    )
