"""Collects everything that is wrong with a definition, so that all of it is reported at once."""

from __future__ import annotations

from typing import Final, Protocol

from etlplus.domain.problem import Problem
from etlplus.language import codes
from etlplus.language.text import Mark, Path, Span, excerpt, join_path, lines_of

#: More problems than this are counted, not shown.
MAX_PROBLEMS: Final = 200


class Report(Protocol):
    """Adds a problem at the place it was made for."""

    def __call__(self, code: str, message: str, hint: str = "") -> None:
        """As `Findings.add`."""
        ...


class TextError(Exception):
    """The text cannot be read any further; what is wrong is among the findings."""


class Findings:
    """The problems found so far, with the places they belong to.

    Without a text (a stored definition) problems carry paths and no lines.
    """

    def __init__(self, text: str = "") -> None:
        self._lines = lines_of(text) if text else []
        self._problems: list[Problem] = []
        self._more = 0
        self._seen: set[tuple[str, str, int, int]] = set()
        #: Where each value of the message was written.
        self.marks: dict[Path, Mark] = {}

    @property
    def failed(self) -> bool:
        """Whether there is an error among the problems."""
        return any(problem.severity == "error" for problem in self._problems)

    def at(
        self, code: str, message: str, span: Span | None, path: str = "", hint: str = ""
    ) -> None:
        """Add a problem at a place in the text. The same problem at the same place counts once."""
        line, column, length = (span.line, span.column, span.length) if span else (0, 0, 0)
        key = (code, path, line, column)
        if key in self._seen:
            return
        self._seen.add(key)
        if len(self._problems) >= MAX_PROBLEMS:
            self._more += 1
            return
        shown = ""
        if span and 0 < line <= len(self._lines):
            shown = excerpt(self._lines[line - 1], span)
        self._problems.append(
            Problem(
                code=code,
                message=message,
                path=path,
                line=line,
                column=column,
                excerpt=shown,
                hint=hint or codes.HINTS[code],
                length=length,
                severity="warning" if code.startswith("W") else "error",
            )
        )

    def add(
        self, code: str, message: str, path: Path, hint: str = "", *, on_key: bool = False
    ) -> None:
        """Add a problem at a place in the message; an absent field is shown where it belongs."""
        mark = self.marks.get(path)
        if mark is not None:
            self.at(code, message, mark.key if on_key else mark.value, mark.written, hint)
            return
        owner, written = self._nearest(path)
        self.at(code, message, owner.key if owner else None, written, hint)

    def inside(
        self, code: str, message: str, path: Path, part: tuple[str, int, int], hint: str = ""
    ) -> None:
        """Add a problem about a part of a text value: the text, and the part's start and end."""
        mark = self.marks.get(path)
        span = self._part_span(mark.value, *part) if mark else None
        if mark is None or span is None:
            self.add(code, message, path, hint)
        else:
            self.at(code, message, span, mark.written, hint)

    def placed(self, path: Path, part: tuple[str, int, int] | None = None) -> Report:
        """Return what adds problems at this place in the message, or at a part of its text."""

        def report(code: str, message: str, hint: str = "") -> None:
            if part is None:
                self.add(code, message, path, hint)
            else:
                self.inside(code, message, path, part, hint)

        return report

    def _part_span(self, value: Span, text: str, start: int, end: int) -> Span | None:
        """Return where a part of a value was written, when the value stands there as it is."""
        row = text.count("\n", 0, start)
        line_start = text.rfind("\n", 0, start) + 1
        line_text = text[line_start:].split("\n", 1)[0]
        for line in (value.line + row, value.line + row + 1):
            if line > len(self._lines):
                break
            from_column = value.column - 1 if line == value.line else 0
            found = self._lines[line - 1].find(line_text, from_column)
            if found >= 0:
                length = min(end, line_start + len(line_text)) - start
                return Span(line, found + start - line_start + 1, max(1, length))
        return None

    def _nearest(self, path: Path) -> tuple[Mark | None, str]:
        """Return the mark of the innermost written value around a path, and the path in words."""
        for length in range(len(path) - 1, -1, -1):
            mark = self.marks.get(path[:length])
            if mark is not None:
                written = mark.written
                for part in path[length:]:
                    written = join_path(written, part)
                return mark, written
        written = ""
        for part in path:
            written = join_path(written, part)
        return None, written

    def problems(self) -> tuple[Problem, ...]:
        """Return the problems in the order of the text.

        Warnings are left out while there are errors: most of them would be consequences.
        """
        shown = [item for item in self._problems if not self.failed or item.severity == "error"]
        ordered = sorted(shown, key=lambda problem: (problem.line, problem.column))
        if self._more:
            ordered.append(
                Problem(
                    codes.TOO_MANY_PROBLEMS,
                    f"There are {self._more} more problems",
                    hint=codes.HINTS[codes.TOO_MANY_PROBLEMS],
                )
            )
        return tuple(ordered)
