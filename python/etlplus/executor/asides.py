"""What use cases ask of the machine besides runs: plans, previews, connections, kept rejects."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from etlplus.domain import names
from etlplus.domain.connection import Connection, ConnectionCheck, Table
from etlplus.domain.cursor import CursorSource
from etlplus.domain.errors import InvalidInput, RunError
from etlplus.domain.job import Job
from etlplus.domain.lineage import SinkLineage
from etlplus.domain.newfiles import FilesSource
from etlplus.domain.pipeline import SpecSummary
from etlplus.domain.planhash import Survey
from etlplus.domain.run import PlanReport, RejectRow
from etlplus.domain.window import no_column
from etlplus.executor.parts import Parts
from etlplus.executor.pinning import hashed
from etlplus.executor.preparation import Claim, Prepared
from etlplus.executor.sampling import Sampling
from etlplus.executor.threads import Threads


class EnginePlanning:
    """Plans and previews with the engine, in threads. Nothing is staged."""

    def __init__(self, parts: Parts, threads: Threads) -> None:
        """Compiles in `threads`."""
        self._parts = parts
        self._stores = parts.stores
        self._language = parts.language
        self._engine = parts.engine
        self._preparation = parts.preparation
        self._environment = parts.environment
        self._threads = threads

    async def plan(
        self,
        workspace: str,
        spec: bytes,
        params: Mapping[str, str],
        *,
        sample: int = 0,
        lineage: bool = False,
    ) -> Survey:
        """What a run would do, and with `sample` what to expect of it."""
        claim = _no_claim()
        try:
            summary = await self._threads.call(self._language.summarize, spec)
            prepared = await self._prepare(workspace, spec, params, claim, summary)
            found = await self._threads.call(hashed, self._parts, spec, params, prepared)
            report = _with_cursors(found.report, self._language.cursors(prepared.plan))
            report = _with_files(report, self._language.new_files(prepared.plan))
            expectation = None
            if sample:
                sampling = Sampling(self._parts, prepared, claim, self._folder(claim))
                expectation = await self._threads.call(sampling.expect, sample)
            traced: Sequence[SinkLineage] = ()
            if lineage:
                traced = await self._threads.call(self._language.lineage, prepared.plan, report)
            return replace(found, report=report, expectation=expectation, lineage=tuple(traced))
        finally:
            await self._threads.call(shutil.rmtree, self._folder(claim), ignore_errors=True)

    async def preview(
        self, workspace: str, spec: bytes, params: Mapping[str, str], node: str, rows: int
    ) -> AsyncIterator[bytes]:
        """The first rows of a source or step, as pieces of one Arrow IPC stream."""
        claim = _no_claim()
        try:
            summary = await self._threads.call(self._language.summarize, spec)
            shown = _node(summary, node)
            prepared = await self._prepare(workspace, spec, params, claim, summary)

            def pieces() -> Iterator[bytes]:
                return self._engine.preview(prepared.plan, prepared.runtime, shown, rows)

            async with aclosing(self._threads.iterate(pieces)) as stream:
                async for piece in stream:
                    yield piece
        finally:
            await self._threads.call(shutil.rmtree, self._folder(claim), ignore_errors=True)

    def _folder(self, claim: Claim) -> Path:
        return self._environment.work_dir(claim.load_id, claim.epoch)

    async def _prepare(
        self,
        workspace: str,
        spec: bytes,
        params: Mapping[str, str],
        claim: Claim,
        summary: SpecSummary,
    ) -> Prepared:
        stored = await self._preparation.look_up(self._stores.connections, workspace, summary)

        folder = self._folder(claim)

        def prepare() -> Prepared:
            connections = self._preparation.resolve(summary, stored)
            return self._preparation.prepare(spec, params, claim, connections, folder)

        return await self._threads.call(prepare)


def _with_cursors(report: PlanReport, cursors: Sequence[CursorSource]) -> PlanReport:
    """The report with what is read of sources that are read part by part.

    Raises:
        RunError: CURSOR_INVALID.
    """
    by_source = {each.source: each for each in cursors}
    nodes = []
    for node in report.nodes:
        cursor = by_source.get(node.name)
        if cursor is None:
            nodes.append(node)
            continue
        if cursor.column not in [column.name for column in node.columns]:
            raise no_column(cursor, [column.name for column in node.columns])
        note = f"read part by part, by what is new in {cursor.column}; one job runs at a time"
        nodes.append(replace(node, notes=(*node.notes, note)))
    return replace(report, nodes=tuple(nodes))


def _with_files(report: PlanReport, sources: Sequence[FilesSource]) -> PlanReport:
    """The report with which sources read only new files."""
    names_ = {each.source for each in sources}
    note = "only files are read whose content was not loaded before; one job runs at a time"
    nodes = (
        replace(node, notes=(*node.notes, note)) if node.name in names_ else node
        for node in report.nodes
    )
    return replace(report, nodes=tuple(nodes))


class ThreadedInspection:
    """Tests and discovers connections in threads."""

    def __init__(self, parts: Parts, threads: Threads) -> None:
        """Connects in `threads`."""
        self._connectors = parts.connectors
        self._preparation = parts.preparation
        self._threads = threads

    async def test(self, connection: Connection) -> ConnectionCheck:
        """Connects and asks."""

        def check() -> ConnectionCheck:
            return self._connectors[connection.kind].test(self._preparation.open(connection))

        return await self._threads.call(check)

    async def discover(self, connection: Connection) -> Sequence[Table]:
        """The tables and views."""

        def look() -> Sequence[Table]:
            return self._connectors[connection.kind].discover(self._preparation.open(connection))

        return await self._threads.call(look)


class KeptRejects:
    """Reads the rejects that ended jobs left in the data folder."""

    def __init__(self, parts: Parts, threads: Threads) -> None:
        """Reads in `threads`."""
        self._engine = parts.engine
        self._environment = parts.environment
        self._threads = threads

    async def read(self, job: Job) -> AsyncIterator[Sequence[RejectRow]]:
        """All rejects in batches, in the order found."""
        if not job.rejects.path:
            return
        path = self._environment.rejects_file(names.load_id(job.uid))
        if not await self._threads.call(path.is_file):
            raise RunError(
                f"The rejects of job {job.uid} are not kept here",
                code="SOURCE_NOT_FOUND",
                place=str(path),
                hint="They lie in the data folder of the worker that ran the job",
            )
        batches = self._threads.iterate(lambda: self._engine.read_rejects(str(path)))
        async with aclosing(batches) as stream:
            async for batch in stream:
                yield batch

    async def is_kept(self, job: Job) -> bool:
        """Whether a job's rejects are there to be read; False when there were none."""
        path = self._environment.rejects_file(names.load_id(job.uid))
        return bool(job.rejects.path) and await self._threads.call(path.is_file)


def _node(summary: SpecSummary, node: str) -> str:
    """The source or step to show: the last one when none is named."""
    if node and node not in summary.nodes:
        raise InvalidInput(
            f"There is no source or step {node!r}",
            code="NODE_UNKNOWN",
            place=node,
            hint=f"The pipeline has {', '.join(summary.nodes)}",
            metadata={"node": node},
        )
    return node or summary.nodes[-1]


def _no_claim() -> Claim:
    run = names.new_job_id()
    return Claim(str(run), names.load_id(run), 0, datetime.now(UTC))
