from __future__ import annotations

import asyncio

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from etlplus.domain.errors import Unavailable, WrongState
from etlplus.store.migrate import Migration, built_in, migrate, ordered, pending

FIRST = Migration(1, "first", "create table one (a integer); insert into one values (1);")
SECOND = Migration(2, "second", "insert into one values (2);")
INDEX = Migration(
    3, "index", "-- no-transaction\ncreate index concurrently if not exists two on one (a)"
)


def rows(conninfo: str) -> list[int]:
    with psycopg.connect(conninfo) as connection:
        return [row[0] for row in connection.execute("select a from one order by a").fetchall()]


async def test_files_are_applied_once_and_in_order(blank: str) -> None:
    assert await migrate(blank, [FIRST]) == ["0001_first"]
    assert await migrate(blank, [FIRST, SECOND, INDEX]) == ["0002_second", "0003_index"]
    assert await migrate(blank, [FIRST, SECOND, INDEX]) == []
    assert rows(blank) == [1, 2]


async def test_this_builds_files_apply_and_are_then_not_pending(blank: str) -> None:
    names = [f"{each.number:04}_{each.name}" for each in built_in()]
    assert await pending(blank) == names
    assert await migrate(blank) == names
    assert await pending(blank) == []


async def test_many_processes_at_once_apply_each_file_once(blank: str) -> None:
    files = [FIRST, SECOND, INDEX]
    answers = await asyncio.gather(*(migrate(blank, files) for _ in range(4)))
    assert sorted(len(answer) for answer in answers) == [0, 0, 0, 3]
    assert rows(blank) == [1, 2]


async def test_an_edited_file_is_refused(blank: str) -> None:
    await migrate(blank, [FIRST])
    edited = Migration(1, "first", FIRST.text + " ")
    with pytest.raises(WrongState, match="0001_first was applied with another text") as caught:
        await migrate(blank, [edited, SECOND])
    assert caught.value.code == "MIGRATION_REFUSED"
    assert rows(blank) == [1]


async def test_a_newer_database_is_refused(blank: str) -> None:
    await migrate(blank, [FIRST, SECOND])
    with pytest.raises(WrongState, match="2 migrations, this build knows 1"):
        await migrate(blank, [FIRST])


async def test_a_failing_file_leaves_nothing_of_it(blank: str) -> None:
    broken = Migration(2, "broken", "insert into one values (3); select 1/0;")
    with pytest.raises(WrongState, match="0002_broken: division by zero"):
        await migrate(blank, [FIRST, broken])
    assert rows(blank) == [1]
    assert await migrate(blank, [FIRST, SECOND]) == ["0002_second"]


async def test_a_file_does_not_queue_behind_a_long_transaction(blank: str) -> None:
    await migrate(blank, [FIRST])
    change = Migration(2, "change", "set lock_timeout = '50ms'; alter table one add b integer;")
    with psycopg.connect(blank) as other:
        other.execute("select * from one")
        with pytest.raises(Unavailable, match="0002_change") as caught:
            await migrate(blank, [FIRST, change])
    assert caught.value.code == "DATABASE_BUSY"
    assert await migrate(blank, [FIRST, change]) == ["0002_change"]


async def test_a_database_that_is_not_there_is_unavailable(blank: str) -> None:
    with pytest.raises(Unavailable) as caught:
        await migrate(make_conninfo(blank, dbname="nowhere"))
    assert caught.value.code == "DATABASE_UNAVAILABLE"


@pytest.mark.parametrize(
    "names",
    [
        ["0001_a.sql", "0003_c.sql"],
        ["0002_b.sql"],
        ["0001_a.sql", "0001_b.sql"],
        ["1_a.sql"],
        ["0001-a.sql"],
    ],
)
def test_gaps_twins_and_strange_names_are_refused(names: list[str]) -> None:
    with pytest.raises(WrongState) as caught:
        ordered([(name, "") for name in names])
    assert caught.value.code == "MIGRATION_REFUSED"


def test_files_are_put_in_order_whatever_order_they_come_in() -> None:
    found = ordered([("0002_b.sql", "2"), ("0001_a.sql", "1")])
    assert [(each.number, each.name, each.text) for each in found] == [(1, "a", "1"), (2, "b", "2")]
