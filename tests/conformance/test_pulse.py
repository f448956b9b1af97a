"""Leases that the core renews: on real PostgreSQL alone, for memory has no other way in."""

from __future__ import annotations

import asyncio
import ctypes
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import psycopg
import pytest

from etlplus.domain.errors import EtlError
from etlplus.domain.job import Lease
from etlplus.engine import RustPulse
from etlplus.executor.pulse import Pulse
from etlplus.store.pulse import PULSE, reach
from etlplus.store.stores import PostgresStores
from tests.conformance.database import empty
from tests.conformance.drafts import EXPIRED, WORKSPACE, claim, pipeline, submit

SHORT = timedelta(seconds=1)


@dataclass
class Scene:
    """A claimed job whose lease has run out already, and what may renew it."""

    state: PostgresStores
    held: Lease
    steady: RustPulse

    async def is_lost(self) -> bool:
        return await self.state.stores.jobs.rescue() == 1

    async def is_lost_at_last(self) -> bool:
        for _ in range(1200):
            if await self.is_lost():
                return True
            await asyncio.sleep(0.05)
        return False


@pytest.fixture
async def scene(conninfo: str) -> AsyncIterator[Scene]:
    empty(conninfo)
    state = PostgresStores(conninfo)
    await state.open()
    try:
        await pipeline(state.stores)
        await submit(state.stores)
        _, held = await claim(state.stores, EXPIRED)
        database = await reach(state.database)
        assert database is not None
        yield Scene(state, held, RustPulse(database, PULSE, SHORT))
    finally:
        await state.close()


async def test_it_renews_what_is_held_and_tells_what_is_lost(scene: Scene) -> None:
    other = replace(scene.held, epoch=scene.held.epoch + 1)
    assert scene.steady.beat([other]) == {}
    (kept,) = scene.steady.beat([scene.held]).values()
    assert not kept.cancel_requested
    assert timedelta() < kept.remaining <= SHORT
    assert not await scene.is_lost()


async def test_it_tells_who_wants_the_end(scene: Scene) -> None:
    await scene.state.stores.jobs.request_cancel(WORKSPACE, scene.held.job)
    assert scene.steady.beat([scene.held])[scene.held.job].cancel_requested


async def test_leases_live_while_the_interpreters_lock_is_held(scene: Scene) -> None:
    assert set(scene.steady.beat([scene.held])) == {scene.held.job}
    turns = 0
    over = threading.Event()

    def count() -> None:
        nonlocal turns
        while not over.wait(0.01):
            turns += 1

    other = threading.Thread(target=count)
    other.start()
    before = turns
    # Unlike CDLL, PyDLL calls without letting other threads of the interpreter run.
    ctypes.PyDLL(None).sleep(int(SHORT.total_seconds()) * 3)
    during = turns - before
    over.set()
    other.join()
    assert during <= 1
    assert not await scene.is_lost()
    assert set(scene.steady.beat([scene.held])) == {scene.held.job}


@pytest.mark.parametrize("asked_again", [True, False], ids=["none is held", "nobody asks"])
async def test_it_does_not_renew_for_ever(scene: Scene, *, asked_again: bool) -> None:
    scene.steady.beat([scene.held])
    if asked_again:
        assert scene.steady.beat([]) == {}
    assert await scene.is_lost_at_last()
    assert scene.steady.beat([scene.held]) == {}


async def test_it_connects_again(scene: Scene, conninfo: str) -> None:
    scene.steady.beat([scene.held])
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename = current_user and pid <> pg_backend_pid()"
        )
    async with asyncio.timeout(60):
        while True:
            try:
                assert set(scene.steady.beat([scene.held])) == {scene.held.job}
                break
            except EtlError:
                await asyncio.sleep(0.05)


async def test_the_store_renews_where_the_core_cannot(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    database = await reach(scene.state.database)
    assert database is not None
    nowhere = replace(database, options={**database.options, "host": "/nowhere"})
    pulse = Pulse(RustPulse(nowhere, PULSE, SHORT), scene.state.stores.jobs)
    try:
        for _ in range(2):
            answers = await pulse.heartbeat([scene.held], lease=SHORT)
            assert set(answers) == {scene.held.job}
    finally:
        pulse.close()
    assert caplog.text.count("leases are renewed from Python alone") == 1


async def test_what_libpq_alone_understands_is_left_to_it(conninfo: str) -> None:
    state = PostgresStores(f"{conninfo} sslcrl=/nowhere")
    await state.open()
    try:
        assert await reach(state.database) is None
    finally:
        await state.close()
