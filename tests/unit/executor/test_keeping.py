"""Doing something until it is asked to stop."""

from __future__ import annotations

import asyncio
import logging

import pytest

from etlplus.domain.errors import Unavailable
from etlplus.executor.keeping import keep


async def test_rounds_that_fail_are_told_and_followed_by_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stop, rounds = asyncio.Event(), 0

    async def act() -> float:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise Unavailable("the database is away")
        if rounds == 2:
            raise ValueError("nobody thought of this")
        stop.set()
        return 3600.0

    with caplog.at_level(logging.WARNING):
        await keep(act, stop, what="fire schedules", pause=0.0)
    assert rounds == 3
    first, second = caplog.records
    assert "cannot fire schedules" in first.message
    assert "the database is away" in first.message
    assert second.exc_info is not None


async def test_a_stop_ends_a_long_wait() -> None:
    stop, began = asyncio.Event(), asyncio.Event()

    async def act() -> float:
        began.set()
        return 3600.0

    task = asyncio.create_task(keep(act, stop, what="wait", pause=3600.0))
    await began.wait()
    stop.set()
    await asyncio.wait_for(task, 30)
    assert task.done()


async def test_nothing_is_done_after_the_stop() -> None:
    stop, rounds = asyncio.Event(), 0
    stop.set()

    async def act() -> float:
        nonlocal rounds
        rounds += 1
        return 0.0

    await keep(act, stop, what="wait", pause=0.0)
    assert rounds == 0
