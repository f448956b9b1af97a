"""Upkeep: rescues jobs of lost workers, removes what dead claims left behind.

Every action is safe under any number of replicas: each is one statement or asks the store which
claims live before it removes what belongs to none.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from etlplus.domain import names
from etlplus.domain.connection import Connection
from etlplus.domain.errors import EtlError, NotFound
from etlplus.domain.job import Lease
from etlplus.domain.run import StagingKey
from etlplus.executor.parts import Parts
from etlplus.executor.threads import Threads, happens

_LOG = logging.getLogger(__name__)
_RESCUE_EVERY = 5.0
_AWAKEN_EVERY = 1.0
_TIDY_EVERY = 300.0
_ARCHIVE_EVERY = 60.0
_JOBS_AT_ONCE = 500
#: For as long a job that ended is likely to be looked at.
_REST = timedelta(minutes=1)
#: Plans and previews, which no claim stands for, are long over after this many seconds.
_PLAN_AGE = 3600.0
_FOLDER = re.compile(r"([0-9a-f]{32})-([0-9]+)")
_LOAD = re.compile(r"[0-9a-f]{32}")
_CONNECTIONS_AT_ONCE = 100


class Sweeps:
    """Does the upkeep of one worker's machine, and its share of the store's."""

    def __init__(self, parts: Parts, threads: Threads, retention: timedelta | None = None) -> None:
        """Blocking parts run in `threads`. Jobs are kept for `retention` after their end."""
        self._parts = parts
        self._threads = threads
        self._retention = retention

    async def keep(self, stop: asyncio.Event) -> None:
        """Sweeps until `stop`, whatever happens to single sweeps."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_repeat(self.rescue, _RESCUE_EVERY, stop))
            tasks.create_task(_repeat(self.awaken, _AWAKEN_EVERY, stop))
            tasks.create_task(_repeat(self.tidy, _TIDY_EVERY, stop))
            tasks.create_task(_repeat(self.archive, _ARCHIVE_EVERY, stop))
            tasks.create_task(_repeat(self.forget, _TIDY_EVERY, stop))

    async def rescue(self) -> None:
        """Puts jobs with expired leases back into the queue."""
        rescued = await self._parts.stores.jobs.rescue()
        if rescued:
            _LOG.warning("%d jobs of lost workers were rescued", rescued)

    async def awaken(self) -> None:
        """Lets jobs whose retry time has come take their turn."""
        await self._parts.stores.queue.awaken()

    async def archive(self) -> None:
        """Moves jobs that ended out of the queue's table."""
        await self._parts.stores.history.archive(rest=_REST)

    async def forget(self) -> None:
        """Deletes what ended long ago: jobs, by whole days, and the rejects that are here."""
        await self._parts.stores.queue.forget_lanes()
        if self._retention is None:
            return
        gone = await self._parts.stores.history.forget(age=self._retention)
        while True:
            batch = await self._parts.stores.queue.forget_jobs(
                age=self._retention, limit=_JOBS_AT_ONCE
            )
            gone += len(batch)
            if len(batch) < _JOBS_AT_ONCE:
                break
        if gone:
            _LOG.info("%d jobs that ended more than %s ago are deleted", gone, self._retention)
        await self._forget_rejects(self._retention)

    async def _forget_rejects(self, retention: timedelta) -> None:
        """Other machines have deleted jobs too: what is old here is asked for one by one."""
        folder = self._parts.environment.data_dir / "rejects"
        for path, job in await self._threads.call(_old_rejects, folder, retention):
            if not await self._is_ours(job):
                await self._threads.call(path.unlink, missing_ok=True)

    async def tidy(self) -> None:
        """Removes work folders and staging of claims that do not live any more."""
        await self._tidy_folders()
        for connection in await self._targets():
            try:
                await self._tidy_target(connection)
            except EtlError as error:
                _LOG.info("the target %s cannot be tidied now: %s", connection.name, error)

    async def _tidy_folders(self) -> None:
        # The folders are listed before the leases: a claim that comes between has no folder yet.
        root = self._parts.environment.data_dir / "work"
        found = await self._threads.call(_folders, root)
        live = set(await self._parts.stores.jobs.live_leases())
        dead = [path for path, lease, age in found if _is_dead(lease, age, live)]
        for path in dead:
            await self._threads.call(shutil.rmtree, path, ignore_errors=True)

    async def _tidy_target(self, connection: Connection) -> None:
        publisher = self._parts.publishers[connection.kind]
        opened = await self._threads.call(self._parts.preparation.open, connection)
        keys = await self._threads.call(publisher.leftovers, opened)
        dead = await self._dead(keys)
        if dead:
            await self._threads.call(publisher.drop, dead, opened)
            _LOG.info("staging of %d dead claims was dropped at %s", len(dead), connection.name)

    async def _dead(self, keys: Sequence[StagingKey]) -> list[StagingKey]:
        """Those of our own claims that do not live. Other services may share the target."""
        leases = await self._parts.stores.jobs.live_leases() if keys else ()
        # A job may carry on the load of an earlier one, but an epoch is of one claim alone.
        live = {lease.epoch for lease in leases}
        stale = [key for key in keys if key.epoch not in live]
        return [key for key in stale if await self._is_ours(UUID(hex=key.load_id))]

    async def _is_ours(self, job: UUID) -> bool:
        try:
            await self._parts.stores.jobs.get(names.DEFAULT_WORKSPACE, job)
        except NotFound:
            return False
        return True

    async def _targets(self) -> list[Connection]:
        workspace = names.DEFAULT_WORKSPACE
        stored = await self._parts.stores.connections.list(workspace, limit=_CONNECTIONS_AT_ONCE)
        found = list(stored)
        while len(stored) == _CONNECTIONS_AT_ONCE:
            after = stored[-1].name
            stored = await self._parts.stores.connections.list(
                workspace, after=after, limit=_CONNECTIONS_AT_ONCE
            )
            found.extend(stored)
        local = self._parts.preparation.built_in(workspace)
        return [*found, local] if local is not None else found


def _folders(root: Path) -> list[tuple[Path, Lease, float]]:
    """Work folders with the claim they belong to and their age in seconds."""
    found = []
    now = time.time()
    for path in root.iterdir() if root.is_dir() else ():
        form = _FOLDER.fullmatch(path.name)
        if form is not None:
            lease = Lease(UUID(hex=form[1]), int(form[2]))
            found.append((path, lease, now - path.stat().st_mtime))
    return found


def _old_rejects(folder: Path, retention: timedelta) -> list[tuple[Path, UUID]]:
    """Files of rejects that were written longer ago than `retention`, with their jobs."""
    oldest = time.time() - retention.total_seconds()
    return [
        (path, UUID(hex=path.stem))
        for path in (folder.iterdir() if folder.is_dir() else ())
        if _LOAD.fullmatch(path.stem) and path.stat().st_mtime < oldest
    ]


def _is_dead(lease: Lease, age: float, live: set[Lease]) -> bool:
    return age > _PLAN_AGE if lease.epoch == 0 else lease not in live


async def _repeat(sweep: Callable[[], Awaitable[None]], every: float, stop: asyncio.Event) -> None:
    while True:
        try:
            await sweep()
        except Exception as error:  # noqa: BLE001 the next sweep does what this one could not
            _LOG.warning("a sweep failed: %s", error, exc_info=not isinstance(error, EtlError))
        if await happens(stop, every * random.uniform(0.9, 1.1)):  # noqa: S311
            return
