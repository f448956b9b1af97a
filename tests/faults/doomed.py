"""Runs a command of the product in a process that a test has doomed.

Usage: python -m tests.faults.doomed DOOM... -- COMMAND...; a doom is one of

    kill:before:MODULE:NAME     SIGKILL when the function is called
    kill:after:MODULE:NAME      SIGKILL when it has returned
    fail:N:MODULE:NAME          its N-th call raises OSError (EIO) instead
    clock:SECONDS               the clock of this process is so far from the machine's

The product has no hook for this: its functions are wrapped from outside, before it starts. A
name that is not there ends the process at once, so that no doom is passed over in silence.
"""

from __future__ import annotations

import datetime as dt
import errno
import functools
import importlib
import inspect
import itertools
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

Function = Callable[..., object]


#: Said when a call fails, so that a test knows that it did.
MET = "a doomed call fails"


def die() -> None:
    """Ends this process as a crash would."""
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


def killing(function: Function, when: str) -> Function:
    """The function, with death before or after it."""

    @functools.wraps(function)
    def blocking(*given: object, **named: object) -> object:
        if when == "before":
            die()
        try:
            return function(*given, **named)
        finally:
            die()

    @functools.wraps(function)
    async def waiting(*given: object, **named: object) -> object:
        if when == "before":
            die()
        try:
            return await function(*given, **named)  # type: ignore[misc]
        finally:
            die()

    return waiting if inspect.iscoroutinefunction(function) else blocking


def failing(function: Function, number: int) -> Function:
    """The function, whose call of this number, from 1, fails as a broken disk does."""
    calls = itertools.count(1)

    @functools.wraps(function)
    def broken(*given: object, **named: object) -> object:
        if next(calls) == number:
            print(MET, file=sys.stderr, flush=True)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return function(*given, **named)

    return broken


def replace(module: str, name: str, change: Callable[[Function], Function]) -> None:
    """Puts another function in the place of one that is there."""
    *outer, last = name.split(".")
    holder: Any = functools.reduce(getattr, outer, importlib.import_module(module))
    setattr(holder, last, change(getattr(holder, last)))


def shift(seconds: float) -> None:
    """Moves the wall clock that Python code of this process sees."""
    now = time.time

    class Shifted(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Shifted:
            return super().now(tz) + dt.timedelta(seconds=seconds)

    time.time = lambda: now() + seconds
    dt.datetime = Shifted  # type: ignore[misc]


def doom(text: str) -> None:
    """Applies one doom."""
    kind, *rest = text.split(":")
    if kind == "clock":
        shift(float(rest[0]))
        return
    how, module, name = rest
    if kind == "kill":
        replace(module, name, lambda function: killing(function, how))
    else:
        replace(module, name, lambda function: failing(function, int(how)))


if __name__ == "__main__":
    split = sys.argv.index("--")
    for each in sys.argv[1:split]:
        doom(each)
    from etlplus.cli.main import main

    # What follows is the command's own path, then its arguments.
    sys.argv = sys.argv[split + 1 :]
    sys.exit(main())
