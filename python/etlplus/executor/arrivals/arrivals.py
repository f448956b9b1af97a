"""Runs pipelines when files arrive, at any number of replicas at once.

There is no leader: each replica looks for itself, and the store lets each content start one run.
Hints make a look come early; that it comes at all is the clock's business.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from etlplus.domain import names
from etlplus.domain.errors import EtlError, Unavailable
from etlplus.domain.job import JobError
from etlplus.domain.trigger import DueTrigger, TriggerKey
from etlplus.executor.arrivals.hints import Hints
from etlplus.executor.arrivals.listing import place_of
from etlplus.executor.arrivals.watch import Watch
from etlplus.executor.keeping import keep
from etlplus.executor.parts import Parts
from etlplus.executor.threads import Threads

_LOG = logging.getLogger(__name__)
#: Seconds between looks at files when nothing is heard.
_LOOK: Final = 10.0
#: Seconds between looks at what is to be watched, and between two looks at the same files at least.
_PULSE: Final = 1.0
#: A look that took long is not followed by the next at once: at most a fifth of the time is spent.
_REST: Final = 4.0
_AT_ONCE: Final = 100
#: Pipelines that are looked at at once.
_THREADS: Final = 4


@dataclass(slots=True)
class _Watched:
    """A watch, when it looks next, and its look that is going on."""

    watch: Watch
    next_look: float
    may_look: float
    task: asyncio.Task[int] | None = None

    @property
    def is_looking(self) -> bool:
        """Whether a look is going on."""
        return self.task is not None and not self.task.done()


class Arrivals:
    """Looks for files until it is asked to stop."""

    def __init__(
        self, parts: Parts, *, look: float = _LOOK, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`look`: seconds between looks when nothing is heard; `clock`: seconds, never back."""
        self._stores = parts.stores
        self._language = parts.language
        self._environment = parts.environment
        self._look = look
        self._clock = clock
        self._contents = parts.contents
        self._threads = Threads(_THREADS, "etlplus-arrival")
        self._heard = asyncio.Event()
        self._hints = Hints(self._heard)
        self._watches: dict[TriggerKey, _Watched] = {}
        self._looks: set[asyncio.Task[int]] = set()
        self._stopped = False

    async def keep(self, stop: asyncio.Event) -> None:
        """Watches until `stop`, whatever happens to single looks."""
        await keep(self._round, stop, what="watch files", pause=_PULSE)
        await self.close()

    async def _round(self) -> float:
        await self._follow()
        self._start_looks()
        return _PULSE

    async def close(self) -> None:
        """Ends the looks that are going on, and lets go of what is watched."""
        self._stopped = True
        await asyncio.gather(*self._looks)
        await self._threads.call(self._hints.close)
        self._threads.close()

    async def sweep(self) -> int:
        """Looks at all files now; how many jobs were queued."""
        await self._follow()
        for each in self._watches.values():
            each.next_look = each.may_look = self._clock()
        self._start_looks()
        return sum(await asyncio.gather(*self._looks))

    async def _follow(self) -> None:
        """Watches what is to be watched, and nothing else."""
        there: set[TriggerKey] = set()
        after: TriggerKey | None = None
        while found := await self._stores.arrivals.watched(after=after, limit=_AT_ONCE):
            for due in found:
                known = self._watches.get(due.key)
                if known is None or known.watch.due != due:
                    await self._begin(due)
                if due.key in self._watches:
                    there.add(due.key)
            after = found[-1].key
        for key in self._watches.keys() - there:
            del self._watches[key]
        folders: dict[Path, bool] = {}
        for each in self._watches.values():
            folder = each.watch.folder
            if folder is not None:
                folders[folder] = folders.get(folder, False) or each.watch.place.is_deep
        self._hints.listen(folders)

    async def _begin(self, due: DueTrigger) -> None:
        """Starts to watch. What cannot be watched is recorded, and the others go on."""
        self._watches.pop(due.key, None)
        try:
            version = await self._stores.pipelines.get_version(
                due.workspace, due.pipeline, due.version
            )
            params = due.triggers.params
            uri = await self._threads.call(
                self._language.watched_uri, version.spec, params, self._environment.variables
            )
            place = await self._threads.call(place_of, uri, self._environment.file_roots)
        except Unavailable:
            raise
        except EtlError as error:
            await self._fail(due, error)
            return
        now = self._clock()
        watch = Watch(due, place, self._contents, self._clock)
        self._watches[due.key] = _Watched(watch, now, now)

    def _start_looks(self) -> None:
        heard = self._heard.is_set()
        self._heard.clear()
        now = self._clock()
        for each in self._watches.values():
            if heard:
                each.next_look = min(each.next_look, each.may_look)
            if each.next_look <= now and not each.is_looking:
                each.task = asyncio.create_task(self._see_to(each))
                self._looks.add(each.task)
                each.task.add_done_callback(self._looks.discard)

    async def _see_to(self, watched: _Watched) -> int:
        """Looks once. Its faults are its own."""
        started = self._clock()
        # Until it is known better: as if nothing was there.
        watched.next_look = started + self._look
        due = watched.watch.due
        try:
            return await self._look_once(watched)
        except Unavailable as error:
            _LOG.warning("the files of %s cannot be told apart: %s", due.pipeline, error)
        except EtlError as error:
            await self._fail(due, error)
        except Exception:  # noqa: BLE001 one pipeline's fault must not stop the others
            _LOG.exception("the files of %s could not be looked at", due.pipeline)
        finally:
            ended = self._clock()
            watched.may_look = ended + _REST * (ended - started)
            watched.next_look = max(watched.next_look, watched.may_look)
        return 0

    async def _look_once(self, watched: _Watched) -> int:
        watch, due = watched.watch, watched.watch.due
        store = self._stores.arrivals
        seen = await watch.look(self._threads, store, lambda: self._stopped)
        made = 0
        if seen.new and not self._stopped:
            version = await self._stores.pipelines.get_version(
                due.workspace, due.pipeline, due.version
            )
            params = due.triggers.params
            await self._threads.call(self._language.check_params, version.spec, params)
            queueing = await self._threads.call(
                self._language.queueing, version.spec, params, datetime.now(UTC)
            )
            job = names.new_job_id()
            made = await store.fire(due, job, seen.new, queueing=queueing)
            if made:
                _LOG.info("%s is run as job %s: %d files arrived", due.pipeline, job, made)
        wait = self._look if seen.settles is None else min(self._look, seen.settles)
        if seen.new and made < len(seen.new):
            wait = 0.0  # another replica is at it
        watched.next_look = self._clock() + max(wait, 0.0)
        await store.looked(due, next_look=timedelta(seconds=wait), unsettled=seen.unsettled)
        return 1 if made else 0

    async def _fail(self, due: DueTrigger, error: EtlError) -> None:
        _LOG.warning("the files of %s are not watched: %s", due.pipeline, error)
        kept = JobError(error.code, error.message, error.place or "", error.hint or "")
        await self._stores.triggers.fail(due, kept)
