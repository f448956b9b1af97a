"""A job that replays rejects reads what was refused, and nothing else is published."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from etlplus.domain.job import Job, JobState, NewJob, SinkRollback
from etlplus.domain.names import new_job_id
from etlplus.domain.replay import Replay, ReplayPlan, ReplaySource
from etlplus.domain.run import NodeCounters
from etlplus.executor.asides import KeptRejects
from etlplus.executor.parts import Parts
from etlplus.executor.run import JobRun
from etlplus.executor.threads import Threads
from etlplus.store.memory.stores import MemoryStores
from tests.unit.executor.twins import REJECTED, Target, engine_of, make_parts, submit

LEASE = timedelta(seconds=30)
ONE = """
api: etlplus/v1
name: orders
sources: {orders: {csv: {uri: orders.csv}}}
sinks: {one: {from: orders, postgres: {connection: local, table: one}}}
"""


class Bench:
    """A job that has refused rows, and replays of it."""

    def __init__(self, folder: Path) -> None:
        self.stores = MemoryStores()
        self.target = Target()
        self.parts: Parts = make_parts(folder, self.stores, self.target)
        self.engine = engine_of(self.parts)
        self.threads = Threads(1, "test-job")

    async def execute(self, job: Job) -> Job:
        (claimed,) = await self.stores.jobs.claim(uuid.UUID(int=1), lease=LEASE)
        await JobRun(self.parts, self.threads, claimed).execute()
        return await self.stores.jobs.get("default", job.uid)

    async def original(self) -> Job:
        return await self.execute(await submit(self.stores, ONE))

    async def submit(self, of: Job) -> Job:
        plan = ReplayPlan((ReplaySource("orders", ("orders",), REJECTED),))
        since = of.start_time or of.create_time
        replay = Replay(of.uid, since, plan)
        new = NewJob("default", new_job_id(), "orders", of.version, {}, "root", replay=replay)
        return await self.stores.jobs.create(new)

    def reads(self, rows: int) -> None:
        self.engine.nodes = (NodeCounters("orders", "csv", rows, rows),)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_the_engine_is_told_which_records(bench: Bench) -> None:
    job = await bench.original()
    bench.reads(REJECTED)
    done = await bench.execute(await bench.submit(job))
    assert done.state is JobState.SUCCEEDED
    first, second = bench.engine.runtimes
    assert not first.replays
    (told,) = second.replays
    assert (told.source, list(told.steps)) == ("orders", ["orders"])
    assert told.rejects_path == job.rejects.path
    assert await KeptRejects(bench.parts, bench.threads).is_kept(job)
    assert job.start_time is not None
    since = datetime.fromtimestamp(told.unchanged_since // 1_000_000, UTC)
    whole = since.replace(microsecond=told.unchanged_since % 1_000_000)
    assert whole == job.start_time
    assert [load for load, _, _ in bench.target.applied] == [job.uid.hex, done.uid.hex]


async def test_other_records_than_those_are_not_published(bench: Bench) -> None:
    job = await bench.original()
    bench.reads(REJECTED + 1)
    done = await bench.execute(await bench.submit(job))
    assert done.state is JobState.FAILED
    assert done.error is not None
    assert (done.error.code, done.error.place) == ("SOURCE_CHANGED", "orders")
    assert [load for load, _, _ in bench.target.applied] == [job.uid.hex]
    assert not bench.target.staged


async def test_rejects_that_are_gone_end_the_job(bench: Bench) -> None:
    job = await bench.original()
    kept = KeptRejects(bench.parts, bench.threads)
    assert await kept.is_kept(job)
    assert not await kept.is_kept(replace(job, rejects=replace(job.rejects, path="")))
    await bench.threads.call(Path(job.rejects.path).unlink)
    assert not await kept.is_kept(job)
    done = await bench.execute(await bench.submit(job))
    assert done.error is not None
    assert done.error.code == "REJECTS_GONE"
    assert bench.engine.started == 1


async def test_a_job_that_was_rolled_back_meanwhile_is_not_completed(bench: Bench) -> None:
    job = await bench.original()
    waiting = await bench.submit(job)
    undone = SinkRollback("one", datetime(2026, 1, 31, tzinfo=UTC), "root")
    await bench.stores.jobs.roll_back("default", job.uid, [undone])
    done = await bench.execute(waiting)
    assert done.error is not None
    assert done.error.code == "NOTHING_PUBLISHED"
    assert bench.engine.started == 1
