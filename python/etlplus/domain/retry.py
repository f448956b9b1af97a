"""When a failed run is tried again: which failures may pass, how often, after how long."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

from etlplus.domain.codes import TRANSIENT

#: The wait before the first retry, and the longest, where a definition does not say; in seconds.
BACKOFF = 10.0
MAX_BACKOFF = 600.0


@dataclass(frozen=True, slots=True)
class Retries:
    """What a definition says of retries.

    Attributes:
        most: how often a run is tried again.
        backoff: seconds before the first retry; twice as many before each further one.
        max_backoff: the most seconds.
    """

    most: int = 0
    backoff: float = BACKOFF
    max_backoff: float = MAX_BACKOFF

    def delay(self, code: str, retries: int, *, share: float | None = None) -> timedelta | None:
        """How long a run that failed waits; None when it is not to be tried again.

        Args:
            code: of the error.
            retries: how often it was tried again before.
            share: of the wait that jitter leaves, from 0 to 1; drawn when None. At least half of
                the wait stays, so that what failed gets time, and jobs that failed together come
                back apart.
        """
        if code not in TRANSIENT or retries >= self.most:
            return None
        # The exponent is bounded so that no number grows beyond what a float holds.
        full = min(self.max_backoff, self.backoff * 2.0 ** min(retries, 60))
        drawn = random.random() if share is None else share  # noqa: S311 no secret hangs on it
        return timedelta(seconds=full * (0.5 + drawn / 2))
