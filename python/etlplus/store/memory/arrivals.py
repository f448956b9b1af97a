"""Files that start runs, in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from etlplus.domain.arrival import FileContent, WatchState
from etlplus.domain.job import NewJob
from etlplus.domain.queueing import Queueing
from etlplus.domain.trigger import AUTHOR, DueTrigger, TriggerKey, Triggers
from etlplus.store.memory.jobs import MemoryJobs
from etlplus.store.memory.state import ArrivedFile, Memory


class MemoryArrivals:
    """ArrivalStore in memory."""

    def __init__(self, memory: Memory) -> None:
        """Keeps its rows in a memory."""
        self._memory = memory
        self._jobs = MemoryJobs(memory)

    async def watched(self, *, after: TriggerKey | None = None, limit: int) -> Sequence[DueTrigger]:
        """As `PostgresArrivals.watched`."""
        tables = self._memory.tables
        found = [
            DueTrigger(*key, tables.pipelines[key].version, state.triggers)
            for key, state in sorted(tables.triggers.items())
            if not state.paused and state.error is None and state.triggers.files is not None
        ]
        return [due for due in found if after is None or due.key > after][:limit]

    async def known(self, due: DueTrigger, contents: Collection[str]) -> frozenset[str]:
        """As `PostgresArrivals.known`."""
        here = (due.workspace, due.pipeline, _source(due.triggers))
        return frozenset(each for each in contents if (*here, each) in self._memory.tables.files)

    async def fire(
        self, due: DueTrigger, job: UUID, found: Sequence[FileContent], *, queueing: Queueing
    ) -> int:
        """As `PostgresArrivals.fire`."""
        tables = self._memory.tables
        key = (due.workspace, due.pipeline)
        state = tables.triggers.get(key)
        if state is None or state.paused or state.error is not None:
            return 0
        if tables.pipelines[key].version != due.version:
            return 0
        by_content = {file.content: file for file in reversed(found)}
        known = await self.known(due, by_content)
        new = [file for content, file in by_content.items() if content not in known]
        if not new:
            return 0
        params = due.triggers.params
        self._jobs.add(
            NewJob(*key[:1], job, key[1], due.version, params, AUTHOR, queueing=queueing)
        )
        for file in new:
            arrived = ArrivedFile(file, job, self._memory.now())
            tables.files[*key, _source(due.triggers), file.content] = arrived
        now = self._memory.now()
        tables.triggers[key] = replace(state, last_time=now, last_job=str(job))
        return len(new)

    async def looked(self, due: DueTrigger, *, next_look: timedelta, unsettled: int) -> None:
        """As `PostgresArrivals.looked`."""
        tables = self._memory.tables
        key = (due.workspace, due.pipeline)
        if key in tables.triggers and tables.pipelines[key].version == due.version:
            now = self._memory.now()
            tables.looks[key] = WatchState(
                look_time=now, next_look_time=now + next_look, unsettled=unsettled
            )


def forget(memory: Memory, workspace: str, pipeline: str) -> None:
    """As `store.arrivals.forget`."""
    tables = memory.tables
    tables.looks.pop((workspace, pipeline), None)
    for key in [key for key in tables.files if key[:2] == (workspace, pipeline)]:
        del tables.files[key]


def watch_state(
    memory: Memory, workspace: str, pipeline: str, triggers: Triggers
) -> WatchState | None:
    """As `store.arrivals.watch_states`, of one pipeline."""
    if triggers.files is None:
        return None
    here = (workspace, pipeline, _source(triggers))
    arrived = [each for key, each in memory.tables.files.items() if key[:3] == here]
    last = max(arrived, key=lambda each: (each.time, each.file.path), default=None)
    return replace(
        memory.tables.looks.get((workspace, pipeline), WatchState()),
        arrived=len(arrived),
        last_time=None if last is None else last.time,
        last_path="" if last is None else last.file.path,
    )


def _source(triggers: Triggers) -> str:
    return "" if triggers.files is None else triggers.files.source
