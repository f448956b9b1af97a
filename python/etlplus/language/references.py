"""Checks `${…}` and `{{ }}` in every text of a definition."""

from __future__ import annotations

from typing import Final

from google.protobuf.descriptor import FieldDescriptor

from etlplus.language import codes, schema
from etlplus.language.findings import Findings
from etlplus.language.interpolate import (
    Fault,
    Reference,
    has_template,
    looks_interpolated,
    masked,
    references,
)
from etlplus.language.parameters import value_text
from etlplus.language.sqltext import pieces
from etlplus.language.suggest import hint
from etlplus.language.text import Path
from etlplus.language.texts import texts
from etlplus.v1 import options_pb2, plan_pb2

_PROSE: Final = frozenset({"description", "message"})
_SQL: Final = frozenset({options_pb2.INTERPOLATION_SQL, options_pb2.INTERPOLATION_LITERAL})
_TEMPLATE_HINT: Final = (
    "Write `${params.name}`, `${env.NAME}`, `${secret.name}` or `${run.id}`; "
    "in SQL, text with two braces is written `'{' || '{'`"
)


def check_references(spec: plan_pb2.PipelineSpec, findings: Findings) -> None:
    """Report every `{{ }}`, and every `${…}` that means nothing or may not stand where it does."""
    checker = _Checker([param.name for param in spec.params], findings)
    for path, field, text, _ in texts(spec):
        if field.name in _PROSE:
            continue
        if has_template(text):
            start = text.index("{{")
            message = "`{{ }}` templates are not supported"
            part = (text, start, start + 2)
            findings.inside(codes.TEMPLATE, message, path, part, _TEMPLATE_HINT)
        elif schema.interpolation(field) == options_pb2.INTERPOLATION_SECRET:
            _check_secret(path, text, findings)
        elif schema.interpolation(field):
            checker.check(path, field, text)
        elif looks_interpolated(text):
            message = f"`${{…}}` has no effect in `{field.name}`"
            findings.add(codes.NOT_INTERPOLATED, message, path)
    _check_defaults(spec, findings)
    checker.check_unused()


class _Checker:
    """Checks `${…}` against the declared parameters and remembers which of them are used."""

    def __init__(self, declared: list[str], findings: Findings) -> None:
        self._declared = declared
        self._findings = findings
        self._used: set[str] = set()

    def check(self, path: Path, field: FieldDescriptor, text: str) -> None:
        """Check every `${…}` of one text."""
        mode = schema.interpolation(field)
        for found in references(text):
            if isinstance(found, Fault):
                part = (text, found.start, found.end)
                self._findings.inside(found.code, found.message, path, part, found.hint)
                continue
            part = (text, found.start, found.end)
            if found.namespace == "params":
                self._check_param(found.name, path, part)
            if mode in _SQL and _is_quoted(text, found):
                message = "No value can be put inside quotes in SQL"
                known = "Leave the quotes out: the value is bound with its type"
                self._findings.inside(codes.QUOTED_IN_SQL, message, path, part, known)
            if found.namespace == "secret" and mode != options_pb2.INTERPOLATION_SQL:
                message = f"A secret in `{field.name}` would become visible in plans and logs"
                known = "Secrets belong into connections; in SQL steps they are bound values"
                self._findings.inside(codes.EXPOSED, message, path, part, known)

    def _check_param(self, name: str, path: Path, part: tuple[str, int, int]) -> None:
        self._used.add(name)
        if name not in self._declared:
            known = hint(name, self._declared, "Declared")
            known = known or f"Declare it: `params: {{{name}: {{type: string}}}}`"
            message = f"The parameter `{name}` is not declared"
            self._findings.inside(codes.UNDECLARED_PARAM, message, path, part, known)

    def check_unused(self) -> None:
        """Report parameters that nothing refers to."""
        for index, name in enumerate(self._declared):
            if name not in self._used:
                message = f"The parameter `{name}` is never used"
                self._findings.add(codes.UNUSED_PARAM, message, ("params", index), on_key=True)


def _check_secret(path: Path, text: str, findings: Findings) -> None:
    """Report a text that is not one `${secret.NAME}`; what it holds is not repeated."""
    whole = (0, len(text))
    for found in references(text):
        is_secret = isinstance(found, Reference) and found.namespace == "secret"
        if is_secret and (found.start, found.end) == whole:
            return
    message = f"`{_last_name(path)}` takes the name of a secret, never the secret itself"
    findings.add(codes.WRITTEN_OUT, message, path)


def _last_name(path: Path) -> str:
    return next(part for part in reversed(path) if isinstance(part, str))


def _is_quoted(sql: str, reference: Reference) -> bool:
    return any(
        kind in {"text", "name"} and start < reference.start < end
        for kind, start, end in pieces(masked(sql))
    )


def _check_defaults(spec: plan_pb2.PipelineSpec, findings: Findings) -> None:
    for index, param in enumerate(spec.params):
        path: Path = ("params", index, "default")
        for found in references(value_text(param.default) or ""):
            if isinstance(found, Fault):
                findings.add(found.code, found.message, path, found.hint)
            elif found.namespace == "secret":
                message = "A parameter's value is shown with its job; it cannot be a secret"
                findings.add(codes.EXPOSED, message, path)
            elif found.namespace == "params":
                message = "A default cannot refer to other parameters"
                findings.add(codes.NOT_INTERPOLATED, message, path)
