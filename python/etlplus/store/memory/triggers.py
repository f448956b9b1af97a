"""What pipelines run after, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from etlplus.domain.job import Job, JobError, NewJob
from etlplus.domain.queueing import Queueing
from etlplus.domain.trigger import (
    AUTHOR,
    DueTrigger,
    Firing,
    Success,
    TriggerKey,
    Triggers,
    TriggerState,
    Upstream,
    check_upstreams,
)
from etlplus.store.memory.arrivals import watch_state
from etlplus.store.memory.jobs import MemoryJobs
from etlplus.store.memory.state import Memory


class MemoryTriggers:
    """TriggerStore in memory."""

    def __init__(self, memory: Memory) -> None:
        """Keeps its rows in a memory."""
        self._memory = memory
        self._jobs = MemoryJobs(memory)

    async def check(self, workspace: str, pipeline: str, triggers: Triggers | None) -> None:
        """As `PostgresTriggers.check`."""
        check(self._memory, workspace, pipeline, triggers)

    async def due(self, *, after: TriggerKey | None = None, limit: int) -> Sequence[DueTrigger]:
        """As `PostgresTriggers.due`."""
        tables = self._memory.tables
        found = [
            DueTrigger(*key, tables.pipelines[key].version, state.triggers)
            for key, state in sorted(tables.triggers.items())
            if not state.paused and state.error is None and self._arrived(key, state.triggers)
        ]
        return [due for due in found if after is None or due.key > after][:limit]

    async def waiting(self, due: DueTrigger) -> Sequence[Success]:
        """As `PostgresTriggers.waiting`."""
        return _waiting(self._memory, due.workspace, due.pipeline)

    async def fire(
        self,
        due: DueTrigger,
        runs: Mapping[UUID, Firing],
        *,
        queueing: Mapping[UUID, Queueing] | None = None,
    ) -> Sequence[Job]:
        """As `PostgresTriggers.fire`."""
        key = (due.workspace, due.pipeline)
        state = self._expected(due)
        there = {success.job for success in _waiting(self._memory, *key)}
        wanted = {success.job for firing in runs.values() for success in firing.successes}
        if not runs or state is None or state.error is not None or not wanted <= there:
            return []
        for uid, firing in runs.items():
            new = NewJob(
                due.workspace, uid, due.pipeline, due.version, due.triggers.params, AUTHOR,
                scheduled_time=firing.newest.instant,
                queueing=(queueing or {}).get(uid, Queueing()),
            )  # fmt: skip
            self._jobs.add(new, zone=firing.newest.zone)
            for success in firing.successes:
                arrival = self._memory.tables.arrivals[*key, success.job]
                self._memory.tables.arrivals[*key, success.job] = replace(arrival, job=uid)
        state = replace(state, last_time=self._memory.now(), last_job=str(list(runs)[-1]))
        self._memory.tables.triggers[key] = state
        return [await self._jobs.get(due.workspace, uid) for uid in runs]

    async def fail(self, due: DueTrigger, error: JobError) -> bool:
        """As `PostgresTriggers.fail`."""
        state = self._expected(due)
        if state is None:
            return False
        self._memory.tables.triggers[due.workspace, due.pipeline] = replace(state, error=error)
        return True

    async def pause(self, workspace: str, pipeline: str, *, paused: bool) -> None:
        """As `PostgresTriggers.pause`."""
        state = self._memory.tables.triggers.get((workspace, pipeline))
        if state is not None:
            state = replace(state, paused=paused, error=state.error if paused else None)
            self._memory.tables.triggers[workspace, pipeline] = state

    async def chain(self, workspace: str, job: UUID) -> frozenset[UUID]:  # noqa: ARG002 - one chain, one workspace
        """As `PostgresTriggers.chain`."""
        links = [
            (key[2], arrival.job)
            for key, arrival in self._memory.tables.arrivals.items()
            if arrival.job is not None
        ]
        above = _reached({job}, [(below, above) for above, below in links])
        return frozenset(_reached(above, links))

    def _arrived(self, key: tuple[str, str], triggers: Triggers) -> bool:
        arrived = {success.upstream for success in _waiting(self._memory, *key)}
        return bool(triggers.after) and arrived >= set(triggers.after)

    def _expected(self, due: DueTrigger) -> TriggerState | None:
        """The state as it is now, when it is still what was read."""
        key = (due.workspace, due.pipeline)
        state = self._memory.tables.triggers.get(key)
        if state is None or state.paused:
            return None
        return state if self._memory.tables.pipelines[key].version == due.version else None


def check(memory: Memory, workspace: str, pipeline: str, triggers: Triggers | None) -> None:
    """As `PostgresTriggers.check`."""
    if triggers is None:
        return
    tables = memory.tables
    stored = [
        key[1] for key in tables.pipelines if key[0] == workspace and key not in tables.deleted
    ]
    graph = {
        key[1]: state.triggers.after
        for key, state in tables.triggers.items()
        if key[0] == workspace and key[1] != pipeline
    }
    check_upstreams(pipeline, triggers.after, stored, graph)


def follow(memory: Memory, workspace: str, pipeline: str, triggers: Triggers | None) -> None:
    """As `store.triggers.follow`; what it refuses is checked before anything is written."""
    key = (workspace, pipeline)
    tables = memory.tables
    kept = () if triggers is None else triggers.after
    for place, arrival in list(tables.arrivals.items()):
        if place[:2] == key and arrival.job is None and arrival.success.upstream not in kept:
            del tables.arrivals[place]
    if triggers is None:
        tables.triggers.pop(key, None)
        return
    earlier = tables.triggers.get(key) or TriggerState(triggers, ())
    tables.triggers[key] = replace(earlier, triggers=triggers, error=None)


def state_of(memory: Memory, workspace: str, pipeline: str) -> TriggerState | None:
    """As `store.triggers.states`, of one pipeline."""
    state = memory.tables.triggers.get((workspace, pipeline))
    if state is None:
        return None
    return replace(
        state,
        upstreams=tuple(
            _upstream(memory, workspace, pipeline, upstream) for upstream in state.triggers.after
        ),
        watch=watch_state(memory, workspace, pipeline, state.triggers),
    )


def _upstream(memory: Memory, workspace: str, pipeline: str, upstream: str) -> Upstream:
    tables = memory.tables
    key = (workspace, upstream)
    jobs = [job for job in tables.jobs.values() if (job.workspace, job.pipeline) == key]
    newest = max(jobs, key=lambda job: (job.create_time, job.uid), default=None)
    waiting = [each for each in _waiting(memory, workspace, pipeline) if each.upstream == upstream]
    return Upstream(
        pipeline=upstream,
        waiting=len(waiting),
        newest_job="" if newest is None else str(newest.uid),
        newest_state=None if newest is None else newest.state,
        deleted=key not in tables.pipelines or key in tables.deleted,
    )


def _waiting(memory: Memory, workspace: str, pipeline: str) -> list[Success]:
    """In the order in which they came: rows of a memory keep theirs."""
    return [
        arrival.success
        for key, arrival in memory.tables.arrivals.items()
        if key[:2] == (workspace, pipeline) and arrival.job is None
    ]


def _reached(start: set[UUID], links: Sequence[tuple[UUID, UUID]]) -> set[UUID]:
    found, ahead = set(start), list(start)
    while ahead:
        here = ahead.pop()
        for origin, target in links:
            if origin == here and target not in found:
                found.add(target)
                ahead.append(target)
    return found
