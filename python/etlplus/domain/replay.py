"""Reading again the records that a job refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Refused:
    """What a source, step or sink of a job refused: rows, and the codes of their reasons."""

    step: str
    rows: int
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ReplaySource:
    """A source of which only refused records are read.

    Attributes:
        name: the source's name, the same in both versions.
        steps: whose rejects are read again; none when the source is not to be read at all.
        rows: how many records that is.
    """

    name: str
    steps: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Rejects of a source, step or sink that cannot be replayed.

    Attributes:
        code: REPLAY_UNSUPPORTED, or DUPLICATE_KEY where another row of the key was loaded.
        reason: why, in a sentence without a full stop.
    """

    step: str
    rows: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """Which rejects of a job are read again, and which are not."""

    sources: tuple[ReplaySource, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def rows(self) -> int:
        """How many records are read again."""
        return sum(source.rows for source in self.sources)


@dataclass(frozen=True, slots=True)
class Replay:
    """That a job reads again what another refused.

    Attributes:
        of: the job that refused it, whose rejects are read.
        since: when that job started: files that changed later are refused.
        plan: which of its rejects.
    """

    of: UUID
    since: datetime
    plan: ReplayPlan


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """What the engine is told of a source of which only refused records are read.

    Attributes:
        source: its name in the plan.
        rejects_path: the earlier run's rejects, an Arrow IPC file.
        steps: whose rejects are read again.
        unchanged_since: when the earlier run began.
    """

    source: str
    rejects_path: str
    steps: tuple[str, ...]
    unchanged_since: datetime
