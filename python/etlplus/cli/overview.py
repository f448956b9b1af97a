"""What `etlplus` and `etlplus --help` print."""

from __future__ import annotations

from typing import Final

from etlplus.cli.catalogue import COMMANDS, SECTIONS

_WIDTH: Final = max(len(command.words) for command in COMMANDS)
_FOOT: Final = """\
`etlplus COMMAND --help` explains a command. Every reading command takes `-o table|json|yaml`.
Exit codes: 0 done, 1 failed, 2 wrong definition or usage, 3 server unreachable, 4 not
authorised, 5 more rejects than the budget allows, 130 cancelled.
"""


def text() -> str:
    """Every command with its summary, by section."""
    parts = ["Usage: etlplus COMMAND [OPTIONS]\n"]
    for section in SECTIONS:
        lines = (f"  {command.words:<{_WIDTH}}  {command.summary}" for command in section.commands)
        parts.append("\n".join([f"{section.title}:", *lines]) + "\n")
    return "\n".join([*parts, _FOOT])
