"""Where a job waits and for what: its queue, its priority, and the limits that it shares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

#: The queue of jobs that name none.
QUEUE = "default"
#: The usual priority, in the middle of 0 and 100.
PRIORITY = 50
#: What a point of priority is worth: a job takes its turn as if it had waited that much longer.
POINT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Queueing:
    """How a job queues up.

    Attributes:
        queue: only workers that serve it take the job.
        priority: from 0 to 100; of two jobs that wait, the one with more comes first, unless the
            other has waited longer by as many minutes as it has points less.
        most_running: how many runs of the pipeline, with the same key, are running at the most.
        most_starts: how many of them start within any `starts_per`.
        key: what tells runs apart that do not count together.
    """

    queue: str = QUEUE
    priority: int = PRIORITY
    most_running: int | None = None
    most_starts: int | None = None
    starts_per: timedelta | None = None
    key: str = ""

    @property
    def is_limited(self) -> bool:
        """Whether it shares a limit with other runs."""
        return self.most_running is not None or self.most_starts is not None


class WaitReason(StrEnum):
    """Why a job waits."""

    TURN = "TURN"
    RETRY = "RETRY"
    WORKER = "WORKER"
    CONCURRENCY = "CONCURRENCY"
    STARTS = "STARTS"


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a job waits, in a word and in a sentence; until when, where that is known."""

    reason: WaitReason
    message: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a store knows of a waiting job.

    Attributes:
        queueing: how it queues up, with the limits that hold now.
        served: whether a worker that serves its queue has reported lately.
        retry: its number among the retries, when it waits for one.
        retry_time: when that starts.
        running: runs that count against `most_running`.
        started: when those started that count against `most_starts`, oldest first.
    """

    queueing: Queueing
    served: bool
    retry: int = 0
    retry_time: datetime | None = None
    running: int = 0
    started: tuple[datetime, ...] = ()

    @property
    def wait(self) -> Wait:
        """Why it waits: the first reason that would hold even if all others went."""
        limits = self.queueing
        if self.retry_time is not None:
            text = f"retry {self.retry} is to come"
            return Wait(WaitReason.RETRY, text, self.retry_time)
        if not self.served:
            text = f"no worker serves the queue {limits.queue!r}"
            return Wait(WaitReason.WORKER, text)
        of = "of the pipeline" + (f" with the key {limits.key!r}" if limits.key else "")
        if limits.most_running is not None and self.running >= limits.most_running:
            text = f"{self.running} of {limits.most_running} runs {of} are running"
            return Wait(WaitReason.CONCURRENCY, text)
        most, per = limits.most_starts, limits.starts_per
        if most is not None and per is not None and len(self.started) >= most:
            text = f"{len(self.started)} of {most} runs {of} have started within {span(per)}"
            return Wait(WaitReason.STARTS, text, self.started[-most] + per)
        return Wait(WaitReason.TURN, "others come first, or no worker is free")


def span(length: timedelta) -> str:
    """A length of time as definitions write it, as in 1h30m."""
    left = round(length.total_seconds() * 1000)
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"
