"""Finds the files of a source whose content the pipeline has not loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from etlplus.app.ports import Stop
from etlplus.domain.arrival import FileContent
from etlplus.domain.errors import Cancelled, RunError
from etlplus.domain.job import Job
from etlplus.domain.newfiles import FilesPosition, FilesSource, FilesWindow, window_of
from etlplus.executor.arrivals.contents import stamp
from etlplus.executor.arrivals.listing import find, place_of, refused
from etlplus.executor.journal import Journal
from etlplus.executor.parts import Parts
from etlplus.executor.threads import Threads

#: Contents that are asked about at once.
_AT_ONCE: Final = 5_000


class NewFiles:
    """Looks for the new files of one claim's sources. Files are read whole, to tell them apart."""

    def __init__(
        self, parts: Parts, threads: Threads, job: Job, journal: Journal, stop: Stop
    ) -> None:
        """Reads in `threads`; `stop` says when to give up."""
        self._parts = parts
        self._threads = threads
        self._job = job
        self._journal = journal
        self._stop = stop

    async def look(self, source: FilesSource, before: FilesPosition) -> FilesWindow:
        """The window of what is new now, each content once.

        Raises:
            Cancelled: `stop` said so.
            InvalidInput: PLAN_INVALID for what is no path, and where too many files match.
            RunError: PATH_REFUSED, SOURCE_UNREADABLE.
        """
        found = await self._threads.call(self._list, source)
        complete: dict[str, FileContent] = {}
        for path in found:
            self._stop.check()
            file = await self._threads.call(self._identify, source, path)
            if file is not None:
                complete.setdefault(file.content, file)
        every = list(complete)
        job, store = self._job, self._parts.stores.windows
        for start in range(0, len(every), _AT_ONCE):
            some = every[start : start + _AT_ONCE]
            for known in await store.loaded(job.workspace, job.pipeline, source.source, some):
                del complete[known]
        return window_of(list(complete.values()), before)

    def _list(self, source: FilesSource) -> list[Path]:
        place = place_of(source.uri, self._parts.environment.file_roots)
        found = sorted(set(find(place)))
        if not all(place.is_inside(path) for path in found):
            raise refused(source.uri)
        return found

    def _identify(self, source: FilesSource, path: Path) -> FileContent | None:
        """The content of a file; None when it is gone, or being written to: then it comes later."""
        expected = stamp(path)
        if expected is None:
            return None
        try:
            str(path).encode()
        except UnicodeEncodeError:
            raise _unreadable(source, path, "its name is not text") from None
        file = self._parts.contents.identify(path, expected, self._is_stopped)
        self._stop.check()
        if file is not None:
            return file
        if stamp(path) == expected:
            raise _unreadable(source, path, "it may not be read")
        self._journal.write(
            f"Left to the next run, as it is being written to: {path}",
            level="WARNING",
            node=source.source,
        )
        return None

    def _is_stopped(self) -> bool:
        try:
            self._stop.check()
        except Cancelled:
            return True
        return False


def _unreadable(source: FilesSource, path: Path, why: str) -> RunError:
    return RunError(
        f"The file {str(path).encode(errors='replace').decode()} cannot be read: {why}",
        code="SOURCE_UNREADABLE",
        place=source.source,
        hint="Mend its name or its permissions, or move it away",
    )
