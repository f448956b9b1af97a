"""What pipelines run after, in PostgreSQL."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from etlplus.domain.job import JobState
from etlplus.domain.queueing import Queueing
from etlplus.domain.trigger import (
    AUTHOR,
    DueTrigger,
    Success,
    TriggerKey,
    Triggers,
    TriggerState,
    Upstream,
    check_upstreams,
)
from etlplus.store.arrivals import triggers_from, triggers_to_json, watch_states
from etlplus.store.codec import error_from, to_json
from etlplus.store.jobs import job_from, queueing_params
from etlplus.store.queries import load_queries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from etlplus.domain.arrival import WatchState
    from etlplus.domain.job import Job, JobError
    from etlplus.domain.trigger import Firing
    from etlplus.store.database import Database
    from etlplus.store.hints import Hints

_SQL = load_queries("triggers")
_FIRST = TriggerKey("", "")


class PostgresTriggers:
    """TriggerStore in PostgreSQL."""

    def __init__(self, database: Database, hints: Hints) -> None:
        """Uses an open database; workers are told by hints."""
        self._database = database
        self._hints = hints

    async def check(self, workspace: str, pipeline: str, triggers: Triggers | None) -> None:
        """Whether a pipeline may be stored with these.

        Raises:
            InvalidInput: UPSTREAM_UNKNOWN, TRIGGER_CYCLE.
        """
        if triggers is not None:
            await _check(self._database, workspace, pipeline, triggers)

    async def due(self, *, after: TriggerKey | None = None, limit: int) -> Sequence[DueTrigger]:
        """Triggers for which enough has arrived, in the order of keys, from after a key."""
        params = {**asdict(after or _FIRST), "limit": limit}
        return [_due(row) for row in await self._database.fetch_all(_SQL["due"], params)]

    async def waiting(self, due: DueTrigger) -> Sequence[Success]:
        """Successes that have not started a job yet, in the order in which they came."""
        rows = await self._database.fetch_all(_SQL["waiting"], _named(due))
        return [_success(row) for row in rows]

    async def fire(
        self,
        due: DueTrigger,
        runs: Mapping[UUID, Firing],
        *,
        queueing: Mapping[UUID, Queueing] | None = None,
    ) -> Sequence[Job]:
        """Queues a job for each firing, all or nothing.

        Args:
            due: the triggers as they were read.
            runs: firings, by the ids of their jobs.
            queueing: how each job queues up, by its id; they differ in their keys alone.

        Returns:
            The jobs; none when another replica was first, or the triggers have changed.
        """
        if not runs:
            return []
        how = [(queueing or {}).get(uid, Queueing()) for uid in runs]
        params = {
            **_named(due),
            **_started(due, runs),
            **queueing_params(how[0]),
            "keys": [each.key for each in how],
        }
        async with self._database.transaction():
            if await self._database.fetch_one(_SQL["hold"], params) is None:
                return []
            # A statement of its own: it sees what whoever held the row before has done.
            if await self._database.fetch_one(_SQL["used"], params) is not None:
                return []
            rows = await self._database.fetch_all(_SQL["fire"], params)
            self._hints.send(None)
        made = {row["uid"]: job_from(row) for row in rows}
        return [
            replace(made[uid], upstream=tuple(success.job for success in firing.successes))
            for uid, firing in runs.items()
        ]

    async def fail(self, due: DueTrigger, error: JobError) -> bool:
        """Records why nothing can be fired, and waits. False: it has changed meanwhile."""
        params = {**_named(due), "error": to_json(error)}
        return await self._database.fetch_one(_SQL["fail"], params) is not None

    async def pause(self, workspace: str, pipeline: str, *, paused: bool) -> None:
        """Holds triggers back, or lets them go on with what has arrived."""
        params = {"workspace": workspace, "pipeline": pipeline, "paused": paused}
        await self._database.execute(_SQL["pause"], params)

    async def chain(self, workspace: str, job: UUID) -> frozenset[UUID]:  # noqa: ARG002 - one chain, one workspace
        """The jobs that led to a job, itself, and all that these started."""
        rows = await self._database.fetch_all(_SQL["chain"], {"job": job})
        return frozenset(row["uid"] for row in rows)


async def follow(
    database: Database, workspace: str, pipeline: str, version: int, triggers: Triggers | None
) -> TriggerState | None:
    """Lets the triggers be those of a new version. Belongs into the version's transaction.

    What waits of an upstream that is still named goes on waiting.

    Raises:
        InvalidInput: UPSTREAM_UNKNOWN, TRIGGER_CYCLE.
    """
    named = {"workspace": workspace, "pipeline": pipeline}
    upstreams = [] if triggers is None else list(triggers.after)
    if triggers is None:
        await database.execute(_SQL["remove"], named)
        await database.execute(_SQL["drop_waiting"], {**named, "upstreams": upstreams})
        return None
    await _check(database, workspace, pipeline, triggers)
    definition = triggers_to_json(triggers)
    params = {
        **named, "version": version, "definition": Jsonb(definition), "upstreams": upstreams,
    }  # fmt: skip
    await database.execute(_SQL["save"], params)
    await database.execute(_SQL["drop_waiting"], params)
    return (await states(database, workspace, [pipeline]))[pipeline]


async def states(
    database: Database, workspace: str, pipelines: Sequence[str]
) -> Mapping[str, TriggerState]:
    """Where the triggers of those pipelines stand that have some."""
    params = {"workspace": workspace, "pipelines": list(pipelines)}
    rows = await database.fetch_all(_SQL["states"], params)
    watches = await watch_states(database, workspace, pipelines)
    grouped = groupby(rows, key=lambda row: str(row["pipeline"]))
    return {pipeline: _state(list(of_it), watches.get(pipeline)) for pipeline, of_it in grouped}


async def _check(database: Database, workspace: str, pipeline: str, triggers: Triggers) -> None:
    named = {"workspace": workspace, "pipeline": pipeline, "names": list(triggers.after)}
    async with database.transaction():
        await database.execute(_SQL["one_at_a_time"], named)
        stored = await database.fetch_all(_SQL["stored"], named)
        graph = await database.fetch_all(_SQL["graph"], named)
    check_upstreams(
        pipeline,
        triggers.after,
        [row["name"] for row in stored],
        {row["pipeline"]: row["upstreams"] for row in graph},
    )


def _started(due: DueTrigger, runs: Mapping[UUID, Firing]) -> dict[str, object]:
    used = [(success.job, uid) for uid, firing in runs.items() for success in firing.successes]
    return {
        "jobs": list(runs),
        "instants": [firing.newest.instant for firing in runs.values()],
        "zones": [firing.newest.zone for firing in runs.values()],
        "successes": [job for job, _ in used],
        "started": [uid for _, uid in used],
        "params": Jsonb(dict(due.triggers.params)),
        "author": AUTHOR,
        "last": list(runs)[-1],
    }


def _state(rows: Sequence[Mapping[str, Any]], watch: WatchState | None) -> TriggerState:
    first = rows[0]
    return TriggerState(
        triggers=triggers_from(first["definition"]),
        upstreams=tuple(
            Upstream(
                pipeline=row["upstream"],
                waiting=row["waiting"],
                newest_job="" if row["newest_job"] is None else str(row["newest_job"]),
                newest_state=None if row["newest_state"] is None else JobState(row["newest_state"]),
                deleted=row["deleted"],
            )
            for row in rows
            if row["upstream"] is not None
        ),
        paused=first["paused"],
        last_time=first["last_time"],
        last_job="" if first["last_job"] is None else str(first["last_job"]),
        error=error_from(first["error"]),
        watch=watch,
    )


def _due(row: Mapping[str, Any]) -> DueTrigger:
    return DueTrigger(
        workspace=row["workspace"],
        pipeline=row["pipeline"],
        version=row["version"],
        triggers=triggers_from(row["definition"]),
    )


def _success(row: Mapping[str, Any]) -> Success:
    return Success(row["upstream"], row["upstream_job"], row["instant"], row["zone"])


def _named(due: DueTrigger) -> dict[str, object]:
    return {"workspace": due.workspace, "pipeline": due.pipeline, "version": due.version}
