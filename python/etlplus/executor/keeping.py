"""Does something again and again until it is asked to stop, whatever happens to single rounds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from etlplus.app.ports import Wakeup
from etlplus.domain.errors import Unavailable
from etlplus.executor.threads import happens

_LOG = logging.getLogger(__name__)


async def keep(
    act: Callable[[], Awaitable[float]],
    stop: asyncio.Event,
    *,
    what: str,
    pause: float,
    sooner: Wakeup | None = None,
) -> None:
    """Calls `act` until `stop`; the next round does what one that failed could not.

    Args:
        act: a round; returns the seconds until the next.
        stop: ends the wait at once, and then the loop.
        what: what a round does, for the log, as in `fire schedules`.
        pause: seconds to wait after a round that failed.
        sooner: hints that a round is worth while before its time.
    """
    while not stop.is_set():
        wait = pause
        try:
            wait = await act()
        except Unavailable as error:
            _LOG.warning("cannot %s: %s", what, error)
        except Exception:  # noqa: BLE001 the next round does what this one could not
            _LOG.exception("a round failed that was to %s", what)
        await _rest(stop, wait, sooner)


async def _rest(stop: asyncio.Event, seconds: float, sooner: Wakeup | None) -> None:
    if sooner is None:
        await happens(stop, seconds)
        return
    waits = [asyncio.create_task(stop.wait()), asyncio.create_task(sooner.wait(seconds))]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()
        # A hint that comes while its wait is given up is kept for the next one.
        await asyncio.gather(*waits, return_exceptions=True)
