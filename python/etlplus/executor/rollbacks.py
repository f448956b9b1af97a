"""Takes back what jobs published, in threads: tables by their ledger, files by the service's."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from uuid import UUID

from etlplus.domain import names
from etlplus.domain.errors import NotFound, WrongState
from etlplus.domain.fileload import FileLoad
from etlplus.domain.job import Job, SinkResult, SinkRollback
from etlplus.domain.rollback import RollbackOrder, RolledBack
from etlplus.executor.parts import Parts
from etlplus.executor.preparation import unknown_connection
from etlplus.executor.threads import Threads

_LOG = logging.getLogger(__name__)
Answer = Callable[[RollbackOrder], Awaitable[Sequence[RolledBack]]]


class ThreadedRollbacks:
    """Rolls back every sink of a job: one transaction for each database, file after file."""

    def __init__(self, parts: Parts, threads: Threads) -> None:
        """Blocks in `threads`."""
        self._parts = parts
        self._stores = parts.stores
        self._threads = threads

    async def roll_back(
        self, job: Job, *, author: str, reason: str, cascade: bool, dry_run: bool
    ) -> Sequence[RolledBack]:
        """Every sink of a job that has ended, and later loads into the same targets on `cascade`.

        Nothing is changed when any target is known to refuse. A target that refuses only when its
        turn comes leaves those before it rolled back; asking again goes on from there.

        Raises:
            WrongState: ROLLBACK_BLOCKED, ROLLBACK_UNAVAILABLE, ROLLBACK_CONFLICT.
            RunError: whatever a target says.
        """
        load_id = job.sinks[0].load_id
        windows = self._stores.windows
        carriers = await windows.carriers(UUID(hex=load_id))
        order = RollbackOrder(load_id, (), author, reason, cascade, dry_run)
        places = await self._places(job, await self._sinks(job, carriers))
        planned: list[RolledBack] = []
        if dry_run or carriers or cascade or len(places) > 1:
            for sinks, place in places:
                planned += await place(replace(order, sinks=sinks, dry_run=True))
        if dry_run:
            return planned
        loads = {load_id, *(each.load_id for each in planned)}
        await self._refuse_halves(job, planned)
        # Until the positions say so, nobody must read on from behind what is taken back.
        await windows.hold(job.uid, [UUID(hex=load) for load in sorted(loads)])
        done: list[RolledBack] = []
        try:
            for sinks, place in places:
                found = await place(replace(order, sinks=sinks))
                await self._note(job.workspace, found)
                _LOG.info("%s rolled back %d loads of job %s", author, len(found), job.uid)
                done += found
        except WrongState:
            # The target refused, and changed nothing. After any other error nobody knows.
            if not done:
                await windows.free(job.uid)
            raise
        await windows.free(job.uid)
        return done

    async def _refuse_halves(self, job: Job, planned: Sequence[RolledBack]) -> None:
        """A position goes back for all sinks of a load or for none.

        Raises:
            WrongState: ROLLBACK_BLOCKED.
        """
        taken = {(each.load_id, each.sink) for each in planned}
        for load_id in dict.fromkeys(each.load_id for each in planned):
            carriers = await self._stores.windows.carriers(UUID(hex=load_id))
            for uid in carriers:
                carrier = await self._stores.jobs.get(job.workspace, uid)
                gone = {each.sink for each in carrier.rollbacks}
                left = [sink.name for sink in carrier.sinks if sink.name not in gone]
                if any((load_id, sink) not in taken for sink in left):
                    raise WrongState(
                        f"Job {uid} reads part by part and would be rolled back in part",
                        code="ROLLBACK_BLOCKED",
                        place=str(uid),
                        hint="Roll that job back first, as a whole",
                        metadata={"jobs": str(uid)},
                    )

    async def _sinks(self, job: Job, carriers: Sequence[UUID]) -> list[SinkResult]:
        """The sinks of a load, also those that another job published under its id."""
        found = {sink.name: sink for sink in job.sinks}
        for uid in carriers:
            carrier = await self._stores.jobs.get(job.workspace, uid)
            found = {sink.name: sink for sink in carrier.sinks} | found
        return list(found.values())

    async def _places(
        self, job: Job, published: Sequence[SinkResult]
    ) -> list[tuple[tuple[str, ...], Answer]]:
        """Sinks by the ledger that knows them, with what rolls them back there."""
        tables = [sink.name for sink in published if sink.kind in self._parts.table_rollbacks]
        files = tuple(sink.name for sink in published if sink.name not in tables)
        by_connection: dict[str, list[str]] = {}
        if tables:
            version = await self._stores.pipelines.get_version(
                job.workspace, job.pipeline, job.version
            )
            summary = await self._threads.call(self._parts.language.summarize, version.spec)
            for name in tables:
                by_connection.setdefault(summary.sinks[name], []).append(name)
        places: list[tuple[tuple[str, ...], Answer]] = [
            (tuple(sinks), self._in_tables(job.workspace, connection))
            for connection, sinks in sorted(by_connection.items())
        ]
        return [*places, (files, self._in_files)] if files else places

    def _in_tables(self, workspace: str, name: str) -> Answer:
        async def answer(order: RollbackOrder) -> Sequence[RolledBack]:
            parts = self._parts
            stored = parts.preparation.built_in(workspace)
            if name != names.LOCAL_CONNECTION:
                try:
                    stored = await self._stores.connections.get(workspace, name)
                except NotFound:
                    stored = None
            if stored is None:
                raise unknown_connection(name)
            connection = await self._threads.call(parts.preparation.open, stored)
            rollback = parts.table_rollbacks[stored.kind]
            return await self._threads.call(rollback.roll_back, order, connection)

        return answer

    async def _in_files(self, order: RollbackOrder) -> Sequence[RolledBack]:
        standing = []
        for sink in order.sinks:
            load = await self._stores.loads.get(order.load_id, sink)
            if load is None:
                raise _unknown(order, sink)
            if load.rolled_back_time is None:
                standing.append(load)
        planned = await self._chain(order, standing)
        kept = [await self._check(load, planned) for load in planned]
        earlier = await self._stores.loads.rolled_back_for(order.load_id)
        own = [await self._stores.loads.get(order.load_id, sink) for sink in order.sinks]
        told = {
            (load.load_id, load.sink): load
            for load in [*earlier, *own]
            if load is not None and load.rolled_back_time is not None
        }
        before = [_done(load, already=True) for load in told.values()]
        if order.dry_run:
            return [_planned(load, size) for load, size in zip(planned, kept, strict=True)] + before
        return [await self._undo(order, load) for load in planned] + before

    async def _chain(self, order: RollbackOrder, loads: Sequence[FileLoad]) -> list[FileLoad]:
        """The loads to roll back, newest first. Raises WrongState (ROLLBACK_BLOCKED)."""
        chain: dict[tuple[str, str], FileLoad] = {}
        for load in loads:
            for each in await self._stores.loads.standing(load):
                chain[each.load_id, each.sink] = each
        later = [load for load in chain.values() if load.load_id != order.load_id]
        if later and not order.cascade:
            raise _blocked(later)
        return sorted(chain.values(), key=lambda load: str(load.create_time), reverse=True)

    async def _check(self, load: FileLoad, chain: Sequence[FileLoad]) -> int:
        newest = next(each for each in chain if each.target == load.target)
        check = self._parts.file_rollbacks[load.kind].check
        return await self._threads.call(check, load, on_top=load is newest)

    async def _undo(self, order: RollbackOrder, load: FileLoad) -> RolledBack:
        """Restores the files of a load, then says so in the ledger, then forgets what was kept."""
        rollback = self._parts.file_rollbacks[load.kind]
        try:
            await self._threads.call(rollback.roll_back, load)
        except WrongState:
            # Perhaps another call did it meanwhile, and has cleared up.
            now = await self._stores.loads.get(load.load_id, load.sink)
            if now is None or now.rolled_back_time is None:
                raise
            return _done(now, already=True)
        done = await self._stores.loads.roll_back(
            load, cause=order.load_id, author=order.author, reason=order.reason
        )
        await self._threads.call(rollback.forget, load)
        return _done(done, already=False)

    async def _note(self, workspace: str, done: Sequence[RolledBack]) -> None:
        """Tells the jobs. A load of another service, or of a run without one, has none here."""
        for load_id in dict.fromkeys(each.load_id for each in done):
            noted = [
                SinkRollback(each.sink, each.time, each.author, each.reason)
                for each in done
                if each.load_id == load_id and each.time is not None
            ]
            carriers = await self._stores.windows.carriers(UUID(hex=load_id))
            for uid in {UUID(hex=load_id), *carriers}:
                await self._tell(workspace, uid, noted)

    async def _tell(self, workspace: str, uid: UUID, noted: Sequence[SinkRollback]) -> None:
        """Notes what was rolled back with a job that published it."""
        try:
            job = await self._stores.jobs.get(workspace, uid)
        except NotFound:
            _LOG.info("the load %s that was rolled back is of no job here", names.load_id(uid))
            return
        own = {sink.name for sink in job.sinks}
        mine = [each for each in noted if each.sink in own]
        if mine:
            await self._stores.jobs.roll_back(workspace, uid, mine)


def _planned(load: FileLoad, kept_bytes: int) -> RolledBack:
    return RolledBack(
        load.load_id, load.sink, load.target, load.mode, load.books.loaded, 0, kept_bytes
    )


def _done(load: FileLoad, *, already: bool) -> RolledBack:
    return RolledBack(
        load_id=load.load_id,
        sink=load.sink,
        target=load.target,
        mode=load.mode,
        removed=load.books.loaded,
        restored=0,
        time=load.rolled_back_time,
        author=load.rolled_back_author,
        reason=load.rollback_reason,
        already=already,
    )


def _unknown(order: RollbackOrder, sink: str) -> WrongState:
    return WrongState(
        f"The ledger has no load {order.load_id} of {sink}",
        code="ROLLBACK_UNAVAILABLE",
        place=sink,
        metadata={"load_id": order.load_id},
    )


def _blocked(later: Sequence[FileLoad]) -> WrongState:
    jobs = ", ".join(dict.fromkeys(str(UUID(hex=load.load_id)) for load in later))
    return WrongState(
        f"Later loads stand in {later[0].target}, of the jobs {jobs}",
        code="ROLLBACK_BLOCKED",
        place=later[0].target,
        hint="Roll those back first, or all together with --cascade",
        metadata={"target": later[0].target, "jobs": jobs},
    )
