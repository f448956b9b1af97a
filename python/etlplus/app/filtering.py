"""Reads filters of lists: a subset of AIP-160 into a checked tree.

filter     = sequence
sequence   = factor { "AND" factor }
factor     = term { "OR" term }            OR binds tighter than AND, as AIP-160 has it
term       = [ "NOT" | "-" ] ( "(" sequence ")" | field operator value )
operator   = "=" | "!=" | "<" | "<=" | ">" | ">=" | ":"
value      = word | "text" | 'text'
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from etlplus.domain.errors import InvalidInput
from etlplus.domain.filter import JOB_FIELDS, All, AnyOf, Comparison, Expr, Not, Operator, Value
from etlplus.domain.job import JobState

LONGEST: Final = 2048
DEEPEST: Final = 8
_LARGEST_INT: Final = (1 << 63) - 1
_TOKEN = re.compile(
    r"\s*(?:(?P<paren>[()])|(?P<operator>!=|<=|>=|=|<|>|:)"
    r"""|"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'"""
    r"|(?P<minus>-(?=[\s(a-z]))|(?P<word>[^\s()<>=!:\"']+(?::\d[^\s()<>=!\"']*)*))"
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse_job_filter(text: str) -> Expr | None:
    """The filter of a list of jobs; None for an empty one.

    Raises:
        InvalidInput: FILTER_INVALID, with the position and what was expected.
    """
    if not text.strip():
        return None
    if len(text.encode()) > LONGEST:
        raise _refused(f"is longer than {LONGEST} bytes")
    return _Parser(_tokens(text), JOB_FIELDS).whole()


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            raise _refused(f"has something unreadable at character {start + 1}")
        kind, value = match.lastgroup, match.group(match.lastgroup)
        if kind in ("double", "single"):
            kind, value = "text", re.sub(r"\\(.)", r"\1", value)
        found.append(_Token(kind, value, match.start(match.lastgroup) + 1))
        at = match.end()
    return found


class _Parser:
    def __init__(
        self, tokens: list[_Token], fields: Mapping[str, type[str | int | datetime]]
    ) -> None:
        self._tokens = tokens
        self._fields = fields
        self._next = 0
        self._depth = 0

    def whole(self) -> Expr:
        expr = self._sequence()
        if self._next < len(self._tokens):
            token = self._tokens[self._next]
            raise _refused(f"has {token.text!r} at character {token.at}, where AND or OR belongs")
        return expr

    def _sequence(self) -> Expr:
        self._depth += 1
        if self._depth > DEEPEST:
            raise _refused(f"is nested deeper than {DEEPEST}")
        parts = [self._factor()]
        while self._take("word", "AND"):
            parts.append(self._factor())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _factor(self) -> Expr:
        parts = [self._term()]
        while self._take("word", "OR"):
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _term(self) -> Expr:
        if self._take("word", "NOT") or self._take("minus", "-"):
            return Not(self._plain())
        return self._plain()

    def _plain(self) -> Expr:
        if self._take("paren", "("):
            inner = self._sequence()
            if not self._take("paren", ")"):
                raise _refused("has a parenthesis that is not closed")
            return inner
        return self._comparison()

    def _comparison(self) -> Expr:
        field = self._expect(("word",), "a field")
        if field.text not in self._fields:
            known = ", ".join(self._fields)
            raise _refused(
                f"names {field.text!r} at character {field.at}", f"The fields are {known}"
            )
        operator = Operator(self._expect(("operator",), "an operator").text)
        value = self._expect(("word", "text"), "a value")
        return Comparison(field.text, operator, self._value(field.text, operator, value))

    def _value(self, field: str, operator: Operator, token: _Token) -> Value:
        kind = self._fields[field]
        if operator is Operator.HAS and kind is not str:
            raise _refused(f"uses `:` on {field}, which is not a text", "Use `=` or `>=`")
        if kind is int:
            if not re.fullmatch(r"[0-9]{1,19}", token.text) or int(token.text) > _LARGEST_INT:
                raise _refused(f"compares {field} with {token.text!r}, which is no whole number")
            return int(token.text)
        if kind is datetime:
            return _time(field, token.text)
        if field == "state":
            return _state(operator, token.text)
        return token.text

    def _take(self, kind: str, text: str) -> bool:
        if self._next >= len(self._tokens):
            return False
        token = self._tokens[self._next]
        hit = token.kind == kind and token.text == text
        self._next += hit
        return hit

    def _expect(self, kinds: tuple[str, ...], what: str) -> _Token:
        if self._next >= len(self._tokens):
            raise _refused(f"ends where {what} belongs")
        token = self._tokens[self._next]
        if token.kind not in kinds:
            raise _refused(f"has {token.text!r} at character {token.at}, where {what} belongs")
        self._next += 1
        return token


def _time(field: str, text: str) -> datetime:
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise _refused(
            f"compares {field} with {text!r}, which is no time",
            'Write it as in "2026-01-31T08:00:00Z"',
        ) from None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _state(operator: Operator, text: str) -> str:
    name = text.upper().removeprefix("STATE_")
    if operator is not Operator.HAS and name not in JobState.__members__:
        states = ", ".join(JobState)
        raise _refused(f"compares state with {text!r}", f"The states are {states}")
    return name


def _refused(reason: str, hint: str | None = None) -> InvalidInput:
    return InvalidInput(f"The filter {reason}", code="FILTER_INVALID", place="filter", hint=hint)
