"""When pipelines run by themselves, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from etlplus.domain.job import Job, JobError, JobState, NewJob
from etlplus.domain.queueing import Queueing
from etlplus.domain.schedule import (
    AUTHOR,
    DueSchedule,
    Schedule,
    ScheduleKey,
    ScheduleState,
    following,
    pausing,
    schedule_missing,
)
from etlplus.store.memory.jobs import MemoryJobs
from etlplus.store.memory.state import Memory
from etlplus.store.refusals import job_forgotten, version_not_found


class MemorySchedules:
    """ScheduleStore in memory."""

    def __init__(self, memory: Memory) -> None:
        """Keeps its rows in a memory."""
        self._memory = memory
        self._jobs = MemoryJobs(memory)

    async def due(self, *, after: ScheduleKey | None = None, limit: int) -> Sequence[DueSchedule]:
        """As `PostgresSchedules.due`."""
        now = self._memory.now()
        found = [
            DueSchedule(
                key[0], key[1], self._memory.tables.pipelines[key].version, state, time, now
            )
            for key, state in self._memory.tables.schedules.items()
            if (time := state.next_time) is not None and time <= now and not state.paused
        ]
        found.sort(key=lambda due: due.key)
        return [due for due in found if after is None or due.key > after][:limit]

    async def until_next(self) -> timedelta | None:
        """As `PostgresSchedules.until_next`."""
        times = [
            state.next_time
            for state in self._memory.tables.schedules.values()
            if state.next_time is not None and not state.paused
        ]
        return min(times) - self._memory.now() if times else None

    async def fire(
        self,
        due: DueSchedule,
        jobs: Mapping[datetime, UUID],
        next_time: datetime | None,
        *,
        queueing: Mapping[datetime, Queueing] | None = None,
    ) -> Sequence[Job]:
        """As `PostgresSchedules.fire`."""
        state = self._expected(due)
        if state is None or due.planned > self._memory.now():
            return []
        made = []
        for time, uid in jobs.items():
            key = (due.workspace, due.pipeline, time)
            if key not in self._memory.tables.fires:
                self._memory.tables.fires[key] = uid
                params = due.state.schedule.params
                new = NewJob(
                    due.workspace, uid, due.pipeline, due.version, params, AUTHOR,
                    scheduled_time=time, queueing=(queueing or {}).get(time, Queueing()),
                )  # fmt: skip
                made.append(self._jobs.add(new))
        state = replace(state, next_time=next_time, error=None)
        if made:
            last = made[-1]
            state = replace(state, last_time=last.scheduled_time, last_job=str(last.uid))
        self._memory.tables.schedules[due.workspace, due.pipeline] = state
        return made

    async def fail(self, due: DueSchedule, next_time: datetime | None, error: JobError) -> bool:
        """As `PostgresSchedules.fail`."""
        state = self._expected(due)
        if state is None:
            return False
        state = replace(state, next_time=next_time, error=error)
        self._memory.tables.schedules[due.workspace, due.pipeline] = state
        return True

    async def run_at(self, job: NewJob) -> Job:
        """As `PostgresSchedules.run_at`."""
        tables = self._memory.tables
        if (job.workspace, job.pipeline, job.version) not in tables.versions:
            raise version_not_found(job.pipeline, job.version)
        if job.scheduled_time is None:
            raise ValueError("a job for a planned instant names it")
        key = (job.workspace, job.pipeline, job.scheduled_time)
        earlier = tables.jobs.get(tables.fires[key]) if key in tables.fires else None
        if earlier is None and key in tables.fires:
            raise job_forgotten(job.scheduled_time)
        if earlier and earlier.state not in (JobState.FAILED, JobState.CANCELLED):
            return earlier
        tables.fires[key] = job.uid
        return self._jobs.add(job)

    async def pause(self, workspace: str, pipeline: str, *, paused: bool) -> ScheduleState:
        """As `PostgresSchedules.pause`."""
        key = (workspace, pipeline)
        state = self._memory.tables.schedules.get(key)
        if state is None:
            raise schedule_missing(pipeline)
        state = pausing(state, self._memory.now(), paused=paused)
        self._memory.tables.schedules[key] = state
        return state

    def _expected(self, due: DueSchedule) -> ScheduleState | None:
        """The state as it is now, when it is still what was read."""
        key = (due.workspace, due.pipeline)
        state = self._memory.tables.schedules.get(key)
        if state is None or state.paused or state.next_time != due.planned:
            return None
        return state if self._memory.tables.pipelines[key].version == due.version else None


def follow(memory: Memory, workspace: str, pipeline: str, schedule: Schedule | None) -> None:
    """As `store.schedules.follow`."""
    key = (workspace, pipeline)
    if schedule is None:
        memory.tables.schedules.pop(key, None)
        return
    earlier = memory.tables.schedules.get(key)
    memory.tables.schedules[key] = following(schedule, earlier, memory.now())


def forget(memory: Memory, workspace: str, pipeline: str) -> None:
    """As `store.schedules.forget`."""
    memory.tables.schedules.pop((workspace, pipeline), None)
    for key in [key for key in memory.tables.fires if key[:2] == (workspace, pipeline)]:
        del memory.tables.fires[key]
