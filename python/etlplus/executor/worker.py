"""The worker: claims jobs into free slots and sees each to its end."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from etlplus.domain.errors import EtlError, Unavailable
from etlplus.domain.job import Job
from etlplus.domain.queueing import QUEUE
from etlplus.executor.arrivals.arrivals import Arrivals
from etlplus.executor.heart import Heart
from etlplus.executor.parts import Parts
from etlplus.executor.pulse import Pulse
from etlplus.executor.run import JobRun
from etlplus.executor.scheduler import Scheduler
from etlplus.executor.stopping import Reason
from etlplus.executor.sweeps import Sweeps
from etlplus.executor.threads import Threads, happens
from etlplus.executor.triggers import Triggers

_LOG = logging.getLogger(__name__)
#: Seconds between looks at the queue when no hint comes; jittered, so that replicas spread out.
_POLL = 1.0
#: How long after its last word a worker counts as one that serves its queues.
_SERVED = timedelta(seconds=20)


class Worker:
    """Runs jobs until it is asked to stop.

    Attributes:
        id: fresh for each worker, so that a restarted one never takes its old jobs for its own.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        slots: int,
        lease: timedelta,
        clock: Callable[[], float] = time.monotonic,
        queues: Sequence[str] = (QUEUE,),
        retention: timedelta | None = None,
        pulse: Pulse | None = None,
    ) -> None:
        """Runs up to `slots` jobs of `queues` at once; a silent worker loses them after `lease`.

        Jobs that ended longer ago than `retention` are deleted; never when it is None. Leases are
        renewed by `pulse`, and by the store where there is none.
        """
        self.id: UUID = uuid4()
        self._parts = parts
        self._slots = slots
        self._lease = lease
        self._clock = clock
        self._threads = Threads(slots, "etlplus-job")
        self._pulse = pulse
        self._heart = Heart(pulse or parts.stores.jobs, lease, clock)
        # Apart from the jobs: a target that is slow to answer must not hold a slot.
        self._aside = Threads(1, "etlplus-sweep")
        self._sweeps = Sweeps(parts, self._aside, retention)
        self._queues = tuple(queues)
        # Apart from both: a slow target must not make a schedule late.
        self._reading = Threads(1, "etlplus-schedule")
        self._scheduler = Scheduler(parts, self._reading)
        self._triggers = Triggers(parts, self._reading)
        self._arrivals = Arrivals(parts)
        self._runs: dict[JobRun, asyncio.Task[None]] = {}
        self._nudge = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Claims and runs until `stop`; then hands back what is not publishing, and returns."""
        drained = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._heart.keep(drained))
            tasks.create_task(self._sweeps.keep(stop))
            tasks.create_task(self._scheduler.keep(stop))
            tasks.create_task(self._triggers.keep(stop))
            tasks.create_task(self._arrivals.keep(stop))
            tasks.create_task(self._serve(stop))
            tasks.create_task(self._nudge_at(stop))
            listener = tasks.create_task(self._listen())
            try:
                await self._claim_until(stop)
                await self._drain()
            finally:
                listener.cancel()
                drained.set()
        self._threads.close()
        self._aside.close()
        self._reading.close()
        if self._pulse is not None:
            self._pulse.close()

    async def _claim_until(self, stop: asyncio.Event) -> None:
        # A claim takes all that may start: the next is due when jobs come, or there is room again.
        while not stop.is_set():
            self._nudge.clear()
            try:
                await self._claim()
            except Unavailable as error:
                _LOG.warning("no job can be claimed: %s", error)
            except Exception:  # noqa: BLE001 the next claim may work, and runs go on meanwhile
                _LOG.exception("claiming failed")
            await happens(self._nudge, random.uniform(0.75, 1.25) * _POLL)  # noqa: S311

    async def _claim(self) -> None:
        """Fills free slots."""
        free = self._slots - len(self._runs)
        if free <= 0:
            return
        asked = self._clock()
        jobs = await self._parts.stores.jobs.claim(
            self.id, lease=self._lease, limit=free, queues=self._queues
        )
        for job in jobs:
            self._start(job, asked)

    def _start(self, job: Job, asked: float) -> None:
        run = JobRun(self._parts, self._threads, job)
        self._heart.add(run.lease, run.switch, asked)
        self._runs[run] = asyncio.create_task(self._see_through(run))

    async def _see_through(self, run: JobRun) -> None:
        try:
            await run.execute()
        except Exception:  # noqa: BLE001 one job's fault must not stop the others
            _LOG.exception("job %s was dropped; its lease runs out", run.lease.job)
        finally:
            self._heart.remove(run.lease)
            was_full = len(self._runs) == self._slots
            del self._runs[run]
            if was_full:
                self._nudge.set()

    async def _serve(self, stop: asyncio.Event) -> None:
        """Tells which queues are served, so that jobs of others can be told that theirs are not."""
        queue = self._parts.stores.queue
        while not stop.is_set():
            try:
                await queue.serve(self.id, self._queues, lease=_SERVED)
            except Exception as error:  # noqa: BLE001 it is told again soon, and claims go on
                _LOG.warning("the store was not told what is served: %s", error)
            await happens(stop, _SERVED.total_seconds() / 4)
        try:
            await queue.leave(self.id)
        except EtlError as error:
            _LOG.info("the store was not told of the end: %s", error)

    async def _listen(self) -> None:
        with self._parts.stores.wakeups.subscribe(None) as wakeup:
            while True:
                if await wakeup.wait(3600):
                    self._nudge.set()

    async def _nudge_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._nudge.set()

    async def _drain(self) -> None:
        for run in self._runs:
            run.switch.throw(Reason.DRAIN)
        await asyncio.gather(*self._runs.values())
