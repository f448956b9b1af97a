"""Lets pipelines run after others: fires what has arrived, at any number of replicas at once.

There is no leader, and nothing is kept in memory: a success is stored by the statement that settles
its job, and waits there until one replica fires it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Final

from etlplus.domain import names
from etlplus.domain.errors import EtlError, Unavailable
from etlplus.domain.job import JobError
from etlplus.domain.trigger import ARRIVED, DueTrigger, TriggerKey, firings
from etlplus.executor.keeping import keep
from etlplus.executor.parts import Parts
from etlplus.executor.threads import Threads

_LOG = logging.getLogger(__name__)
#: Seconds between looks. A hint makes one at once; it can be lost, and then it is this late.
_LOOK: Final = 1.0
_AT_ONCE: Final = 100


class Triggers:
    """Fires triggers until it is asked to stop."""

    def __init__(self, parts: Parts, threads: Threads, *, look: float = _LOOK) -> None:
        """Definitions are read in `threads`. `look`: seconds between looks."""
        self._stores = parts.stores
        self._language = parts.language
        self._threads = threads
        self._look = look

    async def keep(self, stop: asyncio.Event) -> None:
        """Fires what arrives until `stop`, whatever happens to single sweeps."""
        with self._stores.wakeups.subscribe(ARRIVED) as hints:
            await keep(self._round, stop, what="fire triggers", pause=self._look, sooner=hints)

    async def _round(self) -> float:
        await self.sweep()
        return self._look * random.uniform(0.75, 1.25)  # noqa: S311 so that replicas spread out

    async def sweep(self) -> int:
        """Fires all for which enough has arrived; how many jobs were queued."""
        queued = 0
        after: TriggerKey | None = None
        while found := await self._stores.triggers.due(after=after, limit=_AT_ONCE):
            for due in found:
                queued += await self._see_to(due)
            after = found[-1].key
        return queued

    async def _see_to(self, due: DueTrigger) -> int:
        """Fires one trigger. Its faults are its own: they are recorded, and the others go on."""
        try:
            return await self._fire(due)
        except Unavailable:
            raise
        except EtlError as error:
            _LOG.warning("%s was not run after others: %s", due.pipeline, error)
            kept = JobError(error.code, error.message, error.place or "", error.hint or "")
            await self._stores.triggers.fail(due, kept)
        except Exception:  # noqa: BLE001 one trigger's fault must not stop the others
            _LOG.exception("the triggers of %s could not be fired", due.pipeline)
        return 0

    async def _fire(self, due: DueTrigger) -> int:
        version = await self._stores.pipelines.get_version(due.workspace, due.pipeline, due.version)
        await self._threads.call(self._language.check_params, version.spec, due.triggers.params)
        waiting = await self._stores.triggers.waiting(due)
        runs = {names.new_job_id(): firing for firing in firings(due.triggers.after, waiting)}
        queueing = {
            uid: await self._threads.call(
                self._language.queueing, version.spec, due.triggers.params, firing.newest.instant
            )
            for uid, firing in runs.items()
        }
        made = await self._stores.triggers.fire(due, runs, queueing=queueing)
        for job in made:
            causes = ", ".join(str(uid) for uid in job.upstream)
            _LOG.info("%s is run after job %s as job %s", due.pipeline, causes, job.uid)
        return len(made)
