"""Puts values in place of `${…}`: as text, as bound values of SQL, or as literals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, tzinfo
from itertools import count
from typing import Final

from etlplus.app.ports import RunContext
from etlplus.language import codes
from etlplus.language.findings import Findings
from etlplus.language.interpolate import RUN_FIELDS, Reference, replace
from etlplus.language.parameters import Typed
from etlplus.language.text import Path

_LITERALS: Final = {
    "int": "{}",
    "decimal": "{}",
    "float": "CAST('{}' AS double precision)",
    "bool": "{}",
    "date": "DATE '{}'",
}


class Values:
    """Resolves references for one run and remembers which of them SQL binds."""

    def __init__(
        self,
        context: RunContext,
        findings: Findings,
        params: Mapping[str, Typed] | None = None,
        zone: tzinfo = UTC,
    ) -> None:
        self._context = context
        self._scheduled = context.scheduled.astimezone(zone)
        self._findings = findings
        self.params: Mapping[str, Typed] = params or {}
        #: Values that SQL refers to by placeholder.
        self.bound: dict[str, Typed] = {}

    def as_text(self, text: str, path: Path = ()) -> str:
        """Return a text with values put into it. A missing value becomes nothing."""
        return replace(text, lambda reference: self._shown(reference, path))

    def _shown(self, reference: Reference, path: Path) -> str:
        if reference.namespace == "run" and reference.name == "scheduled_time":
            # By the clocks of the schedule's zone; in SQL it is the same instant.
            return self._scheduled.isoformat()
        return self._value(reference, path).text or ""

    def as_sql(self, sql: str, path: Path) -> str:
        """Return SQL with placeholders; their values are in `bound`."""
        return replace(sql, lambda reference: f"${self._bind(reference, path)}")

    def _bind(self, reference: Reference, path: Path) -> str:
        """Return the placeholder of a value: names that would mean two values get a number."""
        value = self._value(reference, path)
        names = _numbered(reference.placeholder)
        return next(name for name in names if self.bound.setdefault(name, value) == value)

    def as_literals(self, sql: str, path: Path) -> str:
        """Return SQL with literals of each value's type: for commands that bind nothing."""
        return replace(sql, lambda reference: _literal(self._value(reference, path)))

    def _value(self, reference: Reference, path: Path) -> Typed:
        name = reference.name
        if reference.namespace == "params":
            return self.params.get(name) or Typed("string", None)
        if reference.namespace == "secret":
            return Typed("string", self._context.secret(name))
        if reference.namespace == "run":
            return Typed(RUN_FIELDS[name], self._run_value(name))
        text = self._context.env.get(name, reference.default)
        if text is None:
            message = f"The environment variable `{name}` is not set"
            hint = f"Set it, or write `${{env.{name}:-default}}`"
            self._findings.add(codes.ENV_MISSING, message, path, hint)
        return Typed("string", text)

    def _run_value(self, name: str) -> str:
        if name == "id":
            return self._context.run_id
        if name == "scheduled_time":
            return self._scheduled.astimezone(UTC).isoformat()
        return self._scheduled.date().isoformat()


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}_{number}" for number in count(2))


def _literal(value: Typed) -> str:
    """Return a value as a literal that no value can break out of."""
    if value.text is None:
        return "NULL"
    if value.type in _LITERALS:
        return _LITERALS[value.type].format(value.text)
    quoted = value.text.replace("'", "''")
    if value.type == "timestamp":
        return f"TIMESTAMP WITH TIME ZONE '{quoted}'" if "+" in quoted else f"TIMESTAMP '{quoted}'"
    # With a backslash the plain form depends on a setting of the server; this one does not.
    if "\\" in quoted:
        return "E'" + quoted.replace("\\", "\\\\") + "'"
    return f"'{quoted}'"
