"""Windows over files: those whose content was not loaded before, and how many were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final

from etlplus.domain.arrival import FileContent

#: Paths that are named to people.
_NAMED: Final = 2


@dataclass(frozen=True, slots=True)
class FilesSource:
    """A source of files that reads only new ones; `uri`: its path or pattern, without `${…}`."""

    source: str
    uri: str


@dataclass(frozen=True, slots=True)
class FilesPosition:
    """What was loaded before.

    Attributes:
        files: how many contents.
        last: the path of the last file among them; empty when there was none yet.
    """

    files: int = 0
    last: str = ""

    def to_json(self) -> dict[str, Any]:
        """The position as a JSON object, with its kind."""
        return {"kind": FilesWindow.kind, **asdict(self)}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> FilesPosition:
        """The position of a JSON object."""
        return FilesPosition(value["files"], value["last"])


@dataclass(frozen=True, slots=True)
class FilesWindow:
    """The files that a job reads.

    Attributes:
        files: each content once, by path.
        reached: what is loaded once these are.
    """

    kind: ClassVar[str] = "files"
    files: tuple[FileContent, ...]
    reached: FilesPosition

    def to_json(self) -> dict[str, Any]:
        """The window as a JSON object, with its kind."""
        return {"kind": self.kind, **asdict(self)}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> FilesWindow:
        """The window of a JSON object."""
        files = tuple(FileContent(**file) for file in value["files"])
        return FilesWindow(files, FilesPosition(**value["reached"]))

    @property
    def after(self) -> dict[str, Any] | None:
        """The position once the window is loaded, as a JSON object."""
        return self.reached.to_json()

    def __str__(self) -> str:
        """As people read it: `2 new files: /in/a.csv, /in/b.csv`."""
        if not self.files:
            return "no new file"
        named = ", ".join(file.path for file in self.files[:_NAMED])
        more = f" and {len(self.files) - _NAMED} more" if len(self.files) > _NAMED else ""
        return f"{len(self.files)} new file{'s' * (len(self.files) > 1)}: {named}{more}"


def window_of(new: Sequence[FileContent], before: FilesPosition) -> FilesWindow:
    """The window of new contents, after what was loaded before."""
    files = tuple(sorted(new, key=lambda file: file.path))
    last = files[-1].path if files else before.last
    return FilesWindow(files, FilesPosition(before.files + len(files), last))
