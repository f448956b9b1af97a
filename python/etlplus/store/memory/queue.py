"""The queue as a whole in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from etlplus.domain.job import Job, JobState
from etlplus.domain.queueing import Standing
from etlplus.store.memory.lanes import lane_of
from etlplus.store.memory.state import Memory


class MemoryQueue:
    """QueueStore in memory."""

    def __init__(self, memory: Memory) -> None:
        """Keeps its rows in a memory."""
        self._memory = memory

    async def awaken(self) -> int:
        """As `PostgresQueue.awaken`."""
        tables, now = self._memory.tables, self._memory.now()
        due = {
            uid for uid in tables.asleep if (time := tables.jobs[uid].retry_time) and time <= now
        }
        tables.asleep -= due
        if due:
            self._memory.hub.wake(None)
        return len(due)

    async def serve(self, worker: UUID, queues: Sequence[str], *, lease: timedelta) -> None:
        """As `PostgresQueue.serve`."""
        until = self._memory.now() + lease
        self._memory.tables.workers[worker] = (frozenset(queues), until)

    async def leave(self, worker: UUID) -> None:
        """As `PostgresQueue.leave`."""
        self._memory.tables.workers.pop(worker, None)

    async def standings(self, jobs: Sequence[UUID]) -> Mapping[UUID, Standing]:
        """As `PostgresQueue.standings`."""
        found = (self._memory.tables.jobs.get(uid) for uid in jobs)
        return {
            job.uid: self._standing(job)
            for job in found
            if job is not None and job.state is JobState.PENDING
        }

    async def forget_jobs(self, *, age: timedelta, limit: int) -> Sequence[UUID]:
        """As `PostgresQueue.forget_jobs`."""
        tables, now = self._memory.tables, self._memory.now()
        old = sorted(
            (job.end_time, job.uid)
            for job in tables.jobs.values()
            if job.end_time is not None and job.end_time < now - age
            if not any(
                key[0] == job.uid and kept.begun and kept.told.state == "OPEN"
                for key, kept in tables.windows.items()
            )
        )
        gone = [uid for _, uid in old[:limit]]
        for uid in gone:
            del tables.jobs[uid]
            del tables.queueing[uid]
            tables.events.pop(uid, None)
            for key in [key for key in tables.windows if key[0] == uid]:
                del tables.windows[key]
            tables.lines.pop(uid, None)
            for link in [link for link, kept in tables.arrivals.items() if kept.job == uid]:
                del tables.arrivals[link]
        return gone

    async def forget_lanes(self) -> None:
        """As `PostgresQueue.forget_lanes`."""
        tables = self._memory.tables
        waiting = {
            lane_of(self._memory, job)
            for job in tables.jobs.values()
            if job.state is JobState.PENDING
        }
        now = self._memory.now()
        for name, lane in list(tables.lanes.items()):
            if not lane.running and name not in waiting and lane.is_idle(now):
                del tables.lanes[name]

    def _standing(self, job: Job) -> Standing:
        tables, now = self._memory.tables, self._memory.now()
        queueing = tables.queueing[job.uid]
        lane = tables.lanes.get(lane_of(self._memory, job))
        if lane is not None:
            limits = lane.limits
            queueing = replace(
                queueing,
                most_running=limits.most_running,
                most_starts=limits.most_starts,
                starts_per=limits.starts_per,
            )
        served = any(
            job.queue in queues and until > now for queues, until in tables.workers.values()
        )
        waits = job.retry_time is not None and (job.uid in tables.asleep or job.retry_time > now)
        return Standing(
            queueing=queueing,
            served=served,
            retry=job.retries,
            retry_time=job.retry_time if waits else None,
            running=0 if lane is None else len(lane.running),
            started=() if lane is None else lane.lately(now),
        )


class MemoryHistory:
    """HistoryStore in memory, where ended jobs cost a claim nothing: they stay where they are."""

    async def archive(self, *, rest: timedelta) -> int:
        """As `PostgresHistory.archive`, of which a reader notices nothing."""
        del rest
        return 0

    async def forget(self, *, age: timedelta) -> int:
        """As `PostgresHistory.forget`; `MemoryQueue.forget_jobs` deletes all that is old."""
        del age
        return 0
