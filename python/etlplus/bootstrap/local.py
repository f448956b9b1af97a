"""Runs and plans without a server; PostgreSQL only where a pipeline names a connection."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from etlplus.app.ports import Stores
from etlplus.bootstrap.machine import parts
from etlplus.domain import names
from etlplus.domain.connection import ConnectionDraft
from etlplus.domain.errors import InvalidInput, NotFound
from etlplus.domain.job import Job, NewJob
from etlplus.domain.pipeline import PipelineDraft, SpecSummary
from etlplus.domain.planhash import Survey
from etlplus.domain.run import Progress
from etlplus.executor.asides import EnginePlanning
from etlplus.executor.parts import Parts
from etlplus.executor.run import JobRun
from etlplus.executor.stopping import Reason
from etlplus.executor.threads import Threads
from etlplus.language import PipelineLanguage
from etlplus.settings import Settings
from etlplus.store.memory.stores import MemoryStores

_WORKSPACE = names.DEFAULT_WORKSPACE
_AUTHOR = "local"
#: Nobody can take over a run in this process, so its lease only has to outlast it.
_FOREVER = timedelta(days=365)
#: Seconds between looks at whether to cancel.
_LOOK = 0.1


def run_local(
    settings: Settings,
    spec: bytes,
    source_text: str,
    params: Mapping[str, str],
    *,
    progress: Callable[[Progress], None],
    cancel: threading.Event,
) -> Job:
    """Runs a definition in this process and returns the ended job, also when it failed.

    The run is that of a worker, on stores in memory. Its rejects stay in the data folder.

    Args:
        settings: folders, secrets, database.
        spec: the serialized PipelineSpec, without errors.
        source_text: the text it was read from.
        params: values of parameters, as text.
        progress: gets new counters about twice a second, in this thread.
        cancel: stops the run.

    Raises:
        InvalidInput: it reads a source part by part.
        Unavailable: the pipeline names a connection and the database cannot be used.
    """
    draft = PipelineDraft(spec, source_text, _AUTHOR, "")
    return asyncio.run(_run(settings, draft, params, progress, cancel))


@dataclass(frozen=True, slots=True)
class LocalPlanning:
    """Plans and previews definitions in this process."""

    planning: EnginePlanning

    async def plan(self, spec: bytes, params: Mapping[str, str], *, sample: int = 0) -> Survey:
        """What a run would do. Raises the language's and the engine's errors."""
        return await self.planning.plan(_WORKSPACE, spec, params, sample=sample, lineage=True)

    def preview(
        self, spec: bytes, params: Mapping[str, str], node: str, rows: int
    ) -> AsyncIterator[bytes]:
        """The first rows of a source or step, as pieces of one Arrow IPC stream."""
        return self.planning.preview(_WORKSPACE, spec, params, node, rows)


@asynccontextmanager
async def local_planning(settings: Settings, spec: bytes) -> AsyncIterator[LocalPlanning]:
    """Planning for a definition, with the connections that it names."""
    async with _machine(settings, PipelineLanguage().summarize(spec)) as machine:
        threads = Threads(1, "etlplus-plan")
        try:
            yield LocalPlanning(EnginePlanning(machine, threads))
        finally:
            threads.close()


async def _run(
    settings: Settings,
    draft: PipelineDraft,
    params: Mapping[str, str],
    progress: Callable[[Progress], None],
    cancel: threading.Event,
) -> Job:
    summary = PipelineLanguage().summarize(draft.spec)
    if summary.incremental:
        raise _keeps_no_state(summary.incremental[0])
    async with _machine(settings, summary) as machine:
        job = await _claim(machine.stores, summary.name, draft, params)
        threads = Threads(1, "etlplus-job")
        run = JobRun(machine, threads, job)
        task = asyncio.create_task(run.execute())
        try:
            await _follow(machine.stores, run, task, progress, cancel)
            await task
        finally:
            threads.close()
        return await machine.stores.jobs.get(_WORKSPACE, job.uid)


def _keeps_no_state(source: str) -> InvalidInput:
    return InvalidInput(
        f"The source {source!r} is read part by part, and --local keeps no state between runs",
        place=f"sources.{source}.postgres.incremental",
        hint="Store the pipeline with `etlplus apply` and run it by its name",
    )


async def _claim(stores: Stores, name: str, draft: PipelineDraft, params: Mapping[str, str]) -> Job:
    stored = await stores.pipelines.create(_WORKSPACE, name, draft)
    uid = names.new_job_id()
    await stores.jobs.create(NewJob(_WORKSPACE, uid, name, stored.version, params, _AUTHOR))
    (job,) = await stores.jobs.claim(uid, lease=_FOREVER)
    return job


async def _follow(
    stores: Stores,
    run: JobRun,
    task: asyncio.Task[None],
    progress: Callable[[Progress], None],
    cancel: threading.Event,
) -> None:
    with stores.wakeups.subscribe(run.lease.job) as wakeup:
        while not task.done():
            if cancel.is_set():
                run.switch.throw(Reason.CANCEL)
            hint = asyncio.create_task(wakeup.wait(_LOOK))
            # The last hint comes before the run has cleared up: its end is waited for as well.
            await asyncio.wait((task, hint), return_when=asyncio.FIRST_COMPLETED)
            if not hint.done():
                hint.cancel()
            elif hint.result():
                progress((await stores.jobs.get(_WORKSPACE, run.lease.job)).progress)


@asynccontextmanager
async def _machine(settings: Settings, summary: SpecSummary) -> AsyncIterator[Parts]:
    """Stores in memory, with copies of the stored connections that the definition names."""
    stores = MemoryStores()
    async with AsyncExitStack() as stack:
        local = None
        if summary.connections:
            from etlplus.bootstrap.state import Owner, databases, open_stores  # noqa: PLC0415

            found = await stack.enter_async_context(databases(settings, Owner.ANY))
            local = found.warehouse
            kept = await stack.enter_async_context(open_stores(found))
            for name in set(summary.connections) - {names.LOCAL_CONNECTION}:
                await _copy(kept.stores, stores, name)
        # No server keeps the job, so nobody could ask for it to be rolled back.
        yield parts(settings.model_copy(update={"undo_keep": 0}), stores, local)


async def _copy(source: Stores, target: Stores, name: str) -> None:
    try:
        found = await source.connections.get(_WORKSPACE, name)
    except NotFound:
        return  # the run says so, with the sink or source that names it
    draft = ConnectionDraft(found.kind, found.options, found.password)
    await target.connections.create(_WORKSPACE, name, draft)
