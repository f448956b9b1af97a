"""Reads YAML and JSON into a tree of nodes with places, within limits that no input can exceed.

Events of the parser are put together with a stack of our own: neither depth nor aliases of the
text can exhaust memory or the interpreter's stack.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NoReturn

import yaml

from etlplus.language import codes
from etlplus.language.findings import Findings, TextError
from etlplus.language.text import Span, lines_of

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 64
MAX_NODES: Final = 50_000

_REFUSED = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
# JSON writes characters beyond the basic plane as two escapes; YAML knows only one long escape.
_SURROGATES = re.compile(
    r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
)

_SYNTAX_HINTS: Final = (
    (
        "mapping values are not allowed",
        "Put text that holds `: ` in quotes, or check the indentation",
    ),
    ("cannot start any token", "Put text that starts with a special character in quotes"),
    ("did not find expected", "Check indentation, brackets and quotes here and on the line above"),
)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as text. `plain`: written without quotes."""

    text: str
    plain: bool
    span: Span


@dataclass(slots=True)
class Sequence:
    """A list."""

    span: Span
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Mapping:
    """Keys and values in the order written; keys are unique."""

    span: Span
    flow: bool = False
    #: True when a problem inside is reported already and the rest means nothing.
    broken: bool = False
    entries: list[tuple[Scalar, Node]] = field(default_factory=list)


