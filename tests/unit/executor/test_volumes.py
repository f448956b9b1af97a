"""A volume that is unusual ends a run before it publishes, or is a warning."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from etlplus.domain.errors import RunError
from etlplus.domain.job import Job, JobState
from etlplus.domain.run import NodeCounters
from etlplus.executor.run import JobRun
from etlplus.executor.threads import Threads
from etlplus.store.memory.stores import MemoryStores
from tests.unit.executor.twins import TABLES, Target, engine_of, make_parts, submit

WARNS = TABLES + "limits: {volume: {change: 0.5, runs: 1, action: warn}}\n"
FAILS = (
    TABLES + "limits: {volume: {change: 0.5, runs: 1, of: [one]}, retries: {max: 1, backoff: 0s}}\n"
)


class Bench:
    """A store, a target, and an engine that counts what a test says."""

    def __init__(self, folder: Path) -> None:
        self.stores = MemoryStores()
        self.target = Target()
        self.parts = make_parts(folder, self.stores, self.target)

    async def run(self, text: str, rows: int) -> Job:
        engine_of(self.parts).nodes = tuple(
            NodeCounters(name, "postgres", rows, rows) for name in ("one", "two")
        )
        job = await submit(self.stores, text)
        return await self.again(job)

    async def again(self, job: Job) -> Job:
        lease = timedelta(seconds=30)
        (claimed,) = await self.stores.jobs.claim(UUID(int=1), lease=lease)
        await JobRun(self.parts, Threads(1, "test-volume"), claimed).execute()
        return await self.stores.jobs.get("default", job.uid)

    async def log(self, job: Job) -> list[tuple[str, str]]:
        page = await self.stores.events.log("default", job.uid, after=0, limit=100)
        return [(line.level, line.message) for line in page.lines]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_an_unusual_volume_publishes_nothing_and_says_why(bench: Bench) -> None:
    assert (await bench.run(FAILS, 10)).state is JobState.SUCCEEDED
    bench.target.applied.clear()
    job = await bench.run(FAILS, 4)
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert (job.error.code, job.error.place) == ("VOLUME_UNUSUAL", "limits.volume.change")
    assert job.error.message == (
        "one: 4 rows, where the last 1 runs had 10 at the median: 5 to 15 are allowed"
    )
    assert "limits.volume" in job.error.hint
    assert bench.target.applied == []
    assert bench.target.staged == {}


async def test_a_warning_stays_with_the_job_and_in_its_log(bench: Bench) -> None:
    assert (await bench.run(WARNS, 10)).warnings == ()
    job = await bench.run(WARNS, 4)
    assert job.state is JobState.SUCCEEDED
    assert [(each.code, each.place) for each in job.warnings] == [
        ("VOLUME_UNUSUAL", "limits.volume.change")
    ] * 2
    warned = [message for level, message in await bench.log(job) if level == "WARNING"]
    assert len(warned) == 2
    assert warned[0].startswith("VOLUME_UNUSUAL: one: 4 rows")


async def test_a_run_that_failed_says_nothing_of_what_is_usual(bench: Bench) -> None:
    await bench.run(FAILS, 10)
    await bench.run(FAILS, 100)
    assert (await bench.run(FAILS, 12)).state is JobState.SUCCEEDED


async def test_what_was_published_in_part_is_brought_to_its_end(bench: Bench) -> None:
    await bench.run(FAILS, 10)
    bench.target.fails["two"] = RunError("locked", code="PUBLISH_CONFLICT")
    job = await bench.run(FAILS, 10)
    assert job.state is JobState.PENDING
    assert [sink.name for sink in job.sinks] == ["one"]
    bench.target.fails.clear()
    engine_of(bench.parts).nodes = (NodeCounters("one", "postgres", 1, 1),)
    ended = await bench.again(job)
    assert ended.state is JobState.SUCCEEDED
    assert [each.place for each in ended.warnings] == ["limits.volume.change"]
