"""The ledger of loads into files. Loads into databases have theirs in the target."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from etlplus.domain.run import Books


@dataclass(frozen=True, slots=True)
class FileLoad:
    """A published sink of files.

    Attributes:
        load_id: 32 hexadecimal digits.
        checksum: of the rows, independent of their order, in hexadecimal.
        files: absolute paths.
        create_time: set by the ledger.
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
