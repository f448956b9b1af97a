"""Who runs an embedded database: who holds its lock. The kernel frees it at any death."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from typing import TYPE_CHECKING

from etlplus.domain.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

POLL_SECONDS = 0.1
_LOG = logging.getLogger(__name__)


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
        deadline = _now() + wait_seconds
        locked = _try_lock(file)
        if not locked:
            _LOG.info("waiting for process %s to end: it has %s", _owner(file), self._path.parent)
        try:
            # Polled: the kernel has no way to wait for a lock that a cancelled task could leave.
            while not locked and _now() < deadline:
                await asyncio.sleep(POLL_SECONDS)
                locked = _try_lock(file)
            if not locked:
                raise self._busy(file, wait_seconds)
        finally:
            if not locked:
                os.close(file)
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
        owner = _owner(file)
        return Unavailable(
            f"Process {owner} still runs the database in {self._path.parent} after {waited:g} s.",
            code="DATABASE_BUSY",
            hint="Stop that process, or choose another data folder.",
            metadata={"pid": owner, "folder": str(self._path.parent)},
        )


def _owner(file: int) -> str:
    return os.pread(file, 32, 0).decode(errors="replace").strip() or "unknown"


def _now() -> float:
    return asyncio.get_running_loop().time()


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
