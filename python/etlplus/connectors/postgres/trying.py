"""Tries again what others' locks, or a connection that was lost, kept from being done."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Final

import psycopg

from etlplus.connectors.postgres.session import bear
from etlplus.domain.errors import RunError

if TYPE_CHECKING:
    from etlplus.app.ports import Stop

#: How long locks of others and lost connections are borne.
PATIENCE_SECONDS: Final = 30.0
_FIRST_PAUSE_SECONDS: Final = 0.02
_LONGEST_PAUSE_SECONDS: Final = 1.0


class Trying:
    """Attempts at one thing, from the first until patience ends."""

    def __init__(
        self,
        what: str,
        *,
        patience: float,
        again: str,
        passing: Collection[str] = ("CONNECTION_FAILED",),
    ) -> None:
        """Begins now.

        Args:
            what: what cannot be done when one fails, as in `Cannot publish to x`.
            patience: seconds for which failures that may pass are borne.
            again: what to do in the end, as in `run the pipeline again`.
            passing: codes of the product's errors that may pass: a server may be on its way back.
        """
        self._what = what
        self._patience = patience
        self._again = again
        self._passing = passing
        self._deadline = time.monotonic() + patience
        self._pauses = _pauses()
        self._pause = threading.Event()

    def bear(self, error: psycopg.Error | RunError, stop: Stop | None = None) -> None:
        """Returns after a pause when another attempt may help.

        Raises:
            Cancelled: `stop` said so.
            EtlError: what became of it; as `session.bear`.
        """
        if isinstance(error, psycopg.Error):
            if stop is not None:
                stop.check()
            patience, again = self._patience, self._again
            bear(error, self._what, deadline=self._deadline, patience=patience, again=again)
        elif error.code not in self._passing or time.monotonic() >= self._deadline:
            raise error
        elif stop is not None:
            stop.check()
        self._pause.wait(next(self._pauses))


def _pauses() -> Iterator[float]:
    """Seconds between attempts, longer and longer, without end."""
    pause = _FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
