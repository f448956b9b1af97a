"""The queue and record of jobs in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from etlplus.domain.errors import AlreadyExists, NotFound
from etlplus.domain.events import EventKind, JobEvent, LogLine
from etlplus.domain.filter import Expr, Value, matches
from etlplus.domain.job import Beat, Job, JobKey, JobState, Lease, NewJob, Settlement, SinkRollback
from etlplus.domain.queueing import QUEUE
from etlplus.domain.replay import Replay
from etlplus.domain.run import Progress
from etlplus.domain.trigger import ARRIVED, Success
from etlplus.store.bounds import EVENTS_KEPT
from etlplus.store.memory import lanes, windows
from etlplus.store.memory.events import add_lines
from etlplus.store.memory.state import Arrival, Claimed, Memory
from etlplus.store.refusals import already_replayed, lost_workers, version_not_found


class MemoryJobs:
    """JobStore in memory."""

    def __init__(self, memory: Memory) -> None:
        """Keeps its rows in a memory."""
        self._memory = memory

    async def create(self, job: NewJob) -> Job:
        """As `PostgresJobs.create`."""
        return self.add(job)

    def add(self, job: NewJob, *, zone: str = "") -> Job:
        """Adds a job to the queue at once."""
        tables = self._memory.tables
        if job.uid in tables.jobs:
            raise AlreadyExists(f"Job {job.uid} exists already.")
        if (job.workspace, job.pipeline, job.version) not in tables.versions:
            raise version_not_found(job.pipeline, job.version)
        if job.replay is not None:
            self._refuse_another(job.replay)
        made = Job(
            workspace=job.workspace,
            uid=job.uid,
            pipeline=job.pipeline,
            version=job.version,
            state=JobState.PENDING,
            params=dict(job.params),
            author=job.author,
            create_time=self._memory.now(),
            scheduled_time=job.scheduled_time,
            zone=zone or job.zone,
            replay=job.replay,
            priority=job.queueing.priority,
            queue=job.queueing.queue,
            plan_hash=job.plan_hash,
        )
        lanes.enter(self._memory, made, job.queueing)
        held = tables.triggers.get((job.workspace, job.pipeline)) if job.webhook else None
        if held is not None:
            started = replace(held, last_time=made.create_time, last_job=str(made.uid))
            tables.triggers[job.workspace, job.pipeline] = started
        self._memory.hub.wake(None)
        return self._write(made)

    def _refuse_another(self, replay: Replay) -> None:
        for other in self._memory.tables.jobs.values():
            if other.is_replaying and other.replay is not None and other.replay.of == replay.of:
                raise already_replayed(replay.of, other.uid)

    async def get(self, workspace: str, uid: UUID) -> Job:
        """As `PostgresJobs.get`."""
        return self._linked(self._found(workspace, uid))

    async def list(
        self,
        workspace: str,
        filter: Expr | None = None,  # noqa: A002 - the contract's word
        *,
        after: JobKey | None = None,
        limit: int,
        among: Collection[UUID] | None = None,
    ) -> Sequence[Job]:
        """As `PostgresJobs.list`."""
        newest = sorted(self._memory.tables.jobs.values(), key=_key, reverse=True)
        found = [
            self._linked(job)
            for job in newest
            if job.workspace == workspace
            and (filter is None or matches(filter, _fields(job)))
            and (after is None or _key(job) < (after.create_time, after.uid))
            and (among is None or job.uid in among)
        ]
        return found[:limit]

    async def request_cancel(self, workspace: str, uid: UUID) -> Job:
        """As `PostgresJobs.request_cancel`."""
        job = self._found(workspace, uid)
        if job.state is JobState.PENDING:
            now = self._memory.now()
            cancelled = replace(job, state=JobState.CANCELLED, cancel_requested=True, end_time=now)
            self._write(replace(cancelled, retry_time=None))
        elif job.state is JobState.RUNNING and not job.cancel_requested:
            self._write(replace(job, cancel_requested=True))
        return await self.get(workspace, uid)

    async def claim(
        self,
        worker: UUID,
        *,
        lease: timedelta,
        limit: int = 1,
        queues: Sequence[str] = (QUEUE,),
    ) -> Sequence[Job]:
        """As `PostgresJobs.claim`."""
        claimed: list[Job] = []
        for job in lanes.ready(self._memory, queues):
            if len(claimed) == limit:
                break
            claimed.append(self._start(job, worker, lease))
        return claimed

    def _start(self, job: Job, worker: UUID, lease: timedelta) -> Job:
        tables, now = self._memory.tables, self._memory.now()
        tables.epoch += 1
        tables.claims[job.uid] = Claimed(worker, now + lease)
        lanes.start(self._memory, job, now)
        running = replace(
            job,
            state=JobState.RUNNING,
            epoch=tables.epoch,
            attempt=job.attempt + 1,
            start_time=job.start_time or now,
            progress=Progress(),
            error=None,
            warnings=(),
            retry_time=None,
        )
        return self._write(running)

    async def heartbeat(self, leases: Sequence[Lease], *, lease: timedelta) -> Mapping[UUID, Beat]:
        """As `PostgresJobs.heartbeat`."""
        beats = {}
        for held in leases:
            job = self._held(held)
            if job is not None:
                claim = self._memory.tables.claims[held.job]
                until = self._memory.now() + lease
                self._memory.tables.claims[held.job] = replace(claim, until=until)
                beats[held.job] = Beat(job.cancel_requested, lease)
        return beats

    async def progress(self, lease: Lease, progress: Progress) -> bool:
        """As `PostgresJobs.progress`."""
        job = self._held(lease)
        if job is None:
            return False
        self._write(replace(job, progress=progress), EventKind.PROGRESS)
        return True

    async def roll_back(self, workspace: str, uid: UUID, rollbacks: Sequence[SinkRollback]) -> Job:
        """As `PostgresJobs.roll_back`."""
        job = self._found(workspace, uid)
        noted = {each.sink for each in job.rollbacks}
        fresh = tuple(each for each in rollbacks if each.sink not in noted)
        if fresh:
            windows.roll_back(
                self._memory, self._write(replace(job, rollbacks=job.rollbacks + fresh))
            )
        return await self.get(workspace, uid)

    async def settle(
        self, lease: Lease, settlement: Settlement, lines: Sequence[LogLine] = ()
    ) -> bool:
        """As `PostgresJobs.settle`."""
        job = self._held(lease)
        if job is None:
            return False
        add_lines(self._memory, lease.job, lines)
        ended = replace(
            job,
            state=settlement.state,
            end_time=self._memory.now(),
            progress=settlement.progress,
            sinks=settlement.sinks,
            rejects=settlement.rejects,
            error=settlement.error,
            warnings=settlement.warnings,
        )
        self._write(ended)
        if ended.state is JobState.SUCCEEDED:
            self._arrive(ended)
            windows.settle(self._memory, ended)
        return True

    async def retry(
        self, lease: Lease, failure: Settlement, *, delay: timedelta, counts: bool = True
    ) -> bool:
        """As `PostgresJobs.retry`."""
        job = self._held(lease)
        if job is None:
            return False
        if delay > timedelta(0) and not job.cancel_requested:
            self._memory.tables.asleep.add(job.uid)
        failed = replace(
            job,
            attempt=job.attempt if counts else job.attempt - 1,
            retries=job.retries + 1 if counts else job.retries,
            retry_time=None if job.cancel_requested else self._memory.now() + delay,
            progress=failure.progress,
            sinks=failure.sinks,
            rejects=failure.rejects,
            error=failure.error,
            warnings=failure.warnings,
        )
        self._put_back(failed)
        return True

    async def release(self, lease: Lease) -> bool:
        """As `PostgresJobs.release`."""
        job = self._held(lease)
        if job is None:
            return False
        self._put_back(replace(job, attempt=job.attempt - 1))
        return True

    async def rescue(self, *, max_lost: int = 3) -> int:
        """As `PostgresJobs.rescue`."""
        tables = self._memory.tables
        now = self._memory.now()
        lost = [uid for uid, claim in tables.claims.items() if claim.until < now]
        for uid in lost:
            job = tables.jobs[uid]
            job = replace(job, lost_leases=job.lost_leases + 1)
            if job.lost_leases >= max_lost and not job.cancel_requested:
                error = lost_workers(max_lost)
                self._write(replace(job, state=JobState.FAILED, error=error, end_time=now))
            else:
                self._put_back(job)
        return len(lost)

    async def is_current(self, lease: Lease) -> bool:
        """As `PostgresJobs.is_current`."""
        claim = self._memory.tables.claims.get(lease.job)
        held = self._held(lease) is not None
        return held and claim is not None and claim.until > self._memory.now()

    async def earlier(self, uid: UUID, *, limit: int) -> Sequence[Progress]:
        """As `PostgresJobs.earlier`."""
        tables = self._memory.tables
        own, key = tables.jobs[uid], tables.queueing[uid].key
        found = [
            job
            for job in tables.jobs.values()
            if (job.workspace, job.pipeline) == (own.workspace, own.pipeline)
            and tables.queueing[job.uid].key == key
            and job.uid != uid
            and job.state is JobState.SUCCEEDED
            and job.replay is None
            and not job.rollbacks
        ]
        return [job.progress for job in sorted(found, key=_key, reverse=True)[:limit]]

    async def live_leases(self) -> Sequence[Lease]:
        """As `PostgresJobs.live_leases`."""
        jobs = self._memory.tables.jobs
        return [Lease(uid, jobs[uid].epoch) for uid in sorted(self._memory.tables.claims)]

    def _found(self, workspace: str, uid: UUID) -> Job:
        found = self._memory.tables.jobs.get(uid)
        if found is None or found.workspace != workspace:
            raise NotFound(f"There is no job {uid}.", code="JOB_NOT_FOUND")
        return found

    def _linked(self, job: Job) -> Job:
        """With the jobs that started it, and those that it started."""
        links = self._memory.tables.arrivals.items()
        upstream = tuple(key[2] for key, arrival in links if arrival.job == job.uid)
        downstream = sorted(
            arrival.job for key, arrival in links if key[2] == job.uid and arrival.job
        )
        files = sorted(
            each.file.path for each in self._memory.tables.files.values() if each.job == job.uid
        )
        return replace(
            job,
            upstream=upstream,
            downstream=tuple(downstream),
            arrived=tuple(files[:10]),
            arrived_count=len(files),
        )

    def _arrive(self, job: Job) -> None:
        """Keeps a success for each pipeline that waits for it."""
        tables = self._memory.tables
        schedule = tables.schedules.get((job.workspace, job.pipeline))
        zone = job.zone or (schedule.schedule.timezone if schedule else "UTC")
        instant = job.scheduled_time or job.create_time
        success = Success(job.pipeline, job.uid, instant, zone)
        for (workspace, pipeline), state in tables.triggers.items():
            if workspace == job.workspace and job.pipeline in state.triggers.after:
                tables.arrivals[workspace, pipeline, job.uid] = Arrival(success)
                self._memory.hub.wake(ARRIVED)

    def _held(self, lease: Lease) -> Job | None:
        job = self._memory.tables.jobs.get(lease.job)
        holds = job is not None and job.state is JobState.RUNNING and job.epoch == lease.epoch
        return job if holds else None

    def _put_back(self, job: Job) -> None:
        if job.cancel_requested:
            self._write(replace(job, state=JobState.CANCELLED, end_time=self._memory.now()))
        else:
            self._write(replace(job, state=JobState.PENDING))
            self._memory.hub.wake(None)

    def _write(self, job: Job, kind: EventKind = EventKind.STATE) -> Job:
        tables = self._memory.tables
        job = replace(job, sequence=job.sequence + 1)
        tables.jobs[job.uid] = job
        if job.state is not JobState.RUNNING:
            tables.claims.pop(job.uid, None)
            lanes.stop(self._memory, job)
        if job.state is not JobState.PENDING:
            tables.asleep.discard(job.uid)
        event = JobEvent(
            sequence=job.sequence,
            time=self._memory.now(),
            kind=kind,
            state=job.state,
            attempt=job.attempt,
            progress=job.progress,
            error=job.error,
        )
        events = tables.events.setdefault(job.uid, [])
        events.append(event)
        del events[:-EVENTS_KEPT]
        self._memory.hub.wake(job.uid)
        return job


def _key(job: Job) -> tuple[datetime, UUID]:
    return (job.create_time, job.uid)


def _fields(job: Job) -> Mapping[str, Value | None]:
    return {
        "state": job.state.value,
        "pipeline": job.pipeline,
        "version": job.version,
        "author": job.author,
        "attempt": job.attempt,
        "create_time": job.create_time,
        "start_time": job.start_time,
        "end_time": job.end_time,
        "scheduled_time": job.scheduled_time,
        "replay_of": str(job.replay.of) if job.replay else None,
    }
