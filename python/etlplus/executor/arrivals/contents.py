"""Tells contents of files apart: by their size and a hash of every byte."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from etlplus.domain.arrival import FileContent

_CHUNK: Final = 1 << 20
#: Files whose content is remembered: a few hundred bytes each.
_REMEMBERED: Final = 200_000


@dataclass(frozen=True, slots=True)
class Stamp:
    """What changes when a file is written to or replaced."""

    inode: tuple[int, int]
    size: int
    modified_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> Stamp:
        """Of a file that was looked at."""
        return cls((found.st_dev, found.st_ino), found.st_size, found.st_mtime_ns)


def stamp(path: Path) -> Stamp | None:
    """A file's stamp; None when it cannot be looked at, as when it is gone."""
    try:
        return Stamp.of(path.stat())
    except OSError:
        return None


class Contents:
    """Identifies contents, and remembers them for files that have not changed since."""

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        """Remembers so many files, those that were asked for last."""
        self._known: OrderedDict[tuple[str, Stamp], str] = OrderedDict()
        self._most = remembered
        # Looks and runs ask from threads of their own.
        self._lock = threading.Lock()

    def identify(
        self, path: Path, expected: Stamp, stop: Callable[[], bool] = lambda: False
    ) -> FileContent | None:
        """The content of a file. Blocks for as long as reading all of it takes.

        Args:
            path: the file, free of links.
            expected: what it looked like when it was found.
            stop: asked now and then; once it is true, the answer is None.

        Returns:
            None when it cannot be read, or does not look as expected before and after.
        """
        key = (str(path), expected)
        with self._lock:
            content = self._known.get(key)
        if content is None:
            content = _read(path, expected, stop)
            if content is None:
                return None
        with self._lock:
            self._known[key] = content
            self._known.move_to_end(key)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return FileContent(content, str(path), expected.size, expected.modified_ns)


def _read(path: Path, expected: Stamp, stop: Callable[[], bool]) -> str | None:
    found = hashlib.blake2b(digest_size=32)
    try:
        with path.open("rb", buffering=0) as file:
            if Stamp.of(os.fstat(file.fileno())) != expected:
                return None
            while chunk := file.read(_CHUNK):
                found.update(chunk)
                if stop():
                    return None
            # What its path leads to, too: it may have been replaced meanwhile.
            if Stamp.of(os.fstat(file.fileno())) != expected or stamp(path) != expected:
                return None
    except OSError:
        return None
    return f"{expected.size}-{found.hexdigest()}"
