"""Asks a person before something that is not easily undone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from etlplus.cli.screen import Screen


def confirmed(question: str, refusal: str, hint: str, screen: Screen) -> bool:
    """Whether somebody at a terminal says yes; tells when nobody does.

    Args:
        question: as in `Delete the pipeline orders?`.
        refusal: what is not done, as in `orders was not deleted`.
        hint: how to do it without being asked.
        screen: where the refusal goes.
    """
    if sys.stdin.isatty():
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() in {"y", "yes"}:
            return True
    screen.error(f"{refusal}: nobody has confirmed it")
    screen.hint(hint)
    return False
