"""Windows of jobs and positions of pipelines in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from etlplus.domain.job import Job, JobState, Lease
from etlplus.domain.newfiles import FilesWindow
from etlplus.domain.window import (
    Json,
    Opening,
    Position,
    SourceWindow,
    Window,
    busy,
    held,
    moved,
    no_state,
    stands,
    unfinished,
)
from etlplus.store.memory.state import KeptWindow, Memory
from etlplus.store.refusals import lease_lost


class MemoryWindows:
    """WindowStore in memory."""

    def __init__(self, memory: Memory) -> None:
        """Keeps its rows in a memory."""
        self._memory = memory

    async def begin(self, lease: Lease, sources: Sequence[str]) -> Opening:
        """As `PostgresWindows.begin`."""
        job = self._held(lease)
        tables = self._memory.tables
        for source in sources:
            key = (job.workspace, job.pipeline, source)
            tables.positions.setdefault(key, Position(source, update_time=self._memory.now()))
        if not self._of(job.uid):
            self._refuse_others(job, job.uid)
            self._take_over(job, sources)
        return self._opening(job)

    async def fix(self, lease: Lease, opening: Opening, windows: Mapping[str, Window]) -> Opening:
        """As `PostgresWindows.fix`."""
        job = self._held(lease)
        self._refuse_others(job, job.uid)
        for source, window in windows.items():
            place = opening.positions[source]
            now = self._memory.tables.positions[job.workspace, job.pipeline, source]
            if now.epoch != place.epoch:
                raise moved(source)
            kept = KeptWindow(
                workspace=job.workspace,
                pipeline=job.pipeline,
                number=self._number(),
                load=opening.load,
                base=place.epoch,
                told=SourceWindow(source, window, place.value),
            )
            self._memory.tables.windows.setdefault((job.uid, source), kept)
        return self._opening(job)

    async def loaded(
        self, workspace: str, pipeline: str, source: str, contents: Sequence[str]
    ) -> Collection[str]:
        """As `PostgresWindows.loaded`."""
        known = self._memory.tables.loaded_files
        return {each for each in contents if (workspace, pipeline, source, each) in known}

    async def begin_publishing(self, lease: Lease) -> None:
        """As `PostgresWindows.begin_publishing`."""
        job = self._held(lease)
        for key, kept in self._of(job.uid):
            self._memory.tables.windows[key] = replace(kept, begun=True)

    async def of_job(self, job: UUID) -> Sequence[SourceWindow]:
        """As `PostgresWindows.of_job`."""
        return [kept.told for _, kept in self._of(job)]

    async def positions(self, workspace: str, pipeline: str) -> Sequence[Position]:
        """As `PostgresWindows.positions`."""
        found = self._memory.tables.positions.items()
        return [each for key, each in sorted(found, key=_first) if key[:2] == (workspace, pipeline)]

    async def reset(
        self, workspace: str, pipeline: str, source: str, value: Json | None
    ) -> Sequence[Position]:
        """As `PostgresWindows.reset`."""
        tables = self._memory.tables
        for job in self._active(workspace, pipeline):
            raise busy(job)
        chosen = [
            each
            for each in await self.positions(workspace, pipeline)
            if source in ("", each.source)
        ]
        if not chosen:
            raise no_state(pipeline, source)
        for each in chosen:
            place = (workspace, pipeline, each.source)
            for key, kept in self._of_pipeline(workspace, pipeline):
                if key[1] == each.source and kept.told.state in ("OPEN", "DONE"):
                    tables.windows[key] = kept.in_state("LEFT")
            for file in [key for key in tables.loaded_files if key[:3] == place]:
                del tables.loaded_files[file]
            tables.positions[place] = Position(
                each.source, value, self._number(), self._number(), self._memory.now()
            )
        return await self.positions(workspace, pipeline)

    async def hold(self, by: UUID, loads: Sequence[UUID]) -> None:
        """As `PostgresWindows.hold`."""
        tables = self._memory.tables
        rows = [
            (key, kept)
            for key, kept in tables.windows.items()
            if kept.load in loads and kept.told.state in ("OPEN", "DONE")
        ]
        for _, kept in rows:
            self._refuse_others(kept, by, rolling_back=True)
        for key, kept in rows:
            later = [
                other_key[0]
                for other_key, other in self._of_pipeline(kept.workspace, kept.pipeline)
                if other_key[1] == key[1] and other.number > kept.number
                if other.told.state == "DONE" and other.load not in loads
            ]
            if kept.told.state == "DONE" and later:
                raise stands(key[1], later)
        for _, kept in rows:
            for place, position in list(tables.positions.items()):
                if place[:2] == (kept.workspace, kept.pipeline):
                    tables.positions[place] = replace(position, held_by=by)

    async def free(self, by: UUID) -> None:
        """As `PostgresWindows.free`."""
        positions = self._memory.tables.positions
        for place, position in list(positions.items()):
            if position.held_by == by:
                positions[place] = replace(position, held_by=None)

    async def carriers(self, load: UUID) -> Sequence[UUID]:
        """As `PostgresWindows.carriers`."""
        windows = self._memory.tables.windows.items()
        return sorted({key[0] for key, kept in windows if kept.load == load})

    def _held(self, lease: Lease) -> Job:
        job = self._memory.tables.jobs.get(lease.job)
        if job is None or job.state is not JobState.RUNNING or job.epoch != lease.epoch:
            raise lease_lost(lease)
        return job

    def _number(self) -> int:
        self._memory.tables.epoch += 1
        return self._memory.tables.epoch

    def _of(self, job: UUID) -> list[tuple[tuple[UUID, str], KeptWindow]]:
        found = self._memory.tables.windows.items()
        return sorted((each for each in found if each[0][0] == job), key=_first)

    def _of_pipeline(
        self, workspace: str, pipeline: str
    ) -> list[tuple[tuple[UUID, str], KeptWindow]]:
        found = self._memory.tables.windows.items()
        mine = [
            each for each in found if (each[1].workspace, each[1].pipeline) == (workspace, pipeline)
        ]
        return sorted(mine, key=lambda each: each[1].number)

    def _opening(self, job: Job) -> Opening:
        own = self._of(job.uid)
        positions = self._memory.tables.positions.items()
        return Opening(
            own[0][1].load if own else job.uid,
            {key[1]: kept.told for key, kept in own},
            {key[2]: each for key, each in positions if key[:2] == (job.workspace, job.pipeline)},
        )

    def _active(self, workspace: str, pipeline: str) -> Iterator[UUID]:
        for key, kept in self._of_pipeline(workspace, pipeline):
            if kept.told.state == "OPEN" and not self._memory.tables.jobs[key[0]].state.is_final:
                yield key[0]

    def _refuse_others(
        self, place: Job | KeptWindow, job: UUID, *, rolling_back: bool = False
    ) -> None:
        for key, position in self._memory.tables.positions.items():
            by = position.held_by
            if key[:2] != (place.workspace, place.pipeline) or by is None:
                continue
            if not (rolling_back and by == job):
                raise held(by)
        for other in self._active(place.workspace, place.pipeline):
            if other != job:
                raise busy(other)

    def _take_over(self, job: Job, sources: Sequence[str]) -> None:
        tables = self._memory.tables
        ended = (JobState.FAILED, JobState.CANCELLED)
        rows = [
            (key, kept)
            for key, kept in self._of_pipeline(job.workspace, job.pipeline)
            if kept.begun and kept.told.state == "OPEN" and tables.jobs[key[0]].state in ended
        ]
        if not rows:
            return
        former = rows[-1][0][0]
        theirs = [(key, kept) for key, kept in rows if key[0] == former]
        if {key[1] for key, _ in theirs} != set(sources):
            raise unfinished(former, sorted(key[1] for key, _ in theirs))
        for key, kept in theirs:
            base = tables.positions[job.workspace, job.pipeline, key[1]].epoch
            tables.windows[job.uid, key[1]] = replace(kept, number=self._number(), base=base)
            tables.windows[key] = kept.in_state("LEFT")


def _first(entry: tuple[object, object]) -> str:
    return str(entry[0])


def settle(memory: Memory, job: Job) -> None:
    """Moves the positions of a job that has just succeeded."""
    tables = memory.tables
    for key, kept in list(tables.windows.items()):
        if key[0] != job.uid or kept.told.state != "OPEN":
            continue
        tables.windows[key] = kept.in_state("DONE")
        place = (job.workspace, job.pipeline, key[1])
        now = tables.positions[place]
        if now.epoch == kept.base and now.number < kept.number:
            tables.epoch += 1
            tables.positions[place] = replace(
                now,
                value=kept.told.window.after,
                epoch=tables.epoch,
                number=kept.number,
                update_time=memory.now(),
            )
            if isinstance(kept.told.window, FilesWindow):
                for file in kept.told.window.files:
                    tables.loaded_files.setdefault((*place, file.content), kept.number)


def roll_back(memory: Memory, job: Job) -> None:
    """Moves positions back when all sinks of a job are rolled back."""
    tables = memory.tables
    if len(job.rollbacks) < len(job.sinks):
        return
    loads = {(kept.load, key[1]) for key, kept in tables.windows.items() if key[0] == job.uid}
    for key, kept in list(tables.windows.items()):
        if (kept.load, key[1]) not in loads or kept.told.state not in ("OPEN", "DONE"):
            continue
        tables.windows[key] = kept.in_state("UNDONE")
        place = (kept.workspace, kept.pipeline, key[1])
        for file, number in list(tables.loaded_files.items()):
            if file[:3] == place and number == kept.number:
                del tables.loaded_files[file]
        now = tables.positions[place]
        if now.number >= kept.number:
            tables.epoch += 1
            tables.positions[place] = replace(
                now,
                value=kept.told.before,
                epoch=tables.epoch,
                number=kept.number - 1,
                update_time=memory.now(),
            )
