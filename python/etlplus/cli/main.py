"""The entry point of the command `etlplus`."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Sequence
from typing import Final

from etlplus.cli import exits

_HELP: Final = ("-h", "--help", "help")
#: Importing makes more than a hundred thousand objects that stay. Looking for garbage among them
#: takes a tenth of a short command's time, so it first happens after that.
_OBJECTS_BETWEEN_COLLECTIONS: Final = 200_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code.

    Args:
        arguments: what follows `etlplus`; those of this process when None.
    """
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    given = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A sign that the terminal's encoding lacks is shown escaped, as on stderr.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _run(given)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return exits.CANCELLED
    except BrokenPipeError:
        # The reader has gone, as in `etlplus jobs list | head`. Nothing is left to be said, and
        # the interpreter must not try it again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.OK
    # The interpreter would search all that was imported once more before it ends.
    gc.freeze()
    return code


def _run(arguments: list[str]) -> int:
    if not arguments or (len(arguments) == 1 and arguments[0] in _HELP):
        from etlplus.cli import overview  # noqa: PLC0415 only then

        sys.stdout.write(overview.text())
        return exits.OK
    if arguments == ["--version"]:
        arguments = ["version"]
    from etlplus.cli import application  # noqa: PLC0415 it takes longer than the overview

    return application.dispatch(arguments)
