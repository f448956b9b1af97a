"""Checks a definition's schedule, and reads it as the control plane's value."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from zoneinfo import available_timezones

from etlplus.domain import cron
from etlplus.domain.schedule import DEFAULT_MAX_CATCHUP, Catchup, Schedule, wall_clock
from etlplus.language import codes
from etlplus.language.durations import seconds
from etlplus.language.findings import Findings
from etlplus.language.interpolate import looks_interpolated
from etlplus.language.scalars import shorten
from etlplus.language.suggest import closest
from etlplus.language.text import Path
from etlplus.language.unattended import SCHEDULE, check_unattended, given_params
from etlplus.v1 import plan_pb2

UTC: Final = "UTC"
_TIMINGS: Final = ("cron", "every", "at")
_ROOT: Final[Path] = (SCHEDULE,)
_LONGEST_DAYS: Final = 3660
_DAY_SECONDS: Final = 86_400
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
#: Names that stand for something else on each machine.
_LOCAL_NAMES: Final = frozenset({"localtime", "Factory"})


def read_schedule(spec: plan_pb2.PipelineSpec) -> Schedule | None:
    """Return the schedule of a sound definition; None when it has none."""
    if not spec.HasField("schedule"):
        return None
    found = spec.schedule
    return Schedule(
        cron=found.cron,
        every=int(seconds(found.every) or 0),
        at=found.at,
        timezone=found.timezone or UTC,
        start=found.start,
        catchup=Catchup(found.catchup or Catchup.ONE),
        max_catchup=found.max_catchup if found.HasField("max_catchup") else DEFAULT_MAX_CATCHUP,
        params=given_params(found.params),
    )


def check_schedule(spec: plan_pb2.PipelineSpec, findings: Findings, broken: set[Path]) -> None:
    """Report what is wrong with the schedule, and what a run by it would lack."""
    if not spec.HasField("schedule") or _ROOT in broken:
        return
    checker = _Checker(spec, findings, broken)
    checker.timing()
    zone = checker.zone()
    checker.cron()
    checker.interval()
    checker.times(zone)
    checker.options()
    check_unattended(spec, spec.schedule.params, SCHEDULE, findings)


class _Checker:
    """Checks one schedule. A field that could not be read is not looked at."""

    def __init__(self, spec: plan_pb2.PipelineSpec, findings: Findings, broken: set[Path]) -> None:
        self._spec = spec
        self._schedule = spec.schedule
        self._findings = findings
        self._broken = broken

    def _text(self, name: str) -> str:
        """Return a field's text; nothing when it is absent, broken, or reported elsewhere."""
        text: str = getattr(self._schedule, name)
        unreadable = (*_ROOT, name) in self._broken or looks_interpolated(text)
        return "" if unreadable else text

    def _add(self, code: str, message: str, name: str, known: str = "") -> None:
        self._findings.add(code, message, (*_ROOT, name), known)

    def timing(self) -> None:
        """Exactly one of `cron`, `every` and `at` is given."""
        given = [name for name in _TIMINGS if getattr(self._schedule, name)]
        for name in given[1:]:
            message = f"A schedule has either `{given[0]}` or `{name}`, not both"
            self._findings.add(codes.TIMING, message, (*_ROOT, name), on_key=True)
        if not given and not any((*_ROOT, name) in self._broken for name in _TIMINGS):
            self._findings.add(codes.TIMING, "The schedule does not say when", _ROOT, on_key=True)

    def zone(self) -> str:
        """Return the zone by whose clocks the schedule goes; UTC when that is not known."""
        name = self._text("timezone")
        if not name or name in _zones():
            return name or UTC
        message = f"There is no time zone `{shorten(name)}`"
        meant = closest(name, _zones()) or _by_city(name)
        known = f"Did you mean `{meant}`?" if meant else ""
        self._add(codes.ZONE, message, "timezone", known)
        return UTC

    def cron(self) -> None:
        """The expression means something."""
        text = self._text("cron")
        if not text:
            return
        try:
            cron.parse(text)
        except cron.CronError as error:
            part = (text, error.start, error.end)
            path = (*_ROOT, "cron")
            self._findings.inside(codes.CRON, str(error), path, part, error.hint)

    def interval(self) -> None:
        """The interval is whole seconds."""
        text = self._text("every")
        length = seconds(text)
        if length is None:
            return
        if length < 1 or length != int(length):
            message = f"`{shorten(text)}` is not a whole number of seconds from 1 on"
            self._add(codes.INTERVAL, message, "every")
        elif length > _LONGEST_DAYS * _DAY_SECONDS:
            message = f"`{shorten(text)}` is longer than {_LONGEST_DAYS} days"
            self._add(codes.INTERVAL, message, "every")

    def times(self, zone: str) -> None:
        """`at` and `start` are times of the calendar."""
        for name in ("at", "start"):
            text = self._text(name)
            if text and not _is_time(text, zone):
                message = f"`{shorten(text)}` is not a point in time"
                self._add(codes.SCHEDULE_TIME, message, name)

    def options(self) -> None:
        """Options stand only where they do something."""
        if self._schedule.start and not self._schedule.every:
            message = "`start` is the first instant of `every`, which is not given"
            self._findings.add(codes.SCHEDULE_OPTION, message, (*_ROOT, "start"), on_key=True)
        if self._schedule.HasField("max_catchup") and self._schedule.catchup != Catchup.ALL:
            message = "`max_catchup` is for `catchup: all`"
            path = (*_ROOT, "max_catchup")
            self._findings.add(codes.SCHEDULE_OPTION, message, path, on_key=True)


def _is_time(text: str, zone: str) -> bool:
    if not _TIME.fullmatch(text):
        return False
    try:
        wall_clock(text, zone)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - _LOCAL_NAMES) | {UTC}


def _by_city(name: str) -> str | None:
    """Return the zone that a city alone stands for."""
    cities = {zone.rpartition("/")[2]: zone for zone in sorted(_zones())}
    meant = closest(name.replace(" ", "_"), cities)
    return cities[meant] if meant else None
