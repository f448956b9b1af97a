"""When pipelines run by themselves, in PostgreSQL."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg import errors
from psycopg.types.json import Jsonb

from etlplus.domain.errors import NotFound
from etlplus.domain.job import JobError
from etlplus.domain.queueing import Queueing
from etlplus.domain.schedule import (
    AUTHOR,
    Catchup,
    DueSchedule,
    Schedule,
    ScheduleKey,
    ScheduleState,
    following,
    pausing,
    schedule_missing,
)
from etlplus.store.codec import error_from, to_json
from etlplus.store.jobs import job_from, queueing_params
from etlplus.store.queries import load_queries
from etlplus.store.refusals import job_forgotten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from etlplus.domain.job import Job, NewJob
    from etlplus.store.database import Database
    from etlplus.store.hints import Hints

_SQL = load_queries("schedules")
_FIRST = ScheduleKey(datetime.min.replace(tzinfo=UTC), "", "")


class PostgresSchedules:
    """ScheduleStore in PostgreSQL."""

    def __init__(self, database: Database, hints: Hints) -> None:
        """Uses an open database; workers are told by hints."""
        self._database = database
        self._hints = hints

    async def due(self, *, after: ScheduleKey | None = None, limit: int) -> Sequence[DueSchedule]:
        """Schedules whose next instant has come, the longest waiting first, from after a key."""
        params = {**asdict(after or _FIRST), "limit": limit}
        return [_due(row) for row in await self._database.fetch_all(_SQL["due"], params)]

    async def until_next(self) -> timedelta | None:
        """How long until the next instant of any schedule; None when none is planned."""
        row = await self._database.fetch_one(_SQL["until_next"])
        return None if row is None else row["wait"]

    async def fire(
        self,
        due: DueSchedule,
        jobs: Mapping[datetime, UUID],
        next_time: datetime | None,
        *,
        queueing: Mapping[datetime, Queueing] | None = None,
    ) -> Sequence[Job]:
        """Queues a job for each instant that has none yet and moves on, all or nothing.

        Args:
            due: the schedule as it was read.
            jobs: ids for the jobs, by instant; none when all that was missed is left out.
            next_time: the next planned instant; None when there is none any more.
            queueing: how each job queues up, by instant; they differ in their keys alone.

        Returns:
            The jobs; none when another replica was first, or the schedule has changed.
        """
        how = [(queueing or {}).get(instant, Queueing()) for instant in jobs]
        params = {
            **_named(due),
            **queueing_params(how[0] if how else Queueing()),
            "keys": [each.key for each in how],
            "next_time": next_time,
            "times": list(jobs),
            "jobs": list(jobs.values()),
            "params": Jsonb(dict(due.state.schedule.params)),
            "author": AUTHOR,
        }
        async with self._database.transaction():
            made = [job_from(row) for row in await self._database.fetch_all(_SQL["fire"], params)]
            if made:
                last = {"time": made[-1].scheduled_time, "job": made[-1].uid}
                await self._database.execute(_SQL["remember"], {**_named(due), **last})
                self._hints.send(None)
        return made

    async def fail(self, due: DueSchedule, next_time: datetime | None, error: JobError) -> bool:
        """Records why nothing could be fired, and moves on. False: it has changed meanwhile."""
        params = {**_named(due), "next_time": next_time, "error": to_json(error)}
        return await self._database.fetch_one(_SQL["fail"], params) is not None

    async def run_at(self, job: NewJob) -> Job:
        """Queues a job for a planned instant, once: one that has not failed is the answer.

        Raises:
            NotFound: VERSION_NOT_FOUND.
        """
        named = {"workspace": job.workspace, "pipeline": job.pipeline, "time": job.scheduled_time}
        params = {
            **named,
            "uid": job.uid,
            "version": job.version,
            "params": Jsonb(dict(job.params)),
            "author": job.author,
            "plan_hash": job.plan_hash,
            **queueing_params(job.queueing),
        }
        try:
            row = await self._database.fetch_one(_SQL["run_at"], params)
        except errors.ForeignKeyViolation:
            raise NotFound(
                f"Pipeline {job.pipeline} has no version {job.version}.", code="VERSION_NOT_FOUND"
            ) from None
        if row is not None:
            self._hints.send(None)
            return job_from(row)
        row = await self._database.fetch_one(_SQL["fired"], named)
        if row is None:
            raise job_forgotten(job.scheduled_time)
        return job_from(row)

    async def pause(self, workspace: str, pipeline: str, *, paused: bool) -> ScheduleState:
        """Pauses a schedule, or resumes it with the first instant after now.

        Raises:
            WrongState: SCHEDULE_MISSING.
        """
        named = {"workspace": workspace, "pipeline": pipeline}
        async with self._database.transaction():
            row = await self._database.fetch_one(_SQL["lock"], named)
            if row is None:
                raise schedule_missing(pipeline)
            now = await _now(self._database)
            state = pausing(state_from(row), now, paused=paused)
            changed = {**named, "paused": paused, "next_time": state.next_time}
            await self._database.execute(_SQL["pause"], changed)
        return state


async def follow(
    database: Database, workspace: str, pipeline: str, version: int, schedule: Schedule | None
) -> ScheduleState | None:
    """Lets the schedule be that of a new version. Belongs into the version's transaction."""
    named = {"workspace": workspace, "pipeline": pipeline}
    if schedule is None:
        await database.execute(_SQL["remove"], named)
        return None
    row = await database.fetch_one(_SQL["lock"], named)
    earlier = None if row is None else state_from(row)
    state = following(schedule, earlier, await _now(database))
    params = {
        **named,
        "version": version,
        "definition": Jsonb(asdict(schedule)),
        "timing": Jsonb(list(schedule.timing)),
        "anchor": state.anchor,
        "next_time": state.next_time,
    }
    await database.execute(_SQL["save"], params)
    return state


async def forget(database: Database, workspace: str, pipeline: str) -> None:
    """Removes the schedule of a deleted pipeline. Belongs into the deletion's transaction."""
    named = {"workspace": workspace, "pipeline": pipeline}
    await database.execute(_SQL["remove"], named)
    await database.execute(_SQL["forget"], named)


def state_from(row: Mapping[str, Any]) -> ScheduleState:
    """A schedule's state from its row."""
    definition = row["definition"]
    return ScheduleState(
        schedule=Schedule(**{**definition, "catchup": Catchup(definition["catchup"])}),
        anchor=_utc(row["anchor"]),
        next_time=None if row["next_time"] is None else _utc(row["next_time"]),
        paused=row["paused"],
        last_time=None if row["last_time"] is None else _utc(row["last_time"]),
        last_job="" if row["last_job"] is None else str(row["last_job"]),
        error=error_from(row["error"]),
    )


def _due(row: Mapping[str, Any]) -> DueSchedule:
    return DueSchedule(
        workspace=row["workspace"],
        pipeline=row["pipeline"],
        version=row["version"],
        state=state_from(row),
        planned=_utc(row["next_time"]),
        now=_utc(row["now"]),
    )


def _named(due: DueSchedule) -> dict[str, object]:
    return {
        "workspace": due.workspace,
        "pipeline": due.pipeline,
        "version": due.version,
        "planned": due.planned,
    }


async def _now(database: Database) -> datetime:
    row = await database.fetch_one(_SQL["now"])
    if row is None:
        raise LookupError("a statement that always answers did not")
    return _utc(row["now"])


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
