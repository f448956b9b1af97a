"""Lets pipelines run by themselves: fires what is due, at any number of replicas at once.

There is no leader. Each replica reads what is due and tries to fire it; the store lets one of them
have its way. Waiting ends at the next known instant by the database's clock, or at the next look.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfoNotFoundError

from etlplus.domain import names
from etlplus.domain.errors import EtlError, InvalidInput, RunError, Unavailable
from etlplus.domain.job import JobError
from etlplus.domain.queueing import Queueing
from etlplus.domain.schedule import Catching, DueSchedule, ScheduleKey, catch_up
from etlplus.executor.keeping import keep
from etlplus.executor.parts import Parts
from etlplus.executor.threads import Threads

_LOG = logging.getLogger(__name__)
#: Seconds between looks when no instant is nearer: how late a schedule stored elsewhere is seen.
_LOOK: Final = 2.0
_AT_ONCE: Final = 100


class Scheduler:
    """Fires schedules until it is asked to stop."""

    def __init__(self, parts: Parts, threads: Threads, *, look: float = _LOOK) -> None:
        """Definitions are read in `threads`. `look`: seconds between looks at most."""
        self._stores = parts.stores
        self._language = parts.language
        self._threads = threads
        self._look = look

    async def keep(self, stop: asyncio.Event) -> None:
        """Fires what becomes due until `stop`, whatever happens to single sweeps."""
        await keep(self._round, stop, what="fire schedules", pause=self._look)

    async def sweep(self) -> int:
        """Fires all that is due now; how many jobs were queued."""
        queued = 0
        after: ScheduleKey | None = None
        while found := await self._stores.schedules.due(after=after, limit=_AT_ONCE):
            for due in found:
                queued += await self._see_to(due)
            after = found[-1].key
        return queued

    async def _round(self) -> float:
        await self.sweep()
        look = self._look * random.uniform(0.75, 1.25)  # noqa: S311 so that replicas spread out
        left = await self._stores.schedules.until_next()
        return look if left is None else min(look, max(0.0, left.total_seconds()))

    async def _see_to(self, due: DueSchedule) -> int:
        """Fires one schedule. Its faults are its own: they are recorded, and the others go on."""
        try:
            return await self._fire(due)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 one schedule's fault must not stop the others
            _LOG.exception("the schedule of %s could not be fired", due.pipeline)
            return 0

    async def _fire(self, due: DueSchedule) -> int:
        try:
            caught = await self._threads.call(catch_up, due)
        except (ValueError, ZoneInfoNotFoundError) as error:
            await self._record(due, Catching((), None), unusable(error))
            return 0
        try:
            spec = await self._check(due)
            queueing = await self._queueing(due, spec, caught.fire)
        except EtlError as error:
            if isinstance(error, Unavailable):
                raise
            await self._record(due, caught, error)
            return 0
        jobs = {instant: names.new_job_id() for instant in caught.fire}
        made = await self._stores.schedules.fire(due, jobs, caught.next_time, queueing=queueing)
        for job in made:
            _LOG.info("%s is run for %s as job %s", due.pipeline, job.scheduled_time, job.uid)
        if not caught.fire:
            _LOG.info("%s was not run for %s, which is past", due.pipeline, due.planned)
        return len(made)

    async def _queueing(
        self, due: DueSchedule, spec: bytes, instants: Sequence[datetime]
    ) -> Mapping[datetime, Queueing]:
        """How the run for each instant queues up."""
        params = due.state.schedule.params
        return {
            instant: await self._threads.call(self._language.queueing, spec, params, instant)
            for instant in instants
        }

    async def _check(self, due: DueSchedule) -> bytes:
        """The definition, which can take the schedule's values. Raises the language's errors."""
        version = await self._stores.pipelines.get_version(due.workspace, due.pipeline, due.version)
        params = due.state.schedule.params
        await self._threads.call(self._language.check_params, version.spec, params)
        summary = await self._threads.call(self._language.summarize, version.spec)
        if summary.streams:
            raise InvalidInput(
                f"The source {summary.streams[0]!r} is a stream, which no schedule can hand in",
                place=summary.streams[0],
            )
        return version.spec

    async def _record(self, due: DueSchedule, caught: Catching, error: EtlError) -> None:
        _LOG.warning("%s was not run for %s: %s", due.pipeline, due.planned, error)
        kept = JobError(error.code, error.message, error.place or "", error.hint or "")
        await self._stores.schedules.fail(due, caught.next_time, kept)


def unusable(error: Exception) -> RunError:
    """The error of a schedule whose instants cannot be computed here."""
    return RunError(
        f"The next instant cannot be computed: {error}",
        code="SCHEDULE_UNUSABLE",
        place="schedule",
        hint="Store the pipeline again; time zones come from the package tzdata",
    )
