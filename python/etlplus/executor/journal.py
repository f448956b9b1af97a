"""A job's log: lines wait in memory and go to the store in batches, in order."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from etlplus.app.ports import EventStore
from etlplus.domain.events import LogLine
from etlplus.domain.job import Lease

_LOG = logging.getLogger(__name__)
_MOST_WAITING = 1000


class Journal:
    """Collects lines about one claim of a job."""

    def __init__(self, events: EventStore, lease: Lease) -> None:
        """Writes under the lease, so that a lost claim adds nothing."""
        self._events = events
        self._lease = lease
        self._lines: list[LogLine] = []

    def write(self, message: str, *, level: str = "INFO", node: str = "") -> None:
        """Adds a line, which `flush` stores."""
        _LOG.log(logging.getLevelNamesMapping()[level], "job %s: %s", self._lease.job, message)
        if len(self._lines) < _MOST_WAITING:
            self._lines.append(LogLine(datetime.now(UTC), level, message, node))

    @property
    def waiting(self) -> Sequence[LogLine]:
        """What waits, for whoever stores it in another way."""
        return tuple(self._lines)

    async def flush(self) -> None:
        """Stores what waits."""
        lines, self._lines = self._lines, []
        if lines:
            await self._events.append_log(self._lease, lines)
