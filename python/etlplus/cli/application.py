"""Reads arguments with cyclopts and runs the function that the table names."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Final

from cyclopts import App, CycloptsError, Parameter

from etlplus.cli import STDIN, exits
from etlplus.cli.catalogue import COMMANDS, GROUPS
from etlplus.cli.screen import Screen
from etlplus.domain.errors import EtlError

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROOM: Final = "etlplus.cli"


def build(asked: Sequence[str] = ()) -> App:
    """The application with every command; none of their modules is imported yet.

    Args:
        asked: the arguments. The command that they begin with explains itself in full, which
            takes importing it; the others are known by their summaries.
    """
    app = App(
        name="etlplus",
        help="Runs data pipelines: rows from files and databases, checked, into tables and files.",
        help_format="plaintext",
        version_flags=[],
        default_parameter=Parameter(negative=""),
    )
    groups = {name: App(name=name, help=summary) for name, summary in GROUPS.items()}
    for group in groups.values():
        app.command(group)
    for command in COMMANDS:
        words = command.words.split()
        home = groups[words[0]] if len(words) > 1 else app
        summary = None if words == list(asked[: len(words)]) else command.summary
        home.command(f"{_ROOM}.{command.function}", name=words[-1], help=summary)
    return app


def dispatch(arguments: Sequence[str]) -> int:
    """Runs a command and returns its exit code. Errors are told on stderr."""
    screen = Screen()
    # A lone `-` looks like an option to the parser.
    arguments = [STDIN if argument == "-" else argument for argument in arguments]
    try:
        code = build(arguments)(
            arguments, exit_on_error=False, print_error=False, result_action="return_value"
        )
    except CycloptsError as error:
        words = " ".join(error.command_chain or ())
        screen.error(" ".join(str(error).split()))
        screen.hint(f"`etlplus {words + ' ' if words else ''}--help` lists what can be given")
        return exits.INVALID
    except EtlError as error:
        screen.failure(error)
        return exits.of_error(error)
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except Exception as error:  # noqa: BLE001 nobody above could explain it
        screen.raw(traceback.format_exc())
        screen.error(f"INTERNAL: {type(error).__name__}: {error}")
        screen.hint("This is a fault of etlplus itself; the lines above help to find it")
        return exits.FAILED
    return code if isinstance(code, int) else exits.OK
