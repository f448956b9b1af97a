"""Windows are fixed once, and positions follow what jobs have published."""

from __future__ import annotations

from datetime import timedelta

import pytest

from etlplus.app.ports import Stores
from etlplus.domain.cursor import CursorPosition, CursorWindow
from etlplus.domain.errors import NotFound, WrongState
from etlplus.domain.job import Job, JobState, Lease, Settlement, SinkResult, SinkRollback
from etlplus.domain.names import load_id
from etlplus.domain.run import Books
from etlplus.domain.window import Opening, Position
from tests.conformance.archiving import forgotten
from tests.conformance.drafts import EXPIRED, PIPELINE, WORKSPACE, claim, pipeline, submit

SUCCEEDED = Settlement(JobState.SUCCEEDED)
FAILED = Settlement(JobState.FAILED)


def window(upper: str, lower: str | None = None) -> CursorWindow:
    return CursorWindow(
        "id", "bigint", lower, False, upper, True, reached=CursorPosition("id", "bigint", upper)
    )


def sink(job: Job, name: str = "out") -> SinkResult:
    return SinkResult(name, "postgres", "t", "append", Books(), "00", load_id(job.uid))


def rolled_back(job: Job, name: str = "out") -> list[SinkRollback]:
    return [SinkRollback(name, job.create_time, "me")]


async def start(stores: Stores) -> tuple[Job, Lease]:
    await submit(stores)
    return await claim(stores)


async def fixed(stores: Stores, upper: str) -> tuple[Job, Lease, Opening]:
    """A job that runs, with a window."""
    job, lease = await start(stores)
    opening = await stores.windows.begin(lease, ["orders"])
    assert opening.windows == {}
    opening = await stores.windows.fix(lease, opening, {"orders": window(upper)})
    return job, lease, opening


async def loaded(stores: Stores, upper: str) -> Job:
    """A job that has loaded a window."""
    job, lease, _ = await fixed(stores, upper)
    await stores.windows.begin_publishing(lease)
    ended = Settlement(JobState.SUCCEEDED, sinks=(sink(job),))
    assert await stores.jobs.settle(lease, ended)
    return await stores.jobs.get(WORKSPACE, job.uid)


async def place(stores: Stores) -> Position:
    (found,) = await stores.windows.positions(WORKSPACE, PIPELINE)
    return found


async def value(stores: Stores) -> object:
    found = (await place(stores)).value
    return None if found is None else found["value"]


async def test_a_position_moves_with_the_success_of_its_job(stores: Stores) -> None:
    await pipeline(stores)
    job, lease, opening = await fixed(stores, "7")
    assert opening.load == job.uid
    assert await value(stores) is None
    assert await stores.jobs.settle(lease, SUCCEEDED)
    assert await value(stores) == "7"
    _, lease = await start(stores)
    opening = await stores.windows.begin(lease, ["orders"])
    assert opening.positions["orders"].value == window("7").after
    (kept,) = await stores.windows.of_job(job.uid)
    assert (kept.source, kept.window, kept.before, kept.state) == (
        "orders",
        window("7"),
        None,
        "DONE",
    )


async def test_every_attempt_reads_the_same_window(stores: Stores) -> None:
    await pipeline(stores)
    await submit(stores)
    job, lease = await claim(stores, EXPIRED)
    opening = await stores.windows.begin(lease, ["orders"])
    await stores.windows.fix(lease, opening, {"orders": window("7")})
    assert await stores.jobs.rescue() == 1
    again, second = await claim(stores)
    assert again.uid == job.uid
    for _ in range(2):
        found = await stores.windows.begin(second, ["orders"])
        assert found.windows["orders"].window == window("7")
    found = await stores.windows.fix(second, found, {"orders": window("9")})
    assert found.windows["orders"].window == window("7")
    assert not await stores.jobs.settle(lease, SUCCEEDED)
    assert await value(stores) is None
    assert await stores.jobs.settle(second, SUCCEEDED)
    assert await value(stores) == "7"


async def test_a_lost_claim_opens_and_begins_nothing(stores: Stores) -> None:
    await pipeline(stores)
    await submit(stores)
    _, lease = await claim(stores, EXPIRED)
    opening = await stores.windows.begin(lease, ["orders"])
    await stores.jobs.rescue()
    for write in (
        stores.windows.begin(lease, ["orders"]),
        stores.windows.fix(lease, opening, {"orders": window("7")}),
        stores.windows.begin_publishing(lease),
    ):
        with pytest.raises(WrongState) as caught:
            await write
        assert caught.value.code == "LEASE_LOST"


