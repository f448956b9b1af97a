"""Keeps the leases of running jobs, and stops runs whose lease may be lost."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from etlplus.domain.errors import EtlError
from etlplus.domain.job import Beat, Lease
from etlplus.executor.stopping import Reason, Switch
from etlplus.executor.threads import happens

_LOG = logging.getLogger(__name__)
#: The longest time between beats, in seconds: a request to cancel arrives with the answer.
_LONGEST_PAUSE = 0.7


class Beats(Protocol):
    """The part of `JobStore` that a heart needs."""

    async def heartbeat(self, leases: Sequence[Lease], *, lease: timedelta) -> Mapping[UUID, Beat]:
        """As `JobStore.heartbeat`."""
        ...


class Heart:
    """Beats for all runs of a worker at once.

    A run whose lease was not renewed for two thirds of its length stops by itself, before another
    worker can have the job. Only lengths of time are measured here; instants are the database's.
    """

    def __init__(
        self, jobs: Beats, lease: timedelta, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` gives seconds and never runs backwards."""
        self._jobs = jobs
        self._lease = lease
        self._clock = clock
        self._switches: dict[Lease, Switch] = {}
        self._renewed: dict[Lease, float] = {}

    def add(self, lease: Lease, switch: Switch, renewed: float) -> None:
        """Keeps this lease from now on. `renewed`: the clock before the claim was asked for."""
        self._switches[lease] = switch
        self._renewed[lease] = renewed

    def remove(self, lease: Lease) -> None:
        """Lets this lease go."""
        del self._switches[lease]
        del self._renewed[lease]

    async def keep(self, stop: asyncio.Event) -> None:
        """Beats until `stop`, whatever happens to single beats."""
        pause = min(self._lease.total_seconds() / 6, _LONGEST_PAUSE)
        while not await happens(stop, pause):
            try:
                await self.beat()
            except Exception:  # noqa: BLE001 without beats every job of the worker would be lost
                _LOG.exception("a heartbeat failed")

    async def beat(self) -> None:
        """One beat; stops runs that are cancelled, lost, or may be lost."""
        started = self._clock()
        # A run that was given up may be stuck where nothing reaches it. Its lease must run out.
        asked = [
            lease for lease, switch in self._switches.items() if switch.reason is not Reason.LOST
        ]
        try:
            async with asyncio.timeout(self._lease.total_seconds() / 3):
                await self._ask(asked, started)
        except (TimeoutError, EtlError) as error:
            _LOG.warning("a heartbeat got no answer: %s", error)
        self._abort_overdue()

    async def _ask(self, asked: list[Lease], started: float) -> None:
        # Asked with none, too: whoever renews by itself has to learn that there are none.
        answers = await self._jobs.heartbeat(asked, lease=self._lease)
        for lease in asked:
            switch = self._switches.get(lease)
            if switch is None:
                continue  # it ended meanwhile
            answer = answers.get(lease.job)
            if answer is None:
                switch.throw(Reason.LOST)
                continue
            self._renewed[lease] = started
            if answer.cancel_requested:
                switch.throw(Reason.CANCEL)

    def _abort_overdue(self) -> None:
        latest = self._clock() - self._lease.total_seconds() * 2 / 3
        for lease, renewed in self._renewed.items():
            if renewed < latest:
                self._switches[lease].throw(Reason.LOST)
