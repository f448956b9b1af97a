"""Does something again and again until it is asked to stop, whatever happens to single rounds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from etlplus.domain.errors import Unavailable
from etlplus.executor.threads import happens

_LOG = logging.getLogger(__name__)


async def keep(
    act: Callable[[], Awaitable[float]], stop: asyncio.Event, *, what: str, pause: float
) -> None:
    """Calls `act` until `stop`; the next round does what one that failed could not.

    Args:
        act: a round; returns the seconds until the next.
        stop: ends the wait at once, and then the loop.
        what: what a round does, for the log, as in `fire schedules`.
        pause: seconds to wait after a round that failed.
    """
    while not stop.is_set():
        wait = pause
        try:
            wait = await act()
        except Unavailable as error:
            _LOG.warning("cannot %s: %s", what, error)
        except Exception:  # noqa: BLE001 the next round does what this one could not
            _LOG.exception("a round failed that was to %s", what)
        await happens(stop, wait)
