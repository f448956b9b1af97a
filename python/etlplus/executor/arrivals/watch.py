"""Looks at the files of one pipeline: which contents are complete, and which of them are new."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from etlplus.app.ports import ArrivalStore
from etlplus.domain.arrival import FileContent
from etlplus.domain.trigger import DueTrigger
from etlplus.executor.arrivals.contents import Contents, Stamp, stamp
from etlplus.executor.arrivals.listing import Place, find
from etlplus.executor.arrivals.settling import Settling
from etlplus.executor.threads import Threads

#: Seconds for which it is believed that a content which has started a run still counts as such.
_BELIEVED: Final = 60.0
#: Contents that are asked about at once.
_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look has found.

    Attributes:
        new: complete files, one for each content that has started no run.
        unsettled: how many files are not complete yet.
        settles: seconds until the first of them may be; None when there is none.
    """

    new: tuple[FileContent, ...]
    unsettled: int
    settles: float | None


@dataclass(slots=True)
class Watch:
    """The watch of one version of a pipeline, as it goes on from look to look."""

    due: DueTrigger
    place: Place
    contents: Contents
    clock: Callable[[], float] = time.monotonic
    #: The folder in which changes are to be listened for; None before the first look, and for none.
    folder: Path | None = None
    _settling: Settling = field(default_factory=Settling)
    _known: set[str] = field(default_factory=set)
    _asked: float = float("-inf")

    async def look(
        self, threads: Threads, store: ArrivalStore, stop: Callable[[], bool] = lambda: False
    ) -> Seen:
        """Looks. Files are listed and read in `threads`; once `stop` is true, as few as may be.

        Raises:
            InvalidInput: PLAN_INVALID when too many files match.
            Unavailable: the store cannot be asked.
        """
        found = await threads.call(self._list)
        files = self.due.triggers.files
        settle = 0.0 if files is None else files.settle.total_seconds()
        settled, lacking = self._settling.look(found, self.clock(), settle)
        complete: dict[str, FileContent] = {}
        changing = 0
        for path, expected in settled:
            file = await threads.call(self.contents.identify, path, expected, stop)
            if stop():
                return Seen((), len(lacking), None)
            if file is None:
                changing += 1
            else:
                complete.setdefault(file.content, file)
        new = await self._unknown(store, complete)
        wait = min([*lacking, *([max(settle, 1.0)] if changing else [])], default=None)
        return Seen(new, len(lacking) + changing, wait)

    async def _unknown(
        self, store: ArrivalStore, complete: dict[str, FileContent]
    ) -> tuple[FileContent, ...]:
        now = self.clock()
        if now - self._asked >= _BELIEVED:
            self._known.clear()
            self._asked = now
        open_ones = [content for content in complete if content not in self._known]
        for start in range(0, len(open_ones), _AT_ONCE):
            self._known |= await store.known(self.due, open_ones[start : start + _AT_ONCE])
        return tuple(complete[content] for content in open_ones if content not in self._known)

    def _list(self) -> list[tuple[Path, Stamp]]:
        """Files that may be read, each once, in the order of their paths."""
        self.folder = _nearest(self.place.folder, self.place.roots)
        paths = {path for path in find(self.place) if self.place.is_inside(path)}
        stamps = ((path, stamp(path)) for path in sorted(paths) if _has_text(path))
        return [(path, each) for path, each in stamps if each is not None]


def _has_text(path: Path) -> bool:
    """Whether a path is text; what is none can be named nowhere, and runs refuse it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _nearest(folder: Path, roots: tuple[Path, ...]) -> Path | None:
    """The folder itself, or the nearest one above that is there, beneath a root."""
    for each in (folder, *folder.parents):
        if each.is_dir():
            real = each.resolve()
            return real if any(real.is_relative_to(root) for root in roots) else None
    return None
