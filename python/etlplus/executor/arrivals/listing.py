"""Finds the files that a path or pattern names beneath the folders that may be read.

The rules are the engine's (`rust_core/engine/src/scan/files`): what it would read is found here.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

from etlplus.domain.errors import InvalidInput, RunError

_MAX_FILES: Final = 100_000
_MAX_DEPTH: Final = 64
_WILD: Final = re.compile(r"[*?]")


@dataclass(frozen=True)
class Place:
    """What a source reads, absolute and without `.` and `..`.

    Attributes:
        uri: as it was given.
        path: a path or pattern.
        roots: folders beneath which files may be read, links followed.
    """

    uri: str
    path: Path
    roots: tuple[Path, ...] = field(repr=False)

    @cached_property
    def folder(self) -> Path:
        """The folders before the first wildcard."""
        parts = self.path.parts
        wild = next((at for at, part in enumerate(parts) if _WILD.search(part)), len(parts))
        return Path(*parts[:wild])

    @property
    def is_deep(self) -> bool:
        """Whether files in folders beneath the first one count."""
        return len(self.path.parts) > len(self.folder.parts) + 1 or "**" in self.path.parts

    def is_inside(self, real: Path) -> bool:
        """Whether a path that is free of links may be read."""
        return any(real.is_relative_to(root) for root in self.roots)


def place_of(uri: str, roots: Sequence[Path]) -> Place:
    """Where a source's files are. Relative paths start at the first root.

    Raises:
        InvalidInput: PLAN_INVALID for what is no path.
        RunError: PATH_REFUSED outside the roots, before the disk is looked at.
    """
    text = uri.removeprefix("file://")
    if "://" in text or "\0" in text or not text:
        raise InvalidInput(
            f"'{uri}' is not the path of a file",
            code="PLAN_INVALID",
            place="uri",
            hint="Give a path beneath one of the file roots",
        )
    base = roots[0] if roots else Path("/")
    given = [_normal(base / root) for root in roots]
    real = [root.resolve() for root in given if root.exists()]
    place = Place(uri, _normal(base / text), tuple(real))
    if not any(place.folder.is_relative_to(root) for root in (*given, *real)):
        raise refused(uri)
    return place


def find(place: Place) -> Iterator[Path]:
    """The files, in no order, links followed; a file with several names comes as often.

    Those that lie outside the roots come as well: see `Place.is_inside`.

    Raises:
        InvalidInput: PLAN_INVALID when there are too many.
    """
    parts = place.path.parts
    fixed = len(place.folder.parts)
    if fixed == len(parts):
        # A folder stands for the files in it.
        rest: tuple[str, ...] = ("*",) if place.path.is_dir() else ()
        walk = _walk(str(place.path), rest, 0) if rest else iter([str(place.path)])
    else:
        walk = _walk(str(place.folder), parts[fixed:], 0)
    for count, name in enumerate(walk):
        if count >= _MAX_FILES:
            raise InvalidInput(
                f"more than {_MAX_FILES} files match", code="PLAN_INVALID", place="uri"
            )
        real = Path(os.path.realpath(name))
        if real.is_file():
            yield real


def refused(uri: str) -> RunError:
    """The error for what lies outside the roots."""
    return RunError(
        f"'{uri}' leads outside the folders that may be read",
        code="PATH_REFUSED",
        place="uri",
        hint="Move the file beneath a file root, or add its folder to the file roots in the "
        "settings",
    )


def _normal(path: Path) -> Path:
    """The path without `.` and `..`, by its text alone."""
    # POSIX lets two leading slashes mean something else; here they mean nothing.
    return Path("/" + os.path.normpath(path).lstrip("/"))


def _walk(folder: str, parts: tuple[str, ...], depth: int) -> Iterator[str]:
    part, rest = parts[0], parts[1:]
    if depth > _MAX_DEPTH:
        return
    if part == "**":
        yield from _walk(folder, rest or ("*",), depth + 1)
        for entry in _entries(folder):
            # A link to a folder above would lead around in circles.
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, parts, depth + 1)
        return
    for path in _named(folder, part):
        if rest:
            yield from _walk(path, rest, depth + 1)
        else:
            yield path


def _named(folder: str, part: str) -> list[str]:
    """What a part of a pattern names in a folder, which need not be there."""
    if not _WILD.search(part):
        return [f"{folder.rstrip('/')}/{part}"]
    pattern = _pattern(part)
    return [entry.path for entry in _entries(folder) if pattern.match(entry.name)]


@lru_cache(maxsize=256)
def _pattern(part: str) -> re.Pattern[str]:
    """A part of a pattern, in which only `*` and `?` mean something."""
    # The library's translation never goes back over what a `*` took, so matching is never slow.
    return re.compile(fnmatch.translate(part.replace("[", "[[]")))


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """A folder's entries that are not hidden. A folder that cannot be read has none."""
    try:
        with os.scandir(folder) as found:
            return [entry for entry in found if not entry.name.startswith(".")]
    except OSError:
        return []
