"""Why a run is to stop before its end, and the switch that makes it stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum

from etlplus.app.ports import EngineRun
from etlplus.domain.errors import Cancelled


class Reason(Enum):
    """Why a run is to stop."""

    CANCEL = "cancel"  # somebody asked for it: the job ends CANCELLED
    TIMEOUT = "timeout"  # the pipeline's own limit: the job ends FAILED
    LOST = "lost"  # another worker may have the job by now: nothing may be written any more
    DRAIN = "drain"  # this worker stops: the job is handed back


class Switch:
    """Stops a run from the event loop. The first reason counts, except that LOST replaces any."""

    def __init__(self) -> None:
        """Nothing asks it to stop yet."""
        self.reason: Reason | None = None
        self._run: EngineRun | None = None
        self._publishing = False
        self._published = False
        self._guard = threading.Lock()
        self._act: Callable[[], None] | None = None

    def throw(self, reason: Reason) -> None:
        """Asks the run to stop.

        Once publishing has begun only a request to cancel and a lost lease count. Once a sink is
        published only a lost lease does: it stays published, so the rest of the sinks follow.
        """
        if self._publishing and reason not in (Reason.CANCEL, Reason.LOST):
            return
        if self._published and reason is not Reason.LOST:
            return
        if self.reason is None or reason is Reason.LOST:
            self.reason = reason
        if self._run is not None:
            self._run.cancel()
        if self._act is not None:
            threading.Thread(target=self._interrupt, daemon=True).start()

    def attach(self, run: EngineRun) -> None:
        """Lets `throw` reach the engine; may be called from the run's thread."""
        self._run = run
        if self.reason is not None:
            run.cancel()

    def begin_publishing(self) -> None:
        """From here on only cancelling and a lost lease stop it. Raises as `check`."""
        self.check()
        self._publishing = True

    def keep(self) -> None:
        """A sink is published: a request to cancel it came too late."""
        self._published = True
        if self.reason is not Reason.LOST:
            self.reason = None

    @contextmanager
    def interrupting(self, act: Callable[[], None]) -> Iterator[None]:
        """Within the block `act` is called, in another thread, when the run is to stop.

        `act` does not run any more once the block has ended. Raises as `check` at the start.
        """
        with self._guard:
            self._act = act
        try:
            # After `act` is known, so that no request falls between the two.
            self.check()
            yield
        finally:
            with self._guard:
                self._act = None

    def _interrupt(self) -> None:
        with self._guard:
            if self._act is not None:
                self._act()

    def check(self) -> None:
        """Raises Cancelled when the run is to stop."""
        if self.reason is not None:
            raise Cancelled(f"The run stops ({self.reason.value})")
