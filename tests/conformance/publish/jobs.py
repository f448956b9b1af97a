"""Runs whole jobs by the worker's own code, with stores in memory, against a real warehouse."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Never
from uuid import uuid4

import pytest

from etlplus import language
from etlplus import settings as settings_module
from etlplus.bootstrap.machine import parts
from etlplus.connectors.postgres import PostgresRollback
from etlplus.domain import names
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.job import Job, NewJob
from etlplus.domain.pipeline import PipelineDraft
from etlplus.domain.planhash import Survey
from etlplus.domain.rollback import RollbackOrder
from etlplus.engine import RustEngine
from etlplus.executor.asides import EnginePlanning
from etlplus.executor.run import JobRun
from etlplus.executor.threads import Threads
from etlplus.store.memory.stores import MemoryStores

_LEASE = timedelta(minutes=10)
_RUN_OUT = timedelta(seconds=-1)
_ROLLBACK = PostgresRollback(patience=10)


class _DiedError(BaseException):
    """The worker is gone; nothing of it runs any more."""


class _DyingEngine(RustEngine):
    """Dies once the plan is about to run."""

    def start(self, *_: object, **__: object) -> Never:
        raise _DiedError


class Jobs:
    """A worker's machine, with `local` as its warehouse; each job has a pipeline of its own."""

    def __init__(self, folder: Path, warehouse: ResolvedConnection) -> None:
        given = {"data_dir": folder / "data", "file_roots": (folder,), "undo_keep": 9}
        settings = settings_module.load().model_copy(update=given)
        self.stores = MemoryStores()
        self.parts = parts(settings, self.stores, warehouse.options)
        self._warehouse = warehouse

    def run(self, text: str, *, plan_hash: str = "", dies: bool = False, **params: str) -> Job:
        """Runs a definition as a job; the job as it ended.

        With `dies` the first worker is gone once it has altered tables; another takes the job over.
        """
        return asyncio.run(self._run(text, plan_hash, dies, params))

    def plan(self, text: str, **params: str) -> Survey:
        """What a run of a definition would do."""

        async def plan() -> Survey:
            threads = Threads(1, "test-plan")
            try:
                planning = EnginePlanning(self.parts, threads)
                return await planning.plan("default", self.spec(text), params)
            finally:
                threads.close()

        return asyncio.run(plan())

    def spec(self, text: str) -> bytes:
        """The definition of a text without errors."""
        parsed = language.parse(text)
        assert parsed.spec is not None, language.render(parsed.problems)
        return parsed.spec

    def back(self, job: Job, *, cascade: bool = False) -> None:
        """Rolls a job's sink `out` back."""
        order = RollbackOrder(names.load_id(job.uid), ("out",), "me", "", cascade)
        _ROLLBACK.roll_back(order, self._warehouse)

    async def _run(self, text: str, plan_hash: str, dies: bool, params: Mapping[str, str]) -> Job:
        name = f"p{uuid4().hex}"
        draft = PipelineDraft(self.spec(text), text, "me", "")
        stored = await self.stores.pipelines.create("default", name, draft)
        new = NewJob(
            *("default", names.new_job_id(), name, stored.version, params, "me"),
            plan_hash=plan_hash,
        )
        await self.stores.jobs.create(new)
        threads = Threads(1, "test-job")
        try:
            if dies:
                (job,) = await self.stores.jobs.claim(uuid4(), lease=_RUN_OUT)
                doomed = replace(self.parts, engine=_DyingEngine())
                with pytest.raises(_DiedError):
                    await JobRun(doomed, threads, job).execute()
                assert await self.stores.jobs.rescue() == 1
            (job,) = await self.stores.jobs.claim(uuid4(), lease=_LEASE)
            await JobRun(self.parts, threads, job).execute()
        finally:
            threads.close()
        return await self.stores.jobs.get("default", new.uid)
