"""What a replacing load of files keeps of the files before it, hidden beside them.

A generation is a folder `.etlplus-undo/LOAD-SINK` next to the load's files. It holds hard links to
what the load replaced, so that keeping costs no copy, and `manifest.json`, which says what they
were called. The manifest is written before any file of the load is visible; it knows the load's own
files by their stamps, so that a load that is published again after a crash does not take its own
first attempt for what was there before.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

FOLDER: Final = ".etlplus-undo"
_MANIFEST: Final = "manifest.json"

#: Inode, size in bytes, time of the last change in nanoseconds: a rename keeps all three.
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation holds.

    Attributes:
        target: the file or folder that was loaded.
        made: when, in nanoseconds since 1970.
        own: stamps of the load's files by name, of every attempt to publish.
        kept: stamps of the replaced files by name, in the order of their links.
        is_rolling: whether a rollback has begun.
    """

    target: str
    made: int
    own: Mapping[str, Sequence[Stamp]] = field(default_factory=dict)
    kept: Mapping[str, Stamp] = field(default_factory=dict)
    is_rolling: bool = False


class Generation:
    """The hidden folder of one load and sink beside its files."""

    def __init__(self, beside: Path, load_id: str, sink: str) -> None:
        """`beside`: the folder that holds the load's files."""
        self._root = beside / FOLDER
        self._folder = self._root / f"{load_id}-{sink}"

    def read(self) -> Manifest | None:
        """The manifest; None when nothing is kept, or keeping came to no end."""
        return _read(self._folder)

    def write(self, manifest: Manifest) -> None:
        """Makes a manifest durable. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = self._folder / f"{_MANIFEST}.new"
        text = {
            "target": manifest.target,
            "made": manifest.made,
            "own": manifest.own,
            "kept": manifest.kept,
            "is_rolling": manifest.is_rolling,
        }
        with fresh.open("w", encoding="utf-8", errors="surrogateescape") as file:
            json.dump(text, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._folder / _MANIFEST)
        for folder in (self._folder, self._root, self._root.parent):
            sync_folder(folder)

    def keep(self, target: str, files: Sequence[Path]) -> Manifest:
        """Links files into an empty generation. Raises OSError; then nothing is kept."""
        self.remove()
        self._folder.mkdir(parents=True)
        kept = {}
        for number, path in enumerate(files):
            os.link(path, self.kept(number), follow_symlinks=False)
            kept[path.name] = stamp(self.kept(number))
        return Manifest(target, time.time_ns(), kept=kept)

    def kept(self, number: int) -> Path:
        """The link to a kept file, by its place in the manifest."""
        return self._folder / f"{number}.kept"

    def put_back(self, number: int, path: Path) -> None:
        """Makes `path` the kept file in one step; the link stays. Raises OSError."""
        if stamp_or_none(path) == stamp(self.kept(number)):
            return  # renaming a link onto its own file would leave both
        passing = self._folder / f"{number}.back"
        passing.unlink(missing_ok=True)
        os.link(self.kept(number), passing, follow_symlinks=False)
        passing.replace(path)

    def remove(self) -> None:
        """Forgets all of it."""
        _remove(self._folder)
        with contextlib.suppress(OSError):
            self._root.rmdir()  # other generations keep it

    def prune(self, target: str, keep: int) -> None:
        """Forgets the oldest generations of a target beyond the newest `keep`."""
        found = []
        for folder in self._root.iterdir() if self._root.is_dir() else ():
            manifest = _read(folder)
            if manifest is not None and manifest.target == target and not manifest.is_rolling:
                found.append((manifest.made, folder))
        for _, folder in sorted(found, reverse=True)[keep:]:
            _remove(folder)


def stamp(path: Path) -> Stamp:
    """What tells a file from others. Raises OSError."""
    found = path.lstat()
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def stamp_or_none(path: Path) -> Stamp | None:
    """As `stamp`; None when there is no file."""
    try:
        return stamp(path)
    except FileNotFoundError:
        return None


def sync_folder(folder: Path) -> None:
    """A rename is durable once its folder is synced."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Publishing and rolling back files of one folder come one after the other."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):  # not every file system knows locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove(folder: Path) -> None:
    # Without its manifest the rest is no generation any more, wherever the removal stops.
    (folder / _MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _read(folder: Path) -> Manifest | None:
    try:
        text = (folder / _MANIFEST).read_text(encoding="utf-8", errors="surrogateescape")
        found: Mapping[str, Any] = json.loads(text)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    own = {name: [_stamp(each) for each in stamps] for name, stamps in found["own"].items()}
    kept = {name: _stamp(each) for name, each in found["kept"].items()}
    return Manifest(found["target"], found["made"], own, kept, found["is_rolling"])


def _stamp(parts: Sequence[int]) -> Stamp:
    inode, size, changed = parts
    return (inode, size, changed)
