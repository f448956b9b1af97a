"""The ledger of loads into files. Loads into databases have theirs in the target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from etlplus.domain.run import Books


@dataclass(frozen=True, slots=True)
class FileLoad:
    """A published sink of files.

    Attributes:
        load_id: 32 hexadecimal digits.
        checksum: of the rows, independent of their order, in hexadecimal.
        files: absolute paths.
        create_time: set by the ledger.
        undo: what rolling it back needs to know; empty when it cannot be.
        windows: what was read of sources that are read part by part, by source.
        rolled_back_time: None while it stands.
        rolled_back_for: the load for whose sake it was rolled back, mostly itself.
    """

    load_id: str
    sink: str
    kind: str
    target: str
    mode: str
    books: Books
    checksum: str
    files: tuple[str, ...]
    create_time: datetime | None = None
    undo: Mapping[str, Any] = field(default_factory=dict)
    rolled_back_time: datetime | None = None
    rolled_back_author: str = ""
    rolled_back_for: str = ""
    rollback_reason: str = ""
    windows: Mapping[str, Any] = field(default_factory=dict)
