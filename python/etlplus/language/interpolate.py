"""Finds `${…}` in texts: `${params.x}`, `${env.X:-default}`, `${secret.a.b}`, `${run.id}`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from etlplus.language import codes
from etlplus.language.suggest import hint

NAMESPACES: Final = ("params", "env", "secret", "run")
#: Figures of a run, and their types.
RUN_FIELDS: Final = {"id": "string", "scheduled_date": "date", "scheduled_time": "timestamp"}

# `$${` stands for the characters `${`.
_START: Final = re.compile(r"\$\$\{|\$\{")
_BODY: Final = re.compile(
    r"(?P<space>[A-Za-z_]\w*)\.(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?P<default>:-[^{}]*)?"
)
_FORMS: Final = (
    "Write `${params.name}`, `${env.NAME:-default}`, `${secret.name}` or `${run.id}`; "
    "`$${` stands for the characters themselves"
)
_LOOKS_LIKE: Final = re.compile(r"\$\{\s*(params|env|secret|run)\b")
_TEMPLATE: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reference:
    """One `${…}`.

    Attributes:
        namespace: params, env, secret or run.
        name: what follows the first dot.
        default: what follows `:-`; None when there is none. Only env takes one.
        start: where it starts in the text.
        end: where it ends.
    """

    namespace: str
    name: str
    default: str | None
    start: int
    end: int

    @property
    def placeholder(self) -> str:
        """The name of the bound value in SQL."""
        return f"{self.namespace}_{self.name.replace('.', '_')}"


@dataclass(frozen=True, slots=True)
class Fault:
    """A `${…}` that means nothing."""

    code: str
    message: str
    hint: str
    start: int
    end: int


def references(text: str) -> Iterator[Reference | Fault]:
    """Yield every `${…}` of a text in order, well formed or not."""
    for start in _START.finditer(text):
        if start[0] == "$${":
            continue
        body = _BODY.match(text, start.end())
        if body is None or text[body.end() : body.end() + 1] != "}":
            shown = text[start.start() : start.start() + 30].split("\n", 1)[0]
            message = f"`{shown}` is not a complete `${{…}}`"
            end = start.start() + len(shown)
            yield Fault(codes.MALFORMED, message, _FORMS, start.start(), end)
            continue
        default = body["default"]
        reference = Reference(
            body["space"],
            body["name"],
            default[2:] if default is not None else None,
            start.start(),
            body.end() + 1,
        )
        yield _fault(reference) or reference


def _fault(reference: Reference) -> Fault | None:
    """Return what is wrong with a reference that is complete."""
    space, name = reference.namespace, reference.name
    found: tuple[str, str, str] | None = None
    if space not in NAMESPACES:
        known = hint(space, NAMESPACES, "There are")
        found = codes.UNKNOWN_NAMESPACE, f"`{space}` is not something to refer to", known
    elif reference.default is not None and space != "env":
        known = "Give the parameter a default" if space == "params" else ""
        found = codes.MALFORMED, f"`${{{space}.{name}:-…}}`: only env takes a default here", known
    elif space == "run" and name not in RUN_FIELDS:
        known = hint(name, RUN_FIELDS, "It has")
        found = codes.UNKNOWN_RUN_FIELD, f"A run has no `{name}`", known
    elif space in {"params", "env"} and "." in name:
        found = codes.MALFORMED, f"`{name}` is not the name of one value", _FORMS
    return Fault(*found, reference.start, reference.end) if found else None


def replace(text: str, value: Callable[[Reference], str]) -> str:
    """Return a text with each `${…}` replaced and `$${` turned into `${`."""
    parts: list[str] = []
    at = 0
    for reference in references(text):
        if isinstance(reference, Reference):
            parts += [_unescape(text[at : reference.start]), value(reference)]
            at = reference.end
    return "".join([*parts, _unescape(text[at:])])


def masked(text: str) -> str:
    """Return a text of the same length in which each `${…}` is blank, whatever it holds."""
    parts: list[str] = []
    at = 0
    for reference in references(text):
        if isinstance(reference, Reference):
            parts += [text[at : reference.start], " " * (reference.end - reference.start)]
            at = reference.end
    return "".join([*parts, text[at:]])


def bound(text: str) -> str:
    """Return SQL of the same length in which each `${…}` is the placeholder of a value."""
    parts: list[str] = []
    at = 0
    for reference in references(text):
        if isinstance(reference, Reference):
            parts += [text[at : reference.start], "$".ljust(reference.end - reference.start, "v")]
            at = reference.end
    return "".join([*parts, text[at:]])


def _unescape(text: str) -> str:
    return text.replace("$${", "${")


def looks_interpolated(text: str) -> bool:
    """Tell whether a text holds what its author probably takes for an interpolation."""
    return _LOOKS_LIKE.search(text) is not None


def has_template(text: str) -> bool:
    """Tell whether a text holds a `{{ }}` template."""
    return _TEMPLATE.search(text) is not None
