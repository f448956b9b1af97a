"""Jobs that replay the rejects of others: at most one of them stands."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from etlplus.app.ports import Stores
from etlplus.domain.errors import WrongState
from etlplus.domain.filter import Comparison, Not, Operator
from etlplus.domain.job import Job, JobState, NewJob, Settlement, SinkResult, SinkRollback
from etlplus.domain.names import new_job_id
from etlplus.domain.replay import LeftOut, Replay, ReplayPlan, ReplaySource
from etlplus.domain.run import Books
from etlplus.store.filters import condition
from tests.conformance.drafts import PIPELINE, WORKSPACE, claim, running, submit

TIME = datetime(2026, 1, 31, 4, 5, 6, 7, UTC)
PLAN = ReplayPlan(
    (ReplaySource("flights", ("flights", "clean"), 5), ReplaySource("other", (), 0)),
    (LeftOut("checked", 2, "DUPLICATE_KEY", "why"),),
)
SINKS = tuple(
    SinkResult(name, "postgres", "t", "append", Books(5, 5), "ab", "0" * 32) for name in ("a", "b")
)


async def original(stores: Stores) -> Job:
    job, lease = await running(stores)
    await stores.jobs.settle(lease, Settlement(JobState.SUCCEEDED, sinks=SINKS))
    return job


async def replay(stores: Stores, of: UUID) -> Job:
    of_that = Replay(of, TIME, PLAN)
    zone = "Europe/Berlin"
    new = NewJob(WORKSPACE, new_job_id(), PIPELINE, 1, {}, "root", replay=of_that, zone=zone)
    return await stores.jobs.create(new)


async def refused(stores: Stores, of: UUID, by: Job) -> None:
    with pytest.raises(WrongState) as caught:
        await replay(stores, of)
    assert caught.value.code == "ALREADY_REPLAYED"
    assert caught.value.metadata == {"job": str(of), "replay": str(by.uid)}


async def settle(stores: Stores, state: JobState, *sinks: SinkResult) -> None:
    _, lease = await claim(stores)
    assert await stores.jobs.settle(lease, Settlement(state, sinks=sinks))


async def test_what_is_replayed_is_kept_and_found(stores: Stores) -> None:
    job = await original(stores)
    made = await replay(stores, job.uid)
    assert made.replay == Replay(job.uid, TIME, PLAN)
    assert made.zone == "Europe/Berlin"
    assert made == await stores.jobs.get(WORKSPACE, made.uid)
    where = Comparison("replay_of", Operator.EQ, str(job.uid))
    assert await stores.jobs.list(WORKSPACE, where, limit=9) == [made]
    others = await stores.jobs.list(
        WORKSPACE, Comparison("replay_of", Operator.NE, str(job.uid)), limit=9
    )
    assert [other.uid for other in others] == [job.uid]
    assert others[0].replay is None
    for text in (str(job.uid).upper(), "no id", "", f" {job.uid}", job.uid.hex):
        asked = Comparison("replay_of", Operator.EQ, text)
        assert await stores.jobs.list(WORKSPACE, asked, limit=9) == []
        assert len(await stores.jobs.list(WORKSPACE, Not(asked), limit=9)) == 2


async def test_one_replay_stands_while_it_waits_runs_and_has_succeeded(stores: Stores) -> None:
    job = await original(stores)
    made = await replay(stores, job.uid)
    await refused(stores, job.uid, made)
    _, lease = await claim(stores)
    await refused(stores, job.uid, made)
    await stores.jobs.settle(lease, Settlement(JobState.SUCCEEDED, sinks=SINKS))
    await refused(stores, job.uid, made)
    assert (await replay(stores, made.uid)).state is JobState.PENDING


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
async def test_one_that_published_nothing_makes_way(stores: Stores, state: JobState) -> None:
    job = await original(stores)
    first = await replay(stores, job.uid)
    await settle(stores, state)
    again = await replay(stores, job.uid)
    await stores.jobs.request_cancel(WORKSPACE, again.uid)
    assert (await replay(stores, job.uid)).uid not in (first.uid, again.uid)


async def test_one_that_failed_with_a_sink_published_does_not(stores: Stores) -> None:
    job = await original(stores)
    made = await replay(stores, job.uid)
    await settle(stores, JobState.FAILED, SINKS[0])
    await refused(stores, job.uid, made)
    await stores.jobs.roll_back(WORKSPACE, made.uid, [SinkRollback("a", TIME, "root")])
    assert (await replay(stores, job.uid)).state is JobState.PENDING


async def test_one_makes_way_when_all_of_it_is_rolled_back(stores: Stores) -> None:
    job = await original(stores)
    made = await replay(stores, job.uid)
    await settle(stores, JobState.SUCCEEDED, *SINKS)
    await stores.jobs.roll_back(WORKSPACE, made.uid, [SinkRollback("a", TIME, "root")])
    await refused(stores, job.uid, made)
    await stores.jobs.roll_back(WORKSPACE, made.uid, [SinkRollback("b", TIME, "root")])
    assert (await replay(stores, job.uid)).state is JobState.PENDING


async def test_of_many_at_once_one_is_made(stores: Stores) -> None:
    job = await original(stores)
    answers = await asyncio.gather(
        *(replay(stores, job.uid) for _ in range(8)), return_exceptions=True
    )
    (made,) = [answer for answer in answers if isinstance(answer, Job)]
    errors = [answer for answer in answers if isinstance(answer, WrongState)]
    assert len(errors) == 7
    assert {error.metadata["replay"] for error in errors} == {str(made.uid)}


async def test_other_jobs_are_not_held_up(stores: Stores) -> None:
    job = await original(stores)
    await replay(stores, job.uid)
    assert (await submit(stores)).replay is None
    assert (await submit(stores)).state is JobState.PENDING


async def test_replays_of_a_job_are_found_by_an_index(stores: Stores, conninfo: str) -> None:
    """Without rows the server would read the whole table, which tells nothing: it may not here."""
    del stores  # its tables are there
    where = condition(Comparison("replay_of", Operator.EQ, str(new_job_id())))
    async with await psycopg.AsyncConnection.connect(conninfo) as session:
        await session.execute("set enable_seqscan = off")
        query = sql.SQL("explain select uid from etlplus_control.job where {}").format(where)
        plan = [row[0] async for row in await session.execute(query)]
    assert any("job_replays" in line for line in plan), plan
