"""Guesses what was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

_SHOWN: Final = 20
_LONGEST: Final = 100


def closest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice that a word probably means, if there is one."""
    if len(word) > _LONGEST:
        return None
    by_lower = {choice.lower(): choice for choice in choices if choice}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def hint(word: str, choices: Iterable[str], what: str) -> str:
    """Return "did you mean …?", or a list of the choices, which `what` introduces."""
    known = [choice for choice in dict.fromkeys(choices) if choice]
    meant = closest(word, known)
    if meant is not None:
        return f"Did you mean `{meant}`?"
    return f"{what}: {listing(known)}" if known else ""


def listing(choices: list[str]) -> str:
    """Return choices as a list for people, cut when it is long."""
    shown = ", ".join(f"`{choice}`" for choice in choices[:_SHOWN])
    return f"{shown} and {len(choices) - _SHOWN} more" if len(choices) > _SHOWN else shown
