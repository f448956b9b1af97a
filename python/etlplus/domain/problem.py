"""A finding in a pipeline definition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a definition, and where.

    Attributes:
        code: stable, as in `E0201` (errors) and `W0501` (warnings).
        message: one sentence.
        path: where in the definition, as in `steps[2].map.amount`; empty for the whole.
        line: the line in the text, from 1; 0 when there is no text.
        column: the column in the line, from 1; 0 when there is no text.
        length: how many characters are meant; 0 when there is no text.
        excerpt: the line of the text with a caret below, two lines; empty when there is no text.
        hint: what to do next, as in "did you mean `merge`?"; empty when nothing is known.
        severity: `error`, or `warning` for what works but is likely a mistake.
    """

    code: str
    message: str
    path: str = ""
    line: int = 0
    column: int = 0
    length: int = 0
    excerpt: str = ""
    hint: str = ""
    severity: Literal["error", "warning"] = "error"
