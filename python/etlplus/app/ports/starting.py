"""Ports to what starts jobs by itself: schedules, triggers, files that arrive.

They are async, like the other stores.

Every method may raise `Unavailable` (DATABASE_UNAVAILABLE).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from etlplus.domain.arrival import FileContent
from etlplus.domain.job import Job, JobError, NewJob
from etlplus.domain.queueing import Queueing
from etlplus.domain.schedule import DueSchedule, ScheduleKey, ScheduleState
from etlplus.domain.trigger import DueTrigger, Firing, Success, TriggerKey, Triggers


class ScheduleStore(Protocol):
    """When pipelines run by themselves. Storing a pipeline brings its schedule along."""

    async def due(self, *, after: ScheduleKey | None = None, limit: int) -> Sequence[DueSchedule]:
        """Schedules whose next instant has come, the longest waiting first, from after a key."""
        ...

    async def until_next(self) -> timedelta | None:
        """How long until the next instant of any schedule; None when none is planned."""
        ...

    async def fire(
        self,
        due: DueSchedule,
        jobs: Mapping[datetime, UUID],
        next_time: datetime | None,
        *,
        queueing: Mapping[datetime, Queueing] | None = None,
    ) -> Sequence[Job]:
        """Queues a job for each instant, under the given ids, and moves on to `next_time`.

        One transaction. An instant that has its job already gets no other. None is queued, and
        nothing moved, when another replica was first or the schedule has changed since.
        """
        ...

    async def fail(self, due: DueSchedule, next_time: datetime | None, error: JobError) -> bool:
        """Records why nothing could be fired, and moves on. False: it has changed meanwhile."""
        ...

    async def run_at(self, job: NewJob) -> Job:
        """Queues a job for a planned instant, unless one has not failed: that is the answer.

        Raises:
            NotFound: VERSION_NOT_FOUND; JOB_NOT_FOUND when its job ended so long ago that it is
                deleted.
        """
        ...

    async def pause(self, workspace: str, pipeline: str, *, paused: bool) -> ScheduleState:
        """Pauses, or resumes with the first instant after now. Raises WrongState."""
        ...


class TriggerStore(Protocol):
    """What pipelines run after. Storing a pipeline brings its triggers along."""

    async def check(self, workspace: str, pipeline: str, triggers: Triggers | None) -> None:
        """Whether a pipeline may be stored with these, as storing it checks.

        Raises:
            InvalidInput: UPSTREAM_UNKNOWN, TRIGGER_CYCLE.
        """
        ...

    async def due(self, *, after: TriggerKey | None = None, limit: int) -> Sequence[DueTrigger]:
        """Triggers for which enough has arrived, in the order of keys, from after a key."""
        ...

    async def waiting(self, due: DueTrigger) -> Sequence[Success]:
        """Successes that have not started a job yet, in the order in which they came."""
        ...

    async def fire(
        self,
        due: DueTrigger,
        runs: Mapping[UUID, Firing],
        *,
        queueing: Mapping[UUID, Queueing] | None = None,
    ) -> Sequence[Job]:
        """Queues a job for each firing, under the given ids, and marks its successes as used up.

        One transaction. None is queued when another replica was first or is at it, or when the
        triggers have changed or were paused since.
        """
        ...

    async def fail(self, due: DueTrigger, error: JobError) -> bool:
        """Records why nothing can be fired, and waits. False: it has changed meanwhile."""
        ...

    async def pause(self, workspace: str, pipeline: str, *, paused: bool) -> None:
        """Holds triggers back, or lets them go on with what has arrived. Nothing if there are none.

        Resuming forgets an error.
        """
        ...

    async def chain(self, workspace: str, job: UUID) -> frozenset[UUID]:
        """The jobs that led to a job, itself, and all that these started."""
        ...


class ArrivalStore(Protocol):
    """Contents of files that have started a run: each does once, for a source of a pipeline."""

    async def watched(self, *, after: TriggerKey | None = None, limit: int) -> Sequence[DueTrigger]:
        """Triggers with files that may fire, in the order of keys, from after a key."""
        ...

    async def known(self, due: DueTrigger, contents: Collection[str]) -> frozenset[str]:
        """Those of the contents that have started a run."""
        ...

    async def fire(
        self, due: DueTrigger, job: UUID, found: Sequence[FileContent], *, queueing: Queueing
    ) -> int:
        """Queues a job under an id for the contents that have started none; how many it were.

        One transaction. None is queued when none is new, when another replica is at it, or when
        the triggers have changed or were paused since.
        """
        ...

    async def looked(self, due: DueTrigger, *, next_look: timedelta, unsettled: int) -> None:
        """Notes that a worker looked, when it looks next, and what had not settled."""
        ...
