"""Why a run is to stop before its end, and the switch that makes it stop."""

from __future__ import annotations

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

    def throw(self, reason: Reason) -> None:
        """Asks the run to stop.

        Once publishing has begun only a lost lease counts: what is published stays published, so
        the rest of the sinks follow.
        """
        if self._publishing and reason is not Reason.LOST:
            return
        if self.reason is None or reason is Reason.LOST:
            self.reason = reason
        if self._run is not None:
            self._run.cancel()

    def attach(self, run: EngineRun) -> None:
        """Lets `throw` reach the engine; may be called from the run's thread."""
        self._run = run
        if self.reason is not None:
            run.cancel()

    def begin_publishing(self) -> None:
        """From here on only a lost lease stops it. Raises as `check`."""
        self.check()
        self._publishing = True

    def check(self) -> None:
        """Raises Cancelled when the run is to stop."""
        if self.reason is not None:
            raise Cancelled(f"The run stops ({self.reason.value})")
