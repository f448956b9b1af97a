"""The history: a job that ended is found as before until its whole day is forgotten."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from etlplus.app.ports import Stores
from etlplus.domain.errors import Unavailable
from etlplus.domain.events import LogLine
from etlplus.domain.job import Job, JobState, Lease, Settlement
from etlplus.store.stores import PostgresStores
from tests.conformance.archiving import NO_REST
from tests.conformance.drafts import LEASE, WORKSPACE, claim, pipeline, running, submit

pytestmark = pytest.mark.parametrize("stores", ["postgres"], indirect=True)

DONE = Settlement(JobState.SUCCEEDED)
#: No test may depend on what day it is: these are long over.
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
LINE = LogLine(MIDNIGHT, "INFO", "read 5 rows", "flights")

_COLUMNS = """
select column_name, data_type, collation_name from information_schema.columns
where table_schema = 'etlplus_control' and table_name = %s and column_name <> all(%s::text[])
order by ordinal_position
"""
_HELD = """
select inhparent::regclass::text, right(inhrelid::regclass::text, 8) from pg_inherits
where inhparent::regclass::text like 'etlplus_control.%%history' order by 1, 2
"""


async def ended(stores: Stores, conninfo: str, *times: datetime) -> list[Job]:
    """Jobs with a line of log that ended at these times."""
    await pipeline(stores)
    made = []
    for time in times:
        await submit(stores)
        job, lease = await claim(stores)
        assert await stores.jobs.settle(lease, DONE, [LINE])
        await ask(
            conninfo, "update etlplus_control.job set end_time = %s where uid = %s", time, job.uid
        )
        made.append(await stores.jobs.get(WORKSPACE, job.uid))
    return made


async def ask(conninfo: str, query: str, *params: object) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as session:
        cursor = await session.execute(query.encode(), params)
        return await cursor.fetchall() if cursor.description else []


async def kept(stores: Stores) -> set[UUID]:
    return {job.uid for job in await stores.jobs.list(WORKSPACE, limit=1000)}


async def told(stores: Stores, uid: UUID) -> tuple[object, ...]:
    """All that can be read of a job."""
    return (
        await stores.jobs.get(WORKSPACE, uid),
        await stores.events.events(WORKSPACE, uid, after=0, limit=100),
        await stores.events.log(WORKSPACE, uid, after=0, limit=100),
    )


async def test_a_job_moves_when_it_has_rested(stores: Stores, conninfo: str) -> None:
    now = datetime.now(UTC)
    new, old = await ended(stores, conninfo, now, now - timedelta(hours=1))
    before = [await told(stores, job.uid) for job in (new, old)]
    assert await stores.history.archive(rest=timedelta(minutes=30)) == 1
    assert await ask(conninfo, "select uid from etlplus_control.job") == [(new.uid,)]
    assert await ask(conninfo, "select uid from etlplus_control.job_history") == [(old.uid,)]
    assert [await told(stores, job.uid) for job in (new, old)] == before
    assert await kept(stores) == {new.uid, old.uid}
    left = await ask(conninfo, "select job from etlplus_control.job_event where job = %s", old.uid)
    assert left == []


async def test_what_has_not_ended_stays(stores: Stores, conninfo: str) -> None:
    await running(stores)
    await submit(stores)
    assert await stores.history.archive(rest=NO_REST) == 0
    assert await ask(conninfo, "select count(*) from etlplus_control.job") == [(2,)]


async def test_a_day_is_forgotten_when_all_of_it_is_old(stores: Stores, conninfo: str) -> None:
    last, first, later = await ended(
        stores, conninfo, MIDNIGHT - MOMENT, MIDNIGHT, MIDNIGHT + timedelta(days=1) - MOMENT
    )
    await stores.history.archive(rest=NO_REST)
    days = [day for table, day in await ask(conninfo, _HELD) if "job_history" in str(table)]
    assert {"20260228", "20260301"} <= set(days)
    since_midnight = datetime.now(UTC) - MIDNIGHT
    assert await stores.history.forget(age=since_midnight + timedelta(minutes=5)) == 0
    assert await stores.history.forget(age=since_midnight - timedelta(minutes=5)) == 1
    assert await kept(stores) == {first.uid, later.uid}
    assert await stores.history.forget(age=since_midnight - timedelta(hours=25)) == 2
    assert await kept(stores) == set()
    held = {day for _, day in await ask(conninfo, _HELD)}
    assert not held & {"20260228", "20260301"}
    del last


async def test_days_are_those_of_utc_wherever_the_session_is(conninfo: str, stores: Stores) -> None:
    (job,) = await ended(stores, conninfo, MIDNIGHT + timedelta(minutes=30))
    await ask(conninfo, "alter role current_user set timezone = 'America/Los_Angeles'")
    far = PostgresStores(conninfo)
    try:
        await far.open()
        assert await far.stores.history.archive(rest=NO_REST) == 1
    finally:
        await far.close()
        await ask(conninfo, "alter role current_user reset timezone")
    found = await ask(conninfo, "select uid from etlplus_control.job_history_20260301")
    assert found == [(job.uid,)]


async def test_many_move_at_once_while_many_read(stores: Stores, conninfo: str) -> None:
    """Four processes move the same jobs; every reading finds each of them once."""
    await pipeline(stores)
    for _ in range(120):
        await submit(stores)
    jobs = await stores.jobs.claim(UUID(int=1), lease=LEASE, limit=120)
    for job in jobs:
        await stores.jobs.settle(Lease(job.uid, job.epoch), DONE, [LINE])
    await ask(conninfo, _SPREAD)
    expected = sorted(job.uid for job in jobs)
    moving = True

    async def read() -> int:
        readings = 0
        while moving:
            found = await stores.jobs.list(WORKSPACE, limit=1000)
            assert sorted(job.uid for job in found) == expected
            for job in jobs[readings % 7 :: 7]:
                page = await stores.events.events(WORKSPACE, job.uid, after=0, limit=10)
                assert [event.state.value for event in page.events][-1] == "SUCCEEDED"
                lines = await stores.events.log(WORKSPACE, job.uid, after=0, limit=10)
                assert [line.message for line in lines.lines] == [LINE.message]
            readings += 1
        return readings

    readers = [asyncio.create_task(read()) for _ in range(3)]
    for _ in range(5):
        moved = await asyncio.gather(*(stores.history.archive(rest=NO_REST) for _ in range(4)))
        assert sum(moved) == len(jobs)
        await ask(conninfo, _RECALL_ALL)
    moving = False
    assert all(await asyncio.gather(*readers))


#: Over three days.
_SPREAD = """
update etlplus_control.job
set end_time = end_time - (get_byte(uuid_send(uid), 15) %% 3) * interval '1 day'
"""
#: As if each of them had been called back, in one commit.
_RECALL_ALL = """
with job as (delete from etlplus_control.job_history returning *),
event as (delete from etlplus_control.job_event_history returning *),
line as (delete from etlplus_control.job_log_history returning *),
events as (insert into etlplus_control.job_event
    select job, sequence, time, kind, state, attempt, progress, error from event),