Node = Scalar | Sequence | Mapping


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been read."""

    node: Sequence | Mapping
    anchor: str | None
    key: Scalar | None = None
    keys: dict[str, Span] = field(default_factory=dict)
    size: int = 1
    height: int = 1


def compose(text: str, findings: Findings) -> Node:
    """Return the root node of a YAML or JSON text.

    Raises:
        TextError: The text cannot be read; the findings say why.
    """
    _check_text(text, findings)
    composer = _Composer(findings)
    try:
        for event in yaml.parse(_join_surrogates(text), Loader=yaml.CSafeLoader):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        _syntax(error, text, findings)
    if composer.root is None:
        findings.at(
            codes.EMPTY, "The definition is empty", None, hint="Start with `api: etlplus/v1`"
        )
        raise TextError
    return composer.root


def _check_text(text: str, findings: Findings) -> None:
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        findings.at(codes.TOO_LARGE, f"The definition is larger than {MAX_BYTES} bytes", None)
        raise TextError
    found = _REFUSED.search(text.removeprefix("\ufeff"))
    if found is None:
        return
    at = found.start() + (len(text) - len(text.removeprefix("\ufeff")))
    start = text.rfind("\n", 0, at) + 1
    span = Span(text.count("\n", 0, at) + 1, at - start + 1)
    message = f"The character U+{ord(text[at]):04X} is not allowed in a definition"
    findings.at(codes.BAD_CHARACTER, message, span)
    raise TextError


def _join_surrogates(text: str) -> str:
    if "\\u" not in text:
        return text

    def joined(found: re.Match[str]) -> str:
        high, low = int(found[2], 16), int(found[3], 16)
        return f"{found[1]}\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08x}"

    return _SURROGATES.sub(joined, text)


def _syntax(error: yaml.MarkedYAMLError, text: str, findings: Findings) -> NoReturn:
    """Turn the parser's error into a finding.

    Raises:
        TextError: Always.
    """
    mark = error.problem_mark or error.context_mark
    span = Span(mark.line + 1, mark.column + 1) if mark else None
    lines = lines_of(text)
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    if mark and "\t" in line[: mark.column + 1] and not line[: mark.column].strip():
        place = Span(mark.line + 1, line.index("\t") + 1)
        findings.at(codes.TAB, "The line is indented with a tab", place, hint="Indent with spaces")
        raise TextError from error
    if mark and "{{" in line:
        template(findings, Span(mark.line + 1, line.index("{{") + 1, 2))
        raise TextError from error
    parts = [part for part in (error.context, error.problem) if part]
    hint = next((hint for part, hint in _SYNTAX_HINTS if part in (error.problem or "")), "")
    findings.at(codes.SYNTAX, "This is not well-formed YAML: " + ", ".join(parts), span, hint=hint)
    raise TextError from error


class _Composer:
    """Puts events together to nodes, and counts."""

    def __init__(self, findings: Findings) -> None:
        self.root: Node | None = None
        self._findings = findings
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int, int]] = {}
        self._nodes = 0
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._fail(codes.SEVERAL_DOCUMENTS, "There is more than one document", _span(event))
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.ScalarEvent):
            self._check_tag(event)
            self._count(1, _span(event))
            self._put(Scalar(event.value, not event.style, _span(event)), event.anchor, 1, 0)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._start(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self._open.pop()
            self._put(done.node, done.anchor, done.size, done.height)

    def _start(self, event: yaml.CollectionStartEvent) -> None:
        span = _span(event)
        self._check_tag(event)
        self._count(1, span)
        self._check_depth(len(self._open) + 1, span)
        is_list = isinstance(event, yaml.SequenceStartEvent)
        node = Sequence(span) if is_list else Mapping(span, bool(event.flow_style))
        self._open.append(_Open(node, event.anchor))

    def _alias(self, event: yaml.AliasEvent) -> None:
        span = _span(event)
        found = self._anchors.get(event.anchor or "")
        if found is None:
            message = f"The alias `*{event.anchor}` names no anchor that is complete above it"
            self._fail(codes.BAD_ALIAS, message, span)
        node, size, height = found
        self._count(size, span)
        self._check_depth(len(self._open) + height, span)
        self._put(node, None, size, height)

    def _put(self, node: Node, anchor: str | None, size: int, height: int) -> None:
        """Add a complete node to the collection around it. `size`: its nodes, aliases expanded."""
        if anchor:
            self._anchors[anchor] = (node, size, height)
        if not self._open:
            self.root = node
            return
        outer = self._open[-1]
        outer.size += size
        outer.height = max(outer.height, height + 1)
        if isinstance(outer.node, Sequence):
            outer.node.items.append(node)
        elif outer.key is None:
            outer.key = self._key(outer.node, node)
        else:
            self._entry(outer, outer.node, outer.key, node)
            outer.key = None

    def _key(self, mapping: Mapping, node: Node) -> Scalar:
        if isinstance(node, Scalar):
            return node
        if mapping.flow and isinstance(node, Mapping) and node.flow:
            mapping.broken = True
            template(self._findings, mapping.span)
        else:
            message = "A key must be plain text, not a list or mapping"
            self._findings.at(codes.COMPLEX_KEY, message, node.span)
            mapping.broken = True
        return Scalar("", plain=True, span=node.span)

    def _entry(self, outer: _Open, mapping: Mapping, key: Scalar, node: Node) -> None:
        if mapping.broken:
            return
        if key.text == "<<" and key.plain:
            hint = "Write the fields out; aliases (`*name`) work for whole values"
            mapping.broken = True
            self._findings.at(
                codes.MERGE_KEY, "The merge key `<<` is not supported", key.span, hint=hint
            )
            return
        first = outer.keys.setdefault(key.text, key.span)
        if first is not key.span:
            message = f"The key `{key.text}` is given twice; it stands on line {first.line} already"
            self._findings.at(codes.DUPLICATE_KEY, message, key.span)
            return
        mapping.entries.append((key, node))

    def _check_tag(self, event: yaml.NodeEvent) -> None:
        tag = getattr(event, "tag", None)
        if tag is not None and tag != "!":
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            message = f"The tag `{shown}` is not allowed"
            hint = "Leave it out: the type of a value comes from its field"
            self._findings.at(codes.TAG, message, _span(event), hint=hint)

    def _count(self, nodes: int, span: Span) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            message = f"There are more than {MAX_NODES} values, aliases included"
            self._fail(codes.TOO_MANY_NODES, message, span)

    def _check_depth(self, depth: int, span: Span) -> None:
        if depth > MAX_DEPTH:
            self._fail(codes.TOO_DEEP, f"This is nested deeper than {MAX_DEPTH} levels", span)

    def _fail(self, code: str, message: str, span: Span) -> NoReturn:
        self._findings.at(code, message, span)
        raise TextError


def template(findings: Findings, span: Span | None, path: str = "") -> None:
    """Report `{{ }}`, with what to write in its place."""
    findings.at(
        codes.TEMPLATE,
        "`{{ }}` templates are not supported",
        span,
        path,
        "Write `${params.name}`, `${env.NAME}`, `${secret.name}` or `${run.id}`",
    )


def _span(event: yaml.Event) -> Span:
    """Return the place of an event, cut at the end of its first line."""
    start, end = event.start_mark, event.end_mark
    if start is None or end is None:
        return Span(1, 1)
    length = end.column - start.column if start.line == end.line else 1
    return Span(start.line + 1, start.column + 1, max(1, length))
