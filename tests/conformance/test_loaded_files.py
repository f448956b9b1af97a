"""Which contents of files count as loaded: they follow what jobs have published."""

from __future__ import annotations

from dataclasses import replace

from etlplus.app.ports import Stores
from etlplus.domain.arrival import FileContent
from etlplus.domain.job import Job, JobState, Lease, Settlement, SinkResult, SinkRollback
from etlplus.domain.names import load_id
from etlplus.domain.newfiles import FilesPosition, FilesWindow, window_of
from etlplus.domain.run import Books
from tests.conformance.drafts import PIPELINE, WORKSPACE, claim, pipeline, submit

SUCCEEDED = Settlement(JobState.SUCCEEDED)
FAILED = Settlement(JobState.FAILED)


def file(name: str) -> FileContent:
    return FileContent(f"4-{name}", f"/in/{name}.csv", 4, 1_772_000_000_123_456_789)


async def start(stores: Stores, *names: str) -> tuple[Job, Lease]:
    """A job that runs, with a window of these files where it has none yet."""
    await submit(stores)
    job, lease = await claim(stores)
    opening = await stores.windows.begin(lease, ["files"])
    if not opening.windows:
        value = opening.positions["files"].value
        before = FilesPosition() if value is None else FilesPosition.from_json(value)
        window = window_of([file(name) for name in names], before)
        opening = await stores.windows.fix(lease, opening, {"files": window})
    return job, lease


async def load(stores: Stores, *names: str) -> Job:
    """A job that has loaded these files."""
    job, lease = await start(stores, *names)
    await stores.windows.begin_publishing(lease)
    sink = SinkResult("out", "postgres", "t", "append", Books(), "00", load_id(job.uid))
    assert await stores.jobs.settle(lease, Settlement(JobState.SUCCEEDED, sinks=(sink,)))
    return job


async def roll_back(stores: Stores, job: Job) -> None:
    await stores.jobs.roll_back(WORKSPACE, job.uid, [SinkRollback("out", job.create_time, "me")])


async def known(stores: Stores, pipeline_id: str = PIPELINE, source: str = "files") -> str:
    asked = [file(name).content for name in "abcd"]
    found = await stores.windows.loaded(WORKSPACE, pipeline_id, source, asked)
    return "".join(sorted(each[-1] for each in found))


async def position(stores: Stores) -> FilesPosition | None:
    (found,) = await stores.windows.positions(WORKSPACE, PIPELINE)
    return None if found.value is None else FilesPosition.from_json(found.value)


async def test_contents_are_loaded_with_the_success_of_their_job(stores: Stores) -> None:
    await pipeline(stores)
    job, lease = await start(stores, "a", "b")
    (kept,) = await stores.windows.of_job(job.uid)
    assert kept.window == FilesWindow((file("a"), file("b")), FilesPosition(2, "/in/b.csv"))
    assert str(kept.window) == "2 new files: /in/a.csv, /in/b.csv"
    assert await known(stores) == ""
    assert not await stores.jobs.settle(replace(lease, epoch=lease.epoch - 1), SUCCEEDED)
    assert await known(stores) == ""
    assert await stores.jobs.settle(lease, SUCCEEDED)
    assert await known(stores) == "ab"
    assert await position(stores) == FilesPosition(2, "/in/b.csv")
    assert await known(stores, "another") == await known(stores, source="other") == ""
    assert await stores.windows.loaded(WORKSPACE, PIPELINE, "files", []) == set()


async def test_a_job_without_new_files_changes_nothing(stores: Stores) -> None:
    await pipeline(stores)
    await load(stores, "a")
    job = await load(stores)
    (kept,) = await stores.windows.of_job(job.uid)
    assert str(kept.window) == "no new file"
    assert await known(stores) == "a"
    assert await position(stores) == FilesPosition(1, "/in/a.csv")


async def test_a_job_that_failed_has_loaded_nothing(stores: Stores) -> None:
    await pipeline(stores)
    _, lease = await start(stores, "a")
    assert await stores.jobs.settle(lease, FAILED)
    assert await known(stores) == ""
    await load(stores, "b")
    assert await known(stores) == "b"


async def test_a_load_that_is_taken_over_is_loaded_once_with_the_same_files(
    stores: Stores,
) -> None:
    await pipeline(stores)
    first, lease = await start(stores, "a", "b")
    await stores.windows.begin_publishing(lease)
    assert await stores.jobs.settle(lease, FAILED)
    second, lease = await start(stores, "c")
    (kept,) = await stores.windows.of_job(second.uid)
    assert isinstance(kept.window, FilesWindow)
    assert [each.path for each in kept.window.files] == ["/in/a.csv", "/in/b.csv"]
    assert await known(stores) == ""
    assert await stores.jobs.settle(lease, SUCCEEDED)
    assert await known(stores) == "ab"
    assert set(await stores.windows.carriers(first.uid)) == {first.uid, second.uid}


async def test_a_rollback_takes_its_files_back_and_no_others(stores: Stores) -> None:
    await pipeline(stores)
    await load(stores, "a")
    job = await load(stores, "b", "c")
    await roll_back(stores, job)
    assert await known(stores) == "a"
    assert await position(stores) == FilesPosition(1, "/in/a.csv")
    await load(stores, "b")
    assert await known(stores) == "ab"


async def test_a_reset_forgets_all_and_rollbacks_of_before_change_nothing(stores: Stores) -> None:
    await pipeline(stores)
    before = await load(stores, "a", "b")
    await stores.windows.reset(WORKSPACE, PIPELINE, "files", None)
    assert await known(stores) == ""
    assert await position(stores) is None
    await load(stores, "a")
    await roll_back(stores, before)
    assert await known(stores) == "a"
