"""Files that arrive: what is watched, what is known of it, and which contents start a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

#: How long a file must have stayed as it is where the definition does not say.
SETTLE: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class FileTrigger:
    """What a definition says.

    Attributes:
        source: the source whose files are watched.
        uri: its path or pattern, with its `${…}`.
        settle: how long a file must have stayed as it is before it counts as complete.
    """

    source: str
    uri: str
    settle: timedelta = SETTLE


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file, and what tells its content from that of any other.

    Attributes:
        content: the same for equal contents, whatever the file is called: size and hash.
        path: absolute, free of links.
        size: in bytes.
        modified_ns: when it was last written to, in nanoseconds since 1970.
    """

    content: str
    path: str
    size: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class WatchState:
    """Where a pipeline's watch of files stands.

    Attributes:
        arrived: how many contents have started a run.
        last_time: when the last of them did.
        last_path: the file that held it then.
        look_time: when a worker last looked.
        next_look_time: when one looks next at the latest.
        unsettled: files that had not settled at the last look.
    """

    arrived: int = 0
    last_time: datetime | None = None
    last_path: str = ""
    look_time: datetime | None = None
    next_look_time: datetime | None = None
    unsettled: int = 0
