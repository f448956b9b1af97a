"""Hears from the system that files have changed. What it says is a hint: some of it may be lost."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from watchfiles import watch

_LOG = logging.getLogger(__name__)
#: Milliseconds within which changes are told of at once.
_GATHERED: Final = 400
#: Milliseconds after which the thread looks whether it is to stop, at the latest.
_PATIENCE: Final = 1000


@dataclass(slots=True)
class _Ear:
    """A thread's order: which folders it listens to, and whether it is to stop."""

    folders: frozenset[Path]
    is_deep: bool
    stop: threading.Event = field(default_factory=threading.Event)
    failed: bool = False


class Hints:
    """Sets an event when something changes in folders. Two threads: one for folders, one for trees.

    A folder that cannot be listened to is left to the looks that come anyway.
    """

    def __init__(self, heard: asyncio.Event) -> None:
        """Sets `heard`, in the loop that calls `listen`."""
        self._heard = heard
        self._ears: dict[bool, _Ear] = {}
        self._pool: ThreadPoolExecutor | None = None

    def listen(self, folders: Mapping[Path, bool]) -> None:
        """Listens to these folders from now on. True: and to all folders beneath."""
        for deep in (False, True):
            wanted = frozenset(folder for folder, is_deep in folders.items() if is_deep is deep)
            ear = self._ears.get(deep)
            if ear is not None and (ear.folders != wanted or ear.failed):
                ear.stop.set()
                del self._ears[deep]
                ear = None
            if ear is None and wanted:
                self._start(_Ear(wanted, deep))

    def close(self) -> None:
        """Stops listening."""
        for ear in self._ears.values():
            ear.stop.set()
        self._ears.clear()
        if self._pool is not None:
            self._pool.shutdown(wait=True)

    def _start(self, ear: _Ear) -> None:
        # Four: the two that listen, and two that are about to stop.
        self._pool = self._pool or ThreadPoolExecutor(4, thread_name_prefix="etlplus-hints")
        self._ears[ear.is_deep] = ear
        loop = asyncio.get_running_loop()
        self._pool.submit(_listen, ear, loop, self._heard)


def _listen(ear: _Ear, loop: asyncio.AbstractEventLoop, heard: asyncio.Event) -> None:
    try:
        for _ in watch(
            *ear.folders,
            watch_filter=None,
            debounce=_GATHERED,
            stop_event=ear.stop,
            rust_timeout=_PATIENCE,
            recursive=ear.is_deep,
            ignore_permission_denied=True,
        ):
            loop.call_soon_threadsafe(heard.set)
    except Exception as error:  # noqa: BLE001 hints may fail: looks go on without them
        ear.failed = True
        if not ear.stop.is_set():
            _LOG.info("changes of files are noticed later, by looking: %s", error)
