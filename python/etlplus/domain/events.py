"""What a job's watchers and readers of its log see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from etlplus.domain.job import Job, JobError, JobState
from etlplus.domain.run import Progress


class EventKind(StrEnum):
    """What changed."""

    STATE = "state"
    PROGRESS = "progress"


@dataclass(frozen=True, slots=True)
class JobEvent:
    """A change of a job. `sequence` grows with each event of a job, in order of commit."""

    sequence: int
    time: datetime
    kind: EventKind
    state: JobState
    attempt: int
    progress: Progress
    error: JobError | None = None


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events after a sequence, with the oldest and latest sequence that are kept."""

    events: tuple[JobEvent, ...]
    oldest: int
    latest: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The first message of a watch: the job with every event up to `sequence`."""

    sequence: int
    job: Job


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Nothing has changed since `sequence`; the watch is alive."""

    sequence: int


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line to be added to a job's log.

    Attributes:
        level: DEBUG, INFO, WARNING or ERROR.
        node: the source, step or sink it is about; empty when none.
    """

    time: datetime
    level: str
    message: str
    node: str = ""


@dataclass(frozen=True, slots=True)
class NumberedLine:
    """A line of a job's log. `sequence` grows with each line of a job, in order of commit."""

    sequence: int
    time: datetime
    level: str
    message: str
    node: str = ""


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines after a sequence, with the oldest and latest sequence that are kept."""

    lines: tuple[NumberedLine, ...]
    oldest: int
    latest: int
