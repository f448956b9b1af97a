from __future__ import annotations

from uuid import uuid4

import psycopg

from etlplus.store.database import Database
from etlplus.store.hints import MOST_TOPICS, Hints
from etlplus.store.hub import Hub
from etlplus.store.listener import Listener

#: Long enough for a loaded machine; a hint comes within milliseconds.
PATIENCE = 30.0


async def test_hints_of_other_processes_are_heard(blank: str) -> None:
    hub, job, other = Hub(), uuid4(), uuid4()
    listener = Listener(blank, hub)
    await listener.start()
    try:
        with (
            hub.subscribe(job) as mine,
            hub.subscribe(other) as theirs,
            hub.subscribe(None) as queue,
            psycopg.connect(blank, autocommit=True) as sender,
        ):
            sender.execute("select pg_notify('etlplus', %s)", (f"{uuid4()} {job}",))
            assert await mine.wait(PATIENCE)
            assert not await theirs.wait(0)
            sender.execute("select pg_notify('etlplus', 'nonsense')")
            sender.execute("select pg_notify('etlplus', '')")
            assert await queue.wait(PATIENCE)
            assert await theirs.wait(PATIENCE)
    finally:
        await listener.stop()


async def test_hints_name_what_changed_and_are_not_heard_twice(blank: str) -> None:
    database, job, other = Database(blank), uuid4(), uuid4()
    here, there = Hub(), Hub()
    hints = Hints(database, here)
    listeners = [Listener(blank, here, hints.sender), Listener(blank, there)]
    await database.open()
    for listener in listeners:
        await listener.start()
    try:
        with (
            here.subscribe(job) as own,
            here.subscribe(other) as later,
            there.subscribe(job) as far,
            there.subscribe(None) as queue,
            there.subscribe(other) as idle,
            psycopg.connect(blank, autocommit=True) as sender,
        ):
            hints.send(job, None)
            assert await own.wait(0)
            assert await far.wait(PATIENCE)
            assert await queue.wait(PATIENCE)
            assert not await idle.wait(0)
            # Notifications come in order: once the second is there, the first was passed by.
            sender.execute("select pg_notify('etlplus', %s)", (str(other),))
            assert await later.wait(PATIENCE)
            assert not await own.wait(0)
            hints.send(*(uuid4() for _ in range(MOST_TOPICS + 1)))
            assert await queue.wait(PATIENCE)
    finally:
        await hints.close()
        for listener in listeners:
            await listener.stop()
        await database.close()


async def test_a_lost_connection_counts_as_a_hint_and_is_made_anew(
    blank: str, superuser: str
) -> None:
    hub, job = Hub(), uuid4()
    listener = Listener(blank, hub)
    await listener.start()
    try:
        with (
            hub.subscribe(job) as mine,
            psycopg.connect(superuser, autocommit=True) as admin,
            psycopg.connect(blank, autocommit=True) as sender,
        ):
            admin.execute(
                "select pg_terminate_backend(pid, 10000) from pg_stat_activity "
                "where application_name = 'etlplus listen'"
            )
            assert await mine.wait(PATIENCE)
            sender.execute("select pg_notify('etlplus', %s)", (str(job),))
            assert await mine.wait(PATIENCE)
    finally:
        await listener.stop()


async def test_a_hub_forgets_those_who_left() -> None:
    hub, job = Hub(), uuid4()
    with hub.subscribe(job) as first:
        with hub.subscribe(job) as second:
            hub.wake(job)
        hub.wake(job)
        assert await first.wait(0.01)
        assert await second.wait(0.01)
    hub.wake(job)
    assert not await first.wait(0)


async def test_a_hint_before_the_wait_is_not_lost() -> None:
    hub, job = Hub(), uuid4()
    with hub.subscribe(job) as place:
        hub.wake_all()
        assert await place.wait(PATIENCE)
        assert not await place.wait(0)