lines as (insert into etlplus_control.job_log
    select job, sequence, time, level, message, node from line)
insert into etlplus_control.job select * from job
"""


async def test_a_day_that_others_hold_is_forgotten_later(stores: Stores, conninfo: str) -> None:
    (job,) = await ended(stores, conninfo, MIDNIGHT)
    await stores.history.archive(rest=NO_REST)
    before = await told(stores, job.uid)
    async with await psycopg.AsyncConnection.connect(conninfo) as session:
        await session.execute("select count(*) from etlplus_control.every_job")
        with pytest.raises(Unavailable):
            await stores.history.forget(age=timedelta(days=2))
        assert await told(stores, job.uid) == before
    assert await stores.history.forget(age=timedelta(days=2)) == 1


@pytest.mark.parametrize("table", ["job", "job_event", "job_log"])
async def test_both_places_have_the_same_columns(stores: Stores, conninfo: str, table: str) -> None:
    """What moves is copied as it is: a column that one place lacks would end up in another."""
    del stores  # its tables are there
    added = [] if table == "job" else ["end_time"]
    here = await ask(conninfo, _COLUMNS, table, [])
    there = await ask(conninfo, _COLUMNS, f"{table}_history", added)
    assert here == there
    assert len(here) > 5
    if table == "job":
        assert await ask(conninfo, _COLUMNS, "every_job", []) == here
