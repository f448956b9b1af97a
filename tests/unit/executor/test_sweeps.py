"""Upkeep."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from etlplus.domain.connection import ConnectionDraft
from etlplus.domain.job import Job, JobState, Lease, Settlement
from etlplus.domain.names import new_job_id
from etlplus.executor.sweeps import Sweeps
from etlplus.executor.threads import Threads
from etlplus.store.memory.stores import MemoryStores
from tests.unit.executor.twins import Target, make_parts, submit

WORKER = UUID(int=1)
LEASE = timedelta(seconds=30)


class House:
    """A store with one running job, its folders, and a target."""

    def __init__(self, folder: Path) -> None:
        self.work = folder / "data" / "work"
        self.stores = MemoryStores()
        self.target = Target()
        self.parts = make_parts(folder, self.stores, self.target)
        self.sweeps = Sweeps(self.parts, Threads(1, "test-sweep"))

    async def running(self) -> Job:
        await submit(self.stores)
        (job,) = await self.stores.jobs.claim(WORKER, lease=LEASE)
        return job

    def folder(self, name: str, age: float = 0.0) -> str:
        path = self.work / name
        path.mkdir(parents=True)
        (path / "spill").write_text("rows", encoding="utf-8")
        os.utime(path, (time.time() - age, time.time() - age))
        return name

    def folders(self) -> set[str]:
        return {path.name for path in self.work.iterdir()}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_folders_of_dead_claims_go_and_others_stay(house: House) -> None:
    job = await house.running()
    load = job.uid.hex
    kept = {
        house.folder(f"{load}-{job.epoch}"),
        house.folder(f"{uuid4().hex}-0", age=60),  # a plan that may be under way
        house.folder("something else"),
    }
    house.folder(f"{load}-{job.epoch + 1}")
    house.folder(f"{uuid4().hex}-9")
    house.folder(f"{uuid4().hex}-0", age=7200)
    await house.sweeps.tidy()
    assert await asyncio.to_thread(house.folders) == kept


async def test_staging_of_our_dead_claims_goes_and_others_stays(house: House) -> None:
    job = await house.running()
    load, foreign = job.uid.hex, new_job_id().hex
    live = (load, job.epoch, "one")
    dead = (load, job.epoch - 1, "one")
    elsewhere = (foreign, 1, "one")  # another service may load into the same database
    house.target.staged = dict.fromkeys((live, dead, elsewhere), 1)
    await house.sweeps.tidy()
    assert set(house.target.staged) == {live, elsewhere}


async def test_a_target_that_is_away_does_not_keep_others_from_being_tidied(
    house: House,
) -> None:
    options = {"host": "db", "database": "crm", "user": "etl"}
    draft = ConnectionDraft("postgres", options, "env:NOT_SET")
    await house.stores.connections.create("default", "crm", draft)
    job = await house.running()
    house.target.staged = {(job.uid.hex, 0, "one"): 1}
    await house.sweeps.tidy()
    assert house.target.staged == {}


async def test_every_connection_is_looked_at(house: House) -> None:
    options = {"host": "db", "database": "crm", "user": "etl"}
    for number in range(101):
        draft = ConnectionDraft("postgres", options, "")
        await house.stores.connections.create("default", f"c{number:03}", draft)
    await house.sweeps.tidy()
    assert len(set(house.target.looked_at)) == 102


async def test_jobs_of_lost_workers_are_rescued(house: House) -> None:
    job = await submit(house.stores)
    await house.stores.jobs.claim(WORKER, lease=timedelta(seconds=-1))
    await house.sweeps.rescue()
    assert (await house.stores.jobs.get("default", job.uid)).lost_leases == 1


async def test_sweeping_goes_on_after_a_fault(house: House) -> None:
    stop = asyncio.Event()
    seen = asyncio.Event()

    async def fails() -> None:
        seen.set()
        raise ZeroDivisionError

    house.sweeps.rescue = fails  # type: ignore[method-assign]
    task = asyncio.create_task(house.sweeps.keep(stop))
    await seen.wait()
    assert not task.done()
    stop.set()
    await task


async def test_old_jobs_are_forgotten_with_their_rejects(house: House) -> None:
    rejects = house.parts.environment.data_dir / "rejects"
    rejects.mkdir(parents=True)
    ended = await house.running()
    assert await house.stores.jobs.settle(
        Lease(ended.uid, ended.epoch), Settlement(JobState.SUCCEEDED)
    )
    kept = await house.running()
    for name in (f"{ended.uid.hex}.arrow", f"{kept.uid.hex}.arrow", "notes.txt"):
        (rejects / name).write_text("rows", encoding="utf-8")
        os.utime(rejects / name, (0, 0))
    await house.sweeps.forget()
    assert len(await house.stores.jobs.list("default", limit=9)) == 2
    forgetful = Sweeps(house.parts, Threads(1, "test-forget"), timedelta(0))
    await forgetful.forget()
    assert [job.uid for job in await house.stores.jobs.list("default", limit=9)] == [kept.uid]
    assert {path.name for path in rejects.iterdir()} == {f"{kept.uid.hex}.arrow", "notes.txt"}
