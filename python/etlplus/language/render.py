"""Shows problems to people and to programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from etlplus.domain.problem import Problem

_RED, _YELLOW, _BLUE, _BOLD, _OFF = "\x1b[31m", "\x1b[33m", "\x1b[34m", "\x1b[1m", "\x1b[0m"


def render(problems: Sequence[Problem], name: str = "pipeline.yaml", *, color: bool = False) -> str:
    """Return problems as text, each with its place, the line of the definition and a hint."""
    blocks = [_block(problem, name, color=color) for problem in problems]
    return "\n".join([*blocks, summary(problems)]) + "\n" if blocks else ""


def _block(problem: Problem, name: str, *, color: bool) -> str:
    def paint(text: str, *codes: str) -> str:
        return f"{''.join(codes)}{text}{_OFF}" if color else text

    shade = _RED if problem.severity == "error" else _YELLOW
    head = paint(f"{problem.severity}[{problem.code}]", _BOLD, shade)
    lines = [f"{head}: {paint(problem.message, _BOLD)}"]
    place = f"{name}:{problem.line}:{problem.column}" if problem.line else name
    path = f" at {problem.path}" if problem.path else ""
    lines.append(f"  {paint('-->', _BLUE)} {place}{path}")
    if problem.excerpt:
        shown, carets = problem.excerpt.split("\n", 1)
        gutter = f"{problem.line} |"
        lines.append(f"  {paint(gutter, _BLUE)} {shown}".rstrip())
        lines.append(f"  {paint(gutter[-1].rjust(len(gutter)), _BLUE)} {paint(carets, shade)}")
    if problem.hint:
        lines.append(f"  {paint('=', _BLUE)} {problem.hint}")
    return "\n".join(lines) + "\n"


def summary(problems: Sequence[Problem]) -> str:
    """Return how many errors and warnings there are, in words."""
    errors = sum(problem.severity == "error" for problem in problems)
    parts = [(errors, "error"), (len(problems) - errors, "warning")]
    return ", ".join(f"{n} {word}{'s' if n != 1 else ''}" for n, word in parts if n)


def as_dict(problem: Problem) -> dict[str, Any]:
    """Return a problem as plain values for editors: lines and columns from 1, absent places 0."""
    return asdict(problem)
