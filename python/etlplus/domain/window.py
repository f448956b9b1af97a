"""Which part of a source a job reads, and how far a pipeline has come with its sources.

A window is fixed when a job starts for the first time, and every further attempt reads the same.
Each kind has a file of its own; here is what is common to all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from etlplus.domain.arrival import FileContent
from etlplus.domain.cursor import CursorSource, CursorWindow
from etlplus.domain.errors import Bug, NotFound, RunError, WrongState
from etlplus.domain.newfiles import FilesWindow

#: A JSON object with the kind of window in `kind`.
Json = Mapping[str, Any]


class Window(Protocol):
    """A part of a source. Its text tells people which."""

    def to_json(self) -> dict[str, Any]:
        """The window as a JSON object, with its kind."""
        ...

    def __str__(self) -> str:
        """As people read it."""
        ...

    @property
    def after(self) -> dict[str, Any] | None:
        """The position once the window is loaded; None for the beginning."""
        ...


#: What reads a stored window, by kind.
_KINDS: Final[Mapping[str, Callable[[Json], Window]]] = {
    CursorWindow.kind: CursorWindow.from_json,
    FilesWindow.kind: FilesWindow.from_json,
}


def window_from(value: Json) -> Window:
    """The window of a JSON object. Raises Bug for a kind that is not known here."""
    read = _KINDS.get(str(value.get("kind")))
    if read is None:
        raise Bug(f"A window of the kind {value.get('kind')!r} is not known here")
    return read(value)


@dataclass(frozen=True, slots=True)
class SourceWindow:
    """A window of a job.

    Attributes:
        before: the position that it went out from; None for the beginning.
        state: OPEN until the job succeeds, then DONE; UNDONE when it was rolled back, LEFT when
            another job took it over or the state was reset.
    """

    source: str
    window: Window
    before: Json | None = None
    state: str = "OPEN"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a pipeline has come with a source.

    Attributes:
        value: of the window's kind; None at the beginning.
        epoch: grows with each change; a window that went out from another one moves nothing.
        number: of the latest window that led here.
        held_by: the job that is being rolled back meanwhile; None when nothing is.
    """

    source: str
    value: Json | None = None
    epoch: int = 0
    number: int = 0
    update_time: datetime | None = None
    held_by: UUID | None = None


@dataclass(frozen=True, slots=True)
class SourcePart:
    """What the engine reads of a source.

    Attributes:
        predicate: of tables and queries, the condition of the rows.
        files: of files, those that are read; None for all that the source names.
    """

    source: str
    predicate: str = ""
    files: tuple[FileContent, ...] | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """What a claim knows of its windows.

    Attributes:
        load: the job whose load is published: an earlier one when its windows were taken over.
        windows: by source; empty as long as they are not fixed.
        positions: by source.
    """

    load: UUID
    windows: Mapping[str, SourceWindow] = field(default_factory=dict)
    positions: Mapping[str, Position] = field(default_factory=dict)


def busy(job: UUID) -> WrongState:
    """The error while another job of the pipeline has not ended its window."""
    return WrongState(
        f"Job {job} of the pipeline has not ended, and what follows depends on it",
        code="PIPELINE_BUSY",
        hint="Wait for its end, or cancel it",
        metadata={"job": str(job)},
    )


def moved(source: str) -> WrongState:
    """The error when a position changed between the two halves of opening a window."""
    return WrongState(
        f"The position of the source {source!r} was changed while the job began",
        code="PIPELINE_BUSY",
        place=source,
        hint="The job begins again by itself",
    )


def held(job: UUID) -> WrongState:
    """The error while a rollback of the pipeline is not at its end."""
    return WrongState(
        f"The rollback of job {job} is not at its end, and what follows depends on it",
        code="ROLLBACK_UNFINISHED",
        hint=f"Roll it back again: etlplus jobs rollback {job}",
        metadata={"job": str(job)},
    )


def unfinished(job: UUID, sources: list[str]) -> WrongState:
    """The error when a job that may have published read other sources than the present version."""
    return WrongState(
        f"Job {job} ended while it published, and it read other sources ({', '.join(sources)})",
        code="LOAD_UNFINISHED",
        hint="Roll it back if it published, else `etlplus state reset`; or run its version again",
        metadata={"job": str(job)},
    )


def no_state(pipeline: str, source: str) -> NotFound:
    """The error for a source of which nothing is kept."""
    what = f"the source {source!r} of " if source else ""
    return NotFound(
        f"Nothing is kept of {what}the pipeline {pipeline!r}",
        code="STATE_NOT_FOUND",
        place=source or pipeline,
        hint="`etlplus state show` lists the sources that were read incrementally",
    )


def no_column(source: CursorSource, known: Sequence[str]) -> RunError:
    """The error for a cursor that the source does not have."""
    return RunError(
        f"The source cannot be read by the column {source.column}: there is no such column",
        code="CURSOR_INVALID",
        place=source.source,
        hint=f"Its columns are {', '.join(known[:20])}",
    )


def other_kind(source: str) -> RunError:
    """The error for a source that was read in another way until now, by a cursor or by files."""
    return RunError(
        f"The source {source!r} was read in another way until now",
        code="CURSOR_CHANGED",
        place=source,
        hint=f"etlplus state reset PIPELINE --source {source}",
    )


def stands(source: str, jobs: list[UUID]) -> WrongState:
    """The error for a rollback over later windows that stay."""
    told = ", ".join(str(job) for job in jobs)
    return WrongState(
        f"Later jobs read on from there in the source {source!r}: {told}",
        code="ROLLBACK_BLOCKED",
        place=source,
        hint="Roll those back first, the newest before the others",
        metadata={"source": source, "jobs": told},
    )
