"""Ctrl-C while a job is followed: once cancels it, twice leaves it alone."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType


class Detached(BaseException):
    """The second Ctrl-C: the person wants the terminal back."""


@contextmanager
def cancelling(cancel: Callable[[], None]) -> Iterator[None]:
    """Calls `cancel` in a thread at the first Ctrl-C and raises Detached at the second.

    The first does not interrupt what the block waits for, so that it sees the job end.
    """
    pressed = 0

    def handle(_signal: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        pressed += 1
        if pressed > 1:
            raise Detached
        threading.Thread(target=cancel, daemon=True).start()

    try:
        before = signal.signal(signal.SIGINT, handle)
    except ValueError:
        # Not the main thread, which alone is told of signals.
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
