"""Which waiting jobs may start, in memory: turns, lanes with limits, jobs that sleep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from etlplus.domain.job import Job, JobState
from etlplus.domain.queueing import POINT, Queueing
from etlplus.store.memory.state import Lane, Memory


def enter(memory: Memory, job: Job, queueing: Queueing) -> None:
    """Notes how a new job queues up; limits of the newest hold for all in its lane."""
    tables = memory.tables
    tables.queueing[job.uid] = queueing
    if queueing.is_limited:
        name = lane_of(memory, job)
        earlier = tables.lanes.get(name, Lane(queueing))
        tables.lanes[name] = replace(earlier, limits=queueing)


def lane_of(memory: Memory, job: Job) -> str:
    """The lane that a job waits in: its queue, or the runs that it shares a limit with."""
    queueing = memory.tables.queueing[job.uid]
    if not queueing.is_limited:
        return queueing.queue
    return f"{job.workspace}/{job.pipeline}/{queueing.key}"


def ready(memory: Memory, queues: Sequence[str]) -> Iterator[Job]:
    """Jobs that may start, each with the room that those before it have left, by their turn."""
    tables, now = memory.tables, memory.now()
    waiting = [
        job
        for job in tables.jobs.values()
        if job.state is JobState.PENDING and job.uid not in tables.asleep and job.queue in queues
    ]
    for job in sorted(waiting, key=turn):
        lane = tables.lanes.get(lane_of(memory, job))
        if lane is None or lane.room(now) > 0:
            yield job


def turn(job: Job) -> tuple[datetime, UUID]:
    """Where a job stands in the queue: by its age and what its priority is worth."""
    return ((job.retry_time or job.create_time) - job.priority * POINT, job.uid)


def start(memory: Memory, job: Job, now: datetime) -> None:
    """Takes a place in the job's lane."""
    name = lane_of(memory, job)
    lane = memory.tables.lanes.get(name)
    if lane is not None:
        most = lane.limits.most_starts or 0
        started = (*lane.started, now)[-most:] if most else ()
        running = (*lane.running, job.uid)
        memory.tables.lanes[name] = replace(lane, running=running, started=started)


def stop(memory: Memory, job: Job) -> None:
    """Gives the job's place free."""
    name = lane_of(memory, job)
    lane = memory.tables.lanes.get(name)
    if lane is not None and job.uid in lane.running:
        left = tuple(uid for uid in lane.running if uid != job.uid)
        memory.tables.lanes[name] = replace(lane, running=left)
        memory.hub.wake(None)
