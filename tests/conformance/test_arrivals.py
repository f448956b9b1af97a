"""Files that start runs: each content does once for a source of a pipeline."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from etlplus.app.ports import Stores
from etlplus.domain.arrival import FileContent, FileTrigger, WatchState
from etlplus.domain.job import Job, JobError
from etlplus.domain.names import new_job_id
from etlplus.domain.pipeline import Pipeline
from etlplus.domain.queueing import Queueing
from etlplus.domain.trigger import DueTrigger, TriggerKey, Triggers
from tests.conformance.drafts import WORKSPACE, draft

FILES = FileTrigger("orders", "in/*.csv", timedelta(seconds=3))
ERROR = JobError("PARAM_INVALID", "no value", hint="give one")
MODIFIED = 1_800_000_000_123_456_789


def file(content: str, path: str = "") -> FileContent:
    return FileContent(content, path or f"/in/{content}.csv", 7, MODIFIED)


async def make(stores: Stores, name: str, files: FileTrigger | None = FILES) -> Pipeline:
    triggers = None if files is None else Triggers(params={"day": "1"}, files=files)
    return await stores.pipelines.create(WORKSPACE, name, replace(draft(), triggers=triggers))


async def save(
    stores: Stores, name: str, files: FileTrigger | None = FILES, *after: str
) -> Pipeline:
    triggers = None if files is None and not after else Triggers(after, files=files)
    new = replace(draft(str(files)), triggers=triggers)
    return await stores.pipelines.update(WORKSPACE, name, new)


async def watched(stores: Stores) -> list[DueTrigger]:
    return list(await stores.arrivals.watched(limit=99))


async def fire(stores: Stores, due: DueTrigger, *found: FileContent) -> UUID | None:
    job = new_job_id()
    queueing = Queueing(priority=7, queue="slow")
    made = await stores.arrivals.fire(due, job, found, queueing=queueing)
    return job if made else None


async def standing(stores: Stores, name: str) -> WatchState:
    state = (await stores.pipelines.get(WORKSPACE, name)).triggers
    assert state is not None
    assert state.watch is not None
    return state.watch


async def jobs(stores: Stores) -> list[Job]:
    return list(await stores.jobs.list(WORKSPACE, limit=999))


async def test_a_pipeline_shows_what_it_watches(stores: Stores) -> None:
    made = await make(stores, "a")
    assert made.triggers is not None
    assert made.triggers.triggers == Triggers(params={"day": "1"}, files=FILES)
    assert made.triggers.watch == WatchState()
    assert made == await stores.pipelines.get(WORKSPACE, "a")
    assert [one.triggers for one in await stores.pipelines.list(WORKSPACE, limit=9)] == [
        made.triggers
    ]
    assert await stores.triggers.due(limit=9) == []
    (due,) = await watched(stores)
    assert due == DueTrigger(WORKSPACE, "a", 1, made.triggers.triggers)


async def test_what_is_watched_comes_in_pages(stores: Stores) -> None:
    for name in ("a", "b", "c"):
        await make(stores, name)
    await make(stores, "d", None)
    first = await stores.arrivals.watched(limit=2)
    rest = await stores.arrivals.watched(after=first[-1].key, limit=2)
    assert [due.pipeline for due in (*first, *rest)] == ["a", "b", "c"]
    assert await stores.arrivals.watched(after=TriggerKey(WORKSPACE, "c"), limit=2) == []


async def test_new_contents_start_one_job(stores: Stores) -> None:
    await make(stores, "a")
    (due,) = await watched(stores)
    uid = await fire(stores, due, file("one"), file("two"), file("one", "/in/copy.csv"))
    assert uid is not None
    job = await stores.jobs.get(WORKSPACE, uid)
    assert (job.pipeline, job.version, job.author, job.params) == ("a", 1, "trigger", {"day": "1"})
    assert (job.priority, job.queue, job.scheduled_time) == (7, "slow", None)
    assert (job.arrived, job.arrived_count) == (("/in/one.csv", "/in/two.csv"), 2)
    assert await jobs(stores) == [job]
    events = await stores.events.events(WORKSPACE, uid, after=0, limit=9)
    assert len(events.events) == 1
    state = await standing(stores, "a")
    assert (state.arrived, state.last_path) in {(2, "/in/one.csv"), (2, "/in/two.csv")}
    assert state.last_time is not None
    assert state.last_time >= job.create_time
    whole = (await stores.pipelines.get(WORKSPACE, "a")).triggers
    assert whole is not None
    assert whole.last_job == str(uid)
    assert whole.last_time is not None


async def test_a_content_starts_a_job_once_whatever_it_is_called(stores: Stores) -> None:
    await make(stores, "a")
    (due,) = await watched(stores)
    assert await fire(stores, due, file("one")) is not None
    assert await fire(stores, due, file("one", "/in/again.csv")) is None
    assert await stores.arrivals.known(due, ["one", "two"]) == {"one"}
    assert await stores.arrivals.known(due, []) == frozenset()
    uid = await fire(stores, due, file("one"), file("two"))
    assert uid is not None
    assert (await stores.jobs.get(WORKSPACE, uid)).arrived == ("/in/two.csv",)
    assert await fire(stores, due) is None


async def test_pipelines_and_sources_know_nothing_of_each_other(stores: Stores) -> None:
    await make(stores, "a")
    await make(stores, "b")
    for due in await watched(stores):
        assert await fire(stores, due, file("one")) is not None
    await save(stores, "a", replace(FILES, source="other"))
    assert (await standing(stores, "a")).arrived == 0
    assert await fire(stores, (await watched(stores))[0], file("one")) is not None


async def test_what_is_known_stays_so_in_later_versions(stores: Stores) -> None:
    await make(stores, "a", FILES)
    await make(stores, "b", None)
    (due,) = await watched(stores)
    await fire(stores, due, file("one"))
    await save(stores, "a", replace(FILES, uri="in/new/*.csv"), "b")
    (later,) = await watched(stores)
    assert await fire(stores, due, file("two")) is None
    assert await fire(stores, later, file("one")) is None
    await save(stores, "a", None, "b")
    assert await watched(stores) == []
    assert await fire(stores, later, file("three")) is None
    await save(stores, "a")
    assert await fire(stores, (await watched(stores))[0], file("one")) is None
    assert (await standing(stores, "a")).arrived == 1


async def test_a_deleted_pipeline_forgets(stores: Stores) -> None:
    await make(stores, "a")
    (due,) = await watched(stores)
    await fire(stores, due, file("one"))
    await stores.arrivals.looked(due, next_look=timedelta(seconds=5), unsettled=1)
    await stores.pipelines.delete(WORKSPACE, "a")
    assert await watched(stores) == []
    assert await fire(stores, due, file("two")) is None
    await stores.arrivals.looked(due, next_look=timedelta(seconds=5), unsettled=1)
    await make(stores, "a")
    assert await standing(stores, "a") == WatchState()
    assert await fire(stores, (await watched(stores))[0], file("one")) is not None


async def test_what_is_paused_or_failed_waits(stores: Stores) -> None:
    await make(stores, "a")
    (due,) = await watched(stores)
    await stores.triggers.pause(WORKSPACE, "a", paused=True)
    assert await watched(stores) == []
    assert await fire(stores, due, file("one")) is None
    await stores.triggers.pause(WORKSPACE, "a", paused=False)
    assert await stores.triggers.fail(due, ERROR)
    assert await watched(stores) == []
    assert await fire(stores, due, file("one")) is None
    await stores.triggers.pause(WORKSPACE, "a", paused=False)
    assert await fire(stores, due, file("one")) is not None


async def test_looks_are_told_of(stores: Stores) -> None:
    await make(stores, "a")
    (due,) = await watched(stores)
    await stores.arrivals.looked(due, next_look=timedelta(seconds=9), unsettled=4)
    state = await standing(stores, "a")
    assert state.look_time is not None
    assert state.next_look_time is not None
    assert state.next_look_time - state.look_time >= timedelta(seconds=9)
    assert state.look_time <= datetime.now(UTC) + timedelta(hours=1)
    assert state.unsettled == 4
    await stores.arrivals.looked(due, next_look=timedelta(seconds=9), unsettled=0)
    assert (await standing(stores, "a")).unsettled == 0


@pytest.mark.parametrize("turn", range(3))
async def test_of_many_replicas_one_starts_each_content(stores: Stores, turn: int) -> None:
    await make(stores, "a")
    (due,) = await watched(stores)
    every = [file(str(number)) for number in range(30)]

    async def replica(number: int) -> None:
        # Each sees its own part first, and goes on until all is known.
        mine = every[number * (turn + 1) :] + every[: number * (turn + 1)]
        for upto in (3, 17, len(every)):
            while set(await stores.arrivals.known(due, [f.content for f in mine[:upto]])) != {
                f.content for f in mine[:upto]
            }:
                await fire(stores, due, *mine[:upto])

    await asyncio.gather(*(replica(number) for number in range(6)))
    made = await jobs(stores)
    assert sum(job.arrived_count for job in made) == len(every)
    assert all(job.arrived_count for job in made)
    assert (await standing(stores, "a")).arrived == len(every)


async def test_fifty_thousand_contents_are_one_job(stores: Stores) -> None:
    await make(stores, "a")
    (due,) = await watched(stores)
    every = [file(f"{number:05}") for number in range(50_000)]
    uid = await fire(stores, due, *every)
    assert uid is not None
    job = await stores.jobs.get(WORKSPACE, uid)
    assert job.arrived_count == 50_000
    assert job.arrived == tuple(f"/in/0000{number}.csv" for number in range(10))
    assert len(await stores.arrivals.known(due, [one.content for one in every])) == 50_000