async def test_a_job_that_ended_before_it_published_leaves_nothing(stores: Stores) -> None:
    await pipeline(stores)
    _, lease, _ = await fixed(stores, "7")
    assert await stores.jobs.settle(lease, FAILED)
    assert await value(stores) is None
    job, lease = await start(stores)
    opening = await stores.windows.begin(lease, ["orders"])
    assert (opening.windows, opening.load) == ({}, job.uid)


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
async def test_what_may_be_published_in_part_is_taken_over(stores: Stores, state: JobState) -> None:
    await pipeline(stores)
    first, lease, _ = await fixed(stores, "7")
    await stores.windows.begin_publishing(lease)
    assert await stores.jobs.settle(lease, Settlement(state))
    second, lease = await start(stores)
    opening = await stores.windows.begin(lease, ["orders"])
    assert opening.load == first.uid
    assert opening.windows["orders"].window == window("7")
    # The second one ends in the same way, so that the third takes over from it.
    assert await stores.jobs.settle(lease, FAILED)
    third, lease = await start(stores)
    opening = await stores.windows.begin(lease, ["orders"])
    assert opening.load == first.uid
    assert list(await stores.windows.carriers(first.uid)) == sorted(
        [first.uid, second.uid, third.uid]
    )
    assert await stores.jobs.settle(lease, SUCCEEDED)
    assert await value(stores) == "7"
    fourth, lease = await start(stores)
    assert (await stores.windows.begin(lease, ["orders"])).load == fourth.uid


async def test_a_load_of_other_sources_is_not_taken_over(stores: Stores) -> None:
    await pipeline(stores)
    _, lease, _ = await fixed(stores, "7")
    await stores.windows.begin_publishing(lease)
    await stores.jobs.settle(lease, FAILED)
    _, lease = await start(stores)
    with pytest.raises(WrongState) as caught:
        await stores.windows.begin(lease, ["orders", "clients"])
    assert caught.value.code == "LOAD_UNFINISHED"


async def test_a_job_waits_for_another_one_that_has_windows(stores: Stores) -> None:
    await pipeline(stores)
    first, lease, _ = await fixed(stores, "7")
    _, second = await start(stores)
    with pytest.raises(WrongState) as caught:
        await stores.windows.begin(second, ["orders"])
    assert (caught.value.code, caught.value.metadata["job"]) == ("PIPELINE_BUSY", str(first.uid))
    # Also while the first one waits for another attempt.
    assert await stores.jobs.retry(lease, FAILED, delay=timedelta(hours=1))
    with pytest.raises(WrongState) as caught:
        await stores.windows.begin(second, ["orders"])
    assert caught.value.code == "PIPELINE_BUSY"


async def test_a_rollback_takes_the_position_back(stores: Stores) -> None:
    await pipeline(stores)
    await loaded(stores, "7")
    job = await loaded(stores, "9")
    await stores.jobs.roll_back(WORKSPACE, job.uid, rolled_back(job))
    assert await value(stores) == "7"
    again = await place(stores)
    await stores.jobs.roll_back(WORKSPACE, job.uid, rolled_back(job))
    assert await place(stores) == again
    await loaded(stores, "10")
    assert await value(stores) == "10"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_several_rollbacks_go_back_to_the_oldest(
    stores: Stores, order: tuple[int, int]
) -> None:
    await pipeline(stores)
    await loaded(stores, "7")
    jobs = [await loaded(stores, "9"), await loaded(stores, "11")]
    for number in order:
        await stores.jobs.roll_back(WORKSPACE, jobs[number].uid, rolled_back(jobs[number]))
    assert await value(stores) == "7"


async def test_a_position_stays_until_every_sink_is_rolled_back(stores: Stores) -> None:
    await pipeline(stores)
    job, lease, _ = await fixed(stores, "7")
    both = (sink(job, "one"), sink(job, "two"))
    await stores.jobs.settle(lease, Settlement(JobState.SUCCEEDED, sinks=both))
    await stores.jobs.roll_back(WORKSPACE, job.uid, rolled_back(job, "one"))
    assert await value(stores) == "7"
    await stores.jobs.roll_back(WORKSPACE, job.uid, rolled_back(job, "two"))
    assert await value(stores) is None


async def test_what_was_rolled_back_is_not_taken_over(stores: Stores) -> None:
    await pipeline(stores)
    job, lease, _ = await fixed(stores, "7")
    await stores.windows.begin_publishing(lease)
    await stores.jobs.settle(lease, Settlement(JobState.FAILED, sinks=(sink(job),)))
    await stores.jobs.roll_back(WORKSPACE, job.uid, rolled_back(job))
    job, lease = await start(stores)
    assert (await stores.windows.begin(lease, ["orders"])).load == job.uid


