"""Heartbeats that a stalled interpreter does not stop."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from etlplus.domain.errors import EtlError
from etlplus.domain.job import Beat, Lease
from etlplus.executor.heart import Beats
from etlplus.executor.threads import Threads

_LOG = logging.getLogger(__name__)


class Steady(Protocol):
    """Renews leases, and goes on by itself while nobody calls."""

    def beat(self, leases: Sequence[Lease]) -> Mapping[UUID, Beat]:
        """Blocks. A job that is missing in the answer is lost. Raises the domain's errors."""
        ...


class Pulse:
    """Beats through a thread outside the interpreter, or through the store when that fails."""

    def __init__(self, steady: Steady, store: Beats) -> None:
        """`steady` renews for as long as the worker's leases last."""
        self._steady = steady
        self._store = store
        # Of its own: it must not wait for a thread that a job or a sweep has.
        self._threads = Threads(1, "etlplus-pulse")
        self._is_failing = False

    async def heartbeat(self, leases: Sequence[Lease], *, lease: timedelta) -> Mapping[UUID, Beat]:
        """As `JobStore.heartbeat`."""
        try:
            answers = await self._threads.call(self._steady.beat, leases)
        except EtlError as error:
            if not self._is_failing:
                _LOG.warning("leases are renewed from Python alone: %s", error)
            self._is_failing = True
            return await self._store.heartbeat(leases, lease=lease)
        self._is_failing = False
        return answers

    def close(self) -> None:
        """Ends the thread that asks."""
        self._threads.close()
