"""What people read while a command works: all of it on stderr."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from etlplus.cli.text import printable

if TYPE_CHECKING:
    from etlplus.domain.errors import EtlError

_RED: Final = "31"
_YELLOW: Final = "33"
_BOLD: Final = "1"
_DIM: Final = "2"


def has_colour() -> bool:
    """Whether stderr is a terminal that wants colours (https://no-color.org)."""
    return (
        sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


#: Where to go on from errors that name no next step themselves.
_NEXT: Final = {
    "CONNECTION_NOT_FOUND": "`etlplus conn list` shows what there is",
    "CONNECTION_UNKNOWN": "`etlplus conn list` shows what there is, `etlplus conn add` adds to it",
    "DATABASE_UNAVAILABLE": "`etlplus doctor` looks for what is wrong",
    "JOB_NOT_FOUND": "`etlplus jobs list` shows what there is",
    "NODE_UNKNOWN": "`etlplus plan` shows the sources and steps",
    "PERMISSION_DENIED": "Use a token that may do this",
    "PIPELINE_NOT_FOUND": "`etlplus list` shows what there is",
    "TOKEN_INVALID": "`etlplus doctor` shows which token is used",
    "TOKEN_MISSING": "Set ETLPLUS_TOKEN, or use the data folder of the server",
    "VERSION_NOT_FOUND": "`etlplus versions NAME` shows what there is",
}


def next_command(code: str) -> str:
    """What to do about an error that says nothing of it; empty where nothing is known."""
    return _NEXT.get(code, "")


class Screen:
    """Writes notes, warnings and errors. `quiet` drops notes alone."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.is_live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not quiet
        self._colour = has_colour()

    def note(self, text: str = "") -> None:
        """What happens, for people who watch."""
        if not self.quiet:
            self._write(printable(text))

    def title(self, text: str) -> None:
        """The start of a part of a longer work."""
        if not self.quiet:
            self._write(self._paint(printable(text), _BOLD))

    def tip(self, text: str) -> None:
        """What could be done next, where all is well."""
        if not self.quiet:
            self.hint(text)

    def hint(self, text: str) -> None:
        """What to do about an error."""
        self._write(f"  {self._paint('→', _DIM)} {printable(text)}")

    def warning(self, text: str) -> None:
        """What may be a mistake."""
        self._write(f"{self._paint('warning:', _YELLOW)} {printable(text)}")

    def error(self, text: str) -> None:
        """Why it did not work."""
        self._write(f"{self._paint('error:', _RED)} {printable(text)}")

    def raw(self, text: str) -> None:
        """Text that is laid out already."""
        self._write(text.rstrip("\n"))

    def failure(self, error: EtlError) -> None:
        """An error with its code, its place, every problem behind it, and the next step."""
        place = f" ({error.place})" if error.place else ""
        self.error(f"{error.code}: {error.message}{place}")
        for problem in getattr(error, "problems", ()):
            where = f" at {problem.path}" if problem.path else ""
            self._write(f"  {problem.code}{printable(where)}: {printable(problem.message)}")
            if problem.hint:
                self.hint(problem.hint)
        request = error.metadata.get("request_id")
        if request:
            self.hint(f"the server's log has the details under the request id {request}")
        hint = error.hint or next_command(error.code)
        if hint:
            self.hint(hint)

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text

    def _write(self, text: str) -> None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
