"""Fixes what a job reads of sources that are read part by part, or finds what was fixed before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from etlplus.app.ports import Stop
from etlplus.domain.connection import Connection
from etlplus.domain.cursor import CursorPosition, CursorWindow
from etlplus.domain.job import Job, Lease
from etlplus.domain.newfiles import FilesPosition, FilesWindow
from etlplus.domain.pipeline import SpecSummary
from etlplus.domain.window import Json, Opening, SourcePart, Window, other_kind
from etlplus.executor.journal import Journal
from etlplus.executor.newfiles import NewFiles
from etlplus.executor.parts import Parts
from etlplus.executor.preparation import Claim
from etlplus.executor.threads import Threads

#: How long a job waits for another one of its pipeline whose windows are open.
BUSY_DELAY: Final = timedelta(seconds=5)


class OpenWindows:
    """The windows of one claim.

    Attributes:
        opening: None for jobs that have no windows of their own.
    """

    def __init__(
        self, parts: Parts, threads: Threads, job: Job, journal: Journal, stop: Stop
    ) -> None:
        """Asks sources in `threads`, until `stop` says otherwise."""
        self.opening: Opening | None = None
        self._parts = parts
        self._threads = threads
        self._job = job
        self._lease = Lease(job.uid, job.epoch)
        self._journal = journal
        self._files = NewFiles(parts, threads, job, journal, stop)

    @property
    def goes_on(self) -> bool:
        """Whether the load was begun by an earlier job."""
        return self.opening is not None and self.opening.load != self._job.uid

    async def open(
        self, spec: bytes, summary: SpecSummary, stored: Sequence[Connection], claim: Claim
    ) -> Sequence[SourcePart]:
        """What the engine reads of each such source.

        Raises:
            WrongState: LEASE_LOST, PIPELINE_BUSY, ROLLBACK_UNFINISHED, LOAD_UNFINISHED.
            RunError: CURSOR_INVALID, CURSOR_CHANGED, CURSOR_NULL, and what connections say;
                PATH_REFUSED, SOURCE_UNREADABLE.
        """
        windows: Mapping[str, Window]
        if self._job.replay is not None:
            windows = await self._replayed()
        elif summary.incremental:
            windows = await self._fixed(spec, summary, stored, claim)
        else:
            return ()
        parts = [self._part(source, window) for source, window in windows.items()]
        for source, window in windows.items():
            self._journal.write(f"Reads of {source}: {window}", node=source)
        return parts

    def told(self) -> Mapping[str, Mapping[str, object]]:
        """The windows as the targets' ledgers keep them."""
        found = {} if self.opening is None else self.opening.windows
        return {source: each.window.to_json() for source, each in found.items()}

    async def _replayed(self) -> Mapping[str, Window]:
        """What the job read whose rejects are replayed. No position moves by that."""
        replay = self._job.replay
        if replay is None:
            return {}
        again = {source.name for source in replay.plan.sources}
        found = await self._parts.stores.windows.of_job(replay.of)
        return {each.source: each.window for each in found if each.source not in again}

    async def _fixed(
        self, spec: bytes, summary: SpecSummary, stored: Sequence[Connection], claim: Claim
    ) -> Mapping[str, Window]:
        store = self._parts.stores.windows
        opening = await store.begin(self._lease, summary.incremental)
        if not opening.windows:
            found = await self._look(spec, summary, stored, claim, opening)
            opening = await store.fix(self._lease, opening, found)
        elif opening.load != self._job.uid:
            self._journal.write(f"Goes on with the load of job {opening.load}, which did not end")
        self.opening = opening
        return {source: each.window for source, each in opening.windows.items()}

    async def _look(
        self,
        spec: bytes,
        summary: SpecSummary,
        stored: Sequence[Connection],
        claim: Claim,
        opening: Opening,
    ) -> Mapping[str, Window]:
        """Asks each source for what is new."""
        call = self._threads.call
        plan = await call(self._parts.preparation.lower, spec, self._job.params, claim)
        found = dict(await call(self._ask, plan, summary, stored, opening))
        for source in self._parts.language.new_files(plan):
            value = _value(opening, source.source, FilesWindow.kind)
            before = FilesPosition() if value is None else FilesPosition.from_json(value)
            found[source.source] = await self._files.look(source, before)
        return found

    def _ask(
        self, plan: bytes, summary: SpecSummary, stored: Sequence[Connection], opening: Opening
    ) -> Mapping[str, Window]:
        """Asks connections. Blocks."""
        connections = self._parts.preparation.resolve(summary, stored)
        found: dict[str, Window] = {}
        for source in self._parts.language.cursors(plan):
            connection = connections[source.connection]
            value = _value(opening, source.source, CursorWindow.kind)
            position = None if value is None else CursorPosition.from_json(value)
            reader = self._parts.cursors[connection.kind]
            found[source.source] = reader.look(connection, source, position)
        return found

    def _part(self, source: str, window: Window) -> SourcePart:
        if isinstance(window, FilesWindow):
            return SourcePart(source, files=window.files)
        if not isinstance(window, CursorWindow):
            raise TypeError(f"no source is read by a window as {window!r}")
        # Every kind of connection that has cursors is PostgreSQL until there is another one.
        return SourcePart(source, self._parts.cursors["postgres"].condition(window))


def _value(opening: Opening, source: str, kind: str) -> Json | None:
    """Where a source stands. Raises RunError (CURSOR_CHANGED) where it was read in another way."""
    value = opening.positions[source].value
    if value is not None and value["kind"] != kind:
        raise other_kind(source)
    return value
