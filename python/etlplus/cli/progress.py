"""How far a job is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol, Self

from etlplus.cli.text import number, size

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console
    from rich.progress import Progress, TaskID

    from etlplus.cli.screen import Screen

#: Seconds between two plain lines.
_PLAIN_SECONDS = 2.0


class Counters(Protocol):
    """The figures of a run, as the contract and the domain name them."""

    @property
    def rows_read(self) -> int:
        """Rows that all sources have read."""
        ...

    @property
    def bytes_read(self) -> int:
        """Bytes that all sources have read."""
        ...

    @property
    def bytes_total(self) -> int:
        """Bytes that will be read; 0 when that is not known."""
        ...

    @property
    def rows_rejected(self) -> int:
        """Rows that were rejected."""
        ...


class Meter(Protocol):
    """Shows counters while a block runs."""

    def __enter__(self) -> Self:
        """Starts showing."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stops showing."""
        ...

    def state(self, text: str) -> None:
        """A new state."""
        ...

    def update(self, counters: Counters) -> None:
        """New counters."""
        ...


def meter(screen: Screen, title: str) -> Meter:
    """What suits the screen."""
    return Bar(title) if screen.is_live else Lines(screen, title)


def _figures(counters: Counters, elapsed: float) -> str:
    rate = counters.rows_read / elapsed if elapsed > 0 else 0.0
    return (
        f"{number(counters.rows_read)} rows, {number(rate)} rows/s, "
        f"{size(counters.bytes_read)}, {number(counters.rows_rejected)} rejected"
    )


class Lines:
    """Plain lines for logs and pipes: each state, and the counters every few seconds."""

    def __init__(self, screen: Screen, title: str) -> None:
        self._screen = screen
        self._title = title
        self._start = self._last = time.monotonic()
        self._state = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None

    def state(self, text: str) -> None:
        """Writes the state where it is new."""
        if text != self._state:
            self._state = text
            self._screen.note(f"{self._title}: {text}")

    def update(self, counters: Counters) -> None:
        """Writes the counters where the last line is old enough."""
        now = time.monotonic()
        if now - self._last >= _PLAIN_SECONDS:
            self._last = now
            self._screen.note(f"{self._title}: {_figures(counters, now - self._start)}")


class Bar:
    """A bar on a terminal's last line."""

    def __init__(self, title: str, console: Console | None = None) -> None:
        from rich.console import Console  # noqa: PLC0415 only on terminals
        from rich.progress import (  # noqa: PLC0415 the same
            BarColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
        )

        self._bar: Progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            console=console or Console(stderr=True),
            transient=True,
        )
        self._title = title
        self._start = time.monotonic()
        self._task: TaskID = self._bar.add_task(title, total=None, figures="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def state(self, text: str) -> None:
        """Shows the state before the bar."""
        self._bar.update(self._task, description=f"{self._title} {text.lower()}")

    def update(self, counters: Counters) -> None:
        """Moves the bar."""
        figures = _figures(counters, time.monotonic() - self._start)
        total = counters.bytes_total or None
        done = min(counters.bytes_read, counters.bytes_total)
        self._bar.update(self._task, total=total, completed=done, figures=figures)
