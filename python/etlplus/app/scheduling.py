"""Use cases of schedules: pausing, resuming, and what is planned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from etlplus.app.access import enter
from etlplus.app.paging import Page, PageTokens, page_size
from etlplus.app.ports import Stores
from etlplus.domain import names
from etlplus.domain.errors import InvalidInput, WrongState
from etlplus.domain.pipeline import Pipeline
from etlplus.domain.principal import Principal
from etlplus.domain.schedule import Schedule, instants, next_after, schedule_missing
from etlplus.domain.trigger import Triggers

_END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """An instant, and the same by the clocks of the schedule's zone."""

    instant: datetime
    local: datetime


class Scheduling:
    """Pauses and resumes schedules, and tells what they plan. Names are resource names."""

    def __init__(self, stores: Stores, tokens: PageTokens) -> None:
        """Schedules are kept with their pipelines."""
        self._stores = stores
        self._tokens = tokens

    async def pause(self, caller: Principal, name: str, *, paused: bool) -> Pipeline:
        """Pauses what runs a pipeline by itself, or resumes it.

        A schedule goes on with the first instant after now, triggers with what they kept meanwhile.

        Raises:
            NotFound: PIPELINE_NOT_FOUND.
            WrongState: SCHEDULE_MISSING.
        """
        workspace, pipeline = names.parse_pipeline(name)
        found = await self._stores.pipelines.get(enter(caller, workspace), pipeline)
        if found.triggers is None:
            state = await self._stores.schedules.pause(workspace, pipeline, paused=paused)
            return replace(found, schedule=state)
        await self._stores.triggers.pause(workspace, pipeline, paused=paused)
        if found.schedule is not None:
            await self._stores.schedules.pause(workspace, pipeline, paused=paused)
        return await self._stores.pipelines.get(workspace, pipeline)

    async def upcoming(
        self,
        caller: Principal,
        name: str,
        *,
        after: datetime | None = None,
        until: datetime | None = None,
        size: int = 0,
        page_token: str = "",
    ) -> Page[PlannedRun]:
        """Planned instants in order, after one moment (now) and not after another.

        Raises:
            NotFound: PIPELINE_NOT_FOUND.
            WrongState: SCHEDULE_MISSING.
            InvalidInput: PAGE_TOKEN_INVALID.
        """
        workspace, pipeline = names.parse_pipeline(name)
        found = await self._stores.pipelines.get(enter(caller, workspace), pipeline)
        if found.schedule is None:
            raise schedule_missing(pipeline)
        limit = page_size(size)
        arguments = {"list": "upcoming", "parent": name, "after": str(after), "until": str(until)}
        start = after or datetime.now(UTC)
        if page_token:
            start = datetime.fromisoformat((await self._tokens.read(arguments, page_token))[0])
        schedule, anchor = found.schedule.schedule, found.schedule.anchor
        planned_ones = instants(schedule, start, until or _END, anchor)
        runs = runs_of(schedule, list(islice(planned_ones, limit + 1)))
        if len(runs) <= limit:
            return Page(runs, "")
        key = [runs[limit - 1].instant.isoformat()]
        return Page(runs[:limit], await self._tokens.write(arguments, key))


def runs_of(schedule: Schedule, found: list[datetime]) -> tuple[PlannedRun, ...]:
    """Instants with what clocks show then in the schedule's zone."""
    zone = ZoneInfo(schedule.timezone)
    return tuple(PlannedRun(instant, instant.astimezone(zone)) for instant in found)


def planned(pipeline: Pipeline, instant: datetime) -> Schedule:
    """The pipeline's schedule, when it plans this instant.

    Raises:
        WrongState: SCHEDULE_MISSING.
        InvalidInput: INSTANT_NOT_PLANNED.
    """
    if pipeline.schedule is None:
        raise schedule_missing(pipeline.name)
    schedule, anchor = pipeline.schedule.schedule, pipeline.schedule.anchor
    just_before = instant - datetime.resolution
    if next_after(schedule, just_before, anchor) != instant:
        raise InvalidInput(
            f"The schedule of {pipeline.name!r} plans no run at {instant.isoformat()}",
            code="INSTANT_NOT_PLANNED",
            place="scheduled_time",
            hint="ListUpcomingRuns lists the planned instants; `etlplus schedule next` shows them",
            metadata={"name": pipeline.name, "time": instant.isoformat()},
        )
    return schedule


def unpaused(pipeline: Pipeline) -> Triggers:
    """The pipeline's triggers, when they may start a run.

    Raises:
        WrongState: TRIGGERS_PAUSED, SCHEDULE_MISSING.
    """
    if pipeline.triggers is None:
        raise schedule_missing(pipeline.name)
    if pipeline.triggers.paused:
        raise WrongState(
            f"What runs {pipeline.name!r} by itself is paused",
            code="TRIGGERS_PAUSED",
            hint=f"`etlplus schedule resume {pipeline.name}`, then send it again",
            metadata={"name": pipeline.name},
        )
    return pipeline.triggers.triggers
