from __future__ import annotations

import asyncio
import os
import resource
from contextlib import ExitStack
from datetime import timedelta

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb

from etlplus.domain.errors import InvalidInput, Unavailable
from etlplus.store.database import Database, PoolOptions


async def test_a_transaction_commits_whole_or_not_at_all(blank: str) -> None:
    database = Database(blank)
    await database.open()
    try:
        await database.execute("create table t (a integer)")
        async with database.transaction():
            await database.execute("insert into t values (1)")
            async with database.transaction():
                await database.execute("insert into t values (2)")
        with pytest.raises(ZeroDivisionError):
            await write_and_fail(database)
        assert await database.fetch_all("select a from t order by a") == [{"a": 1}, {"a": 2}]
    finally:
        await database.close()


async def write_and_fail(database: Database) -> None:
    async with database.transaction():
        await database.execute("insert into t values (3)")
        raise ZeroDivisionError


async def test_who_came_from_elsewhere_sees_nothing_before_the_commit(blank: str) -> None:
    database = Database(blank)
    await database.open()
    try:
        await database.execute("create table t (a integer)")
        written = asyncio.Event()
        elsewhere = asyncio.create_task(count_after(database, written))
        async with database.transaction():
            await database.execute("insert into t values (1)")
            inside = await asyncio.create_task(count_after(database, asyncio.Event(), wait=False))
            written.set()
            assert (inside, await elsewhere) == (1, 0)
    finally:
        await database.close()


async def count_after(database: Database, event: asyncio.Event, *, wait: bool = True) -> int:
    """The rows that a task of its own sees."""
    if wait:
        await event.wait()
    row = await database.fetch_one("select count(*) as found from t")
    assert row is not None
    return int(row["found"])


async def test_a_task_that_outlives_its_transaction_leaves_it(blank: str) -> None:
    database = Database(blank, PoolOptions(min_size=1, max_size=1))
    await database.open()
    try:
        await database.execute("create table t (a integer)")
        over = asyncio.Event()
        async with database.transaction():
            later = asyncio.create_task(count_after(database, over))
        async with database.transaction():
            await database.execute("insert into t values (1)")
            over.set()
        assert await later == 1
    finally:
        await database.close()


async def test_a_full_pool_says_so_instead_of_queueing_for_ever(blank: str) -> None:
    options = PoolOptions(min_size=1, max_size=1, wait=timedelta(milliseconds=50))
    database = Database(blank, options)
    await database.open()
    try:
        await database.execute("create table t (a integer)")
        taken = asyncio.Event()
        elsewhere = asyncio.create_task(count_after(database, taken))
        async with database.transaction():
            taken.set()
            with pytest.raises(Unavailable) as caught:
                await elsewhere
        assert caught.value.code == "DATABASE_UNAVAILABLE"
    finally:
        await database.close()


async def test_a_statement_that_takes_too_long_is_given_up(blank: str) -> None:
    database = Database(blank, PoolOptions(statement_timeout=timedelta(milliseconds=50)))
    await database.open()
    try:
        with pytest.raises(Unavailable, match="statement timeout"):
            await database.fetch_one("select pg_sleep(60)")
        assert await database.fetch_one("select 1 as one") == {"one": 1}
    finally:
        await database.close()


async def test_dead_connections_are_replaced_before_they_are_used(
    blank: str, superuser: str
) -> None:
    database = Database(blank, PoolOptions(min_size=3, max_size=3))
    await database.open()
    try:
        with psycopg.connect(superuser, autocommit=True) as admin:
            admin.execute(
                "select pg_terminate_backend(pid, 10000) from pg_stat_activity "
                "where application_name = 'etlplus'"
            )
        for _ in range(6):
            assert await database.fetch_one("select 1 as one") == {"one": 1}
    finally:
        await database.close()


async def test_a_database_that_is_not_there_is_unavailable(blank: str) -> None:
    options = PoolOptions(open_wait=timedelta(milliseconds=200))
    database = Database(make_conninfo(blank, dbname="nowhere"), options)
    with pytest.raises(Unavailable) as caught:
        await database.open()
    assert caught.value.code == "DATABASE_UNAVAILABLE"
    await database.close()


async def test_a_closed_pool_is_unavailable(blank: str) -> None:
    database = Database(blank)
    await database.open()
    await database.close()
    with pytest.raises(Unavailable):
        await database.fetch_one("select 1 as one")


@pytest.mark.parametrize("value", ["a\0b", Jsonb({"a": "\0"})])
async def test_text_that_cannot_be_stored_is_the_callers_fault(blank: str, value: object) -> None:
    database = Database(blank)
    await database.open()
    try:
        with pytest.raises(InvalidInput, match="cannot store"):
            await database.fetch_one("select %s as one", (value,))
        assert await database.fetch_one("select 1 as one") == {"one": 1}
    finally:
        await database.close()


async def test_a_caller_passes_by_all_connections_that_died(blank: str) -> None:
    database = Database(blank, PoolOptions(max_size=10, wait=timedelta(seconds=3)))
    await database.open()
    try:
        sleeps = (database.execute("select pg_sleep(0.3)") for _ in range(10))
        await asyncio.gather(*sleeps)
        with psycopg.connect(blank, autocommit=True) as session:
            ended = session.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            ).fetchall()
        assert len(ended) > 6
        for _ in ended:
            assert await database.fetch_one("select 1 as one") == {"one": 1}
    finally:
        await database.close()


async def test_connections_may_have_any_descriptor(blank: str) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(1100):
            descriptor = os.open(os.devnull, os.O_RDONLY)
            stack.callback(os.close, descriptor)
        database = Database(blank, PoolOptions(wait=timedelta(seconds=2)))
        await database.open()
        try:
            assert await database.fetch_one("select 1 as one") == {"one": 1}
        finally:
            await database.close()