async def test_while_a_rollback_runs_nothing_is_opened(stores: Stores) -> None:
    await pipeline(stores)
    job = await loaded(stores, "7")
    await stores.windows.hold(job.uid, [job.uid])
    await stores.windows.hold(job.uid, [job.uid])
    _, lease = await start(stores)
    with pytest.raises(WrongState) as caught:
        await stores.windows.begin(lease, ["orders"])
    assert caught.value.code == "ROLLBACK_UNFINISHED"
    await stores.windows.free(job.uid)
    opening = await stores.windows.begin(lease, ["orders"])
    await stores.windows.fix(lease, opening, {"orders": window("9", "7")})
    with pytest.raises(WrongState) as caught:
        await stores.windows.hold(job.uid, [job.uid])
    assert caught.value.code == "PIPELINE_BUSY"


async def test_a_rollback_beneath_later_windows_is_refused(stores: Stores) -> None:
    await pipeline(stores)
    first = await loaded(stores, "7")
    second = await loaded(stores, "9")
    with pytest.raises(WrongState) as caught:
        await stores.windows.hold(first.uid, [first.uid])
    assert (caught.value.code, caught.value.metadata["jobs"]) == (
        "ROLLBACK_BLOCKED",
        str(second.uid),
    )
    await stores.windows.hold(first.uid, [first.uid, second.uid])


async def test_a_reset_is_where_the_next_window_begins(stores: Stores) -> None:
    await pipeline(stores)
    job = await loaded(stores, "7")
    wanted = CursorPosition("id", "bigint", "3").to_json()
    (found,) = await stores.windows.reset(WORKSPACE, PIPELINE, "orders", wanted)
    assert found.value == wanted
    # What was loaded before has nothing to do with the position any more.
    await stores.jobs.roll_back(WORKSPACE, job.uid, rolled_back(job))
    assert await value(stores) == "3"
    await loaded(stores, "8")
    assert await value(stores) == "8"
    await stores.windows.reset(WORKSPACE, PIPELINE, "", None)
    assert await value(stores) is None


async def test_a_reset_forgets_what_may_be_published_in_part(stores: Stores) -> None:
    await pipeline(stores)
    _, lease, _ = await fixed(stores, "7")
    await stores.windows.begin_publishing(lease)
    await stores.jobs.settle(lease, FAILED)
    await stores.windows.reset(WORKSPACE, PIPELINE, "", None)
    job, lease = await start(stores)
    assert (await stores.windows.begin(lease, ["orders"])).load == job.uid


async def test_a_reset_waits_for_running_jobs_and_knows_its_sources(stores: Stores) -> None:
    await pipeline(stores)
    with pytest.raises(NotFound) as missing:
        await stores.windows.reset(WORKSPACE, PIPELINE, "", None)
    assert missing.value.code == "STATE_NOT_FOUND"
    await fixed(stores, "7")
    with pytest.raises(WrongState) as caught:
        await stores.windows.reset(WORKSPACE, PIPELINE, "", None)
    assert caught.value.code == "PIPELINE_BUSY"


async def test_a_window_goes_out_from_the_position_that_holds(stores: Stores) -> None:
    await pipeline(stores)
    _, lease = await start(stores)
    opening = await stores.windows.begin(lease, ["orders"])
    await stores.windows.reset(WORKSPACE, PIPELINE, "", None)
    with pytest.raises(WrongState) as caught:
        await stores.windows.fix(lease, opening, {"orders": window("7")})
    assert caught.value.code == "PIPELINE_BUSY"
    opening = await stores.windows.begin(lease, ["orders"])
    await stores.windows.fix(lease, opening, {"orders": window("7")})
    assert await stores.jobs.settle(lease, SUCCEEDED)
    assert await value(stores) == "7"


async def test_jobs_are_kept_for_as_long_as_the_next_one_needs_them(stores: Stores) -> None:
    await pipeline(stores)
    done = await loaded(stores, "7")
    open_, lease, _ = await fixed(stores, "9")
    await stores.windows.begin_publishing(lease)
    await stores.jobs.settle(lease, FAILED)
    assert await forgotten(stores) == {done.uid}
    assert await stores.windows.of_job(done.uid) == []
    assert await value(stores) == "7"
    _, lease = await start(stores)
    assert (await stores.windows.begin(lease, ["orders"])).load == open_.uid


def test_windows_read_what_they_write() -> None:
    assert CursorWindow.from_json(window("7", "3").to_json()) == window("7", "3")
