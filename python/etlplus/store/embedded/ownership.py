"""Who runs an embedded database: the process that holds its lock. The kernel frees it at any death."""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path

from etlplus.domain.errors import Unavailable

POLL_SECONDS = 0.1


class Ownership:
    """An exclusive lock on a folder, taken by one process at a time."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "owner.lock"
        self._file: int | None = None

    async def acquire(self, wait_seconds: float) -> None:
        """Takes the lock.

        Args:
            wait_seconds: How long to wait for the present owner to end.

        Raises:
            Unavailable: DATABASE_BUSY; the message names the owner's process.
        """
        file = self._open()
        deadline = asyncio.get_running_loop().time() + wait_seconds
        try:
            while not _try_lock(file):
                if asyncio.get_running_loop().time() >= deadline:
                    raise self._busy(file, wait_seconds)
                await asyncio.sleep(POLL_SECONDS)
        except BaseException:
            os.close(file)
            raise
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        self._file = file

    def release(self) -> None:
        """Frees the lock; nothing happens when it is not held."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except PermissionError as error:
            raise Unavailable(
                f"The database's folder {self._path.parent} belongs to another user.",
                code="DATABASE_ACCOUNT_UNUSABLE",
                hint="Start ETL Plus as the user who made it, or choose another data folder.",
            ) from error

    def _busy(self, file: int, waited: float) -> Unavailable:
        owner = os.pread(file, 32, 0).decode(errors="replace").strip() or "unknown"
        return Unavailable(
            f"Process {owner} still runs the database in {self._path.parent} after {waited:g} s.",
            code="DATABASE_BUSY",
            hint="Stop that process, or choose another data folder.",
            metadata={"pid": owner, "folder": str(self._path.parent)},
        )


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
