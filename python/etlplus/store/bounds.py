"""How much stores keep, and how long, wherever they keep it."""

from __future__ import annotations

from datetime import timedelta

#: Events kept of a job; a watch that is further behind starts anew from the job as it is.
EVENTS_KEPT = 256

#: Lines kept of a job's log.
LINES_KEPT = 10_000

KEY_BYTES = 32

#: How long a repeat of a request gets the first one's answer.
LIFETIME = timedelta(hours=24)
