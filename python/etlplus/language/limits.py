"""The contract's own limits, as findings in the words of the language."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import protovalidate
from google.protobuf.descriptor import Descriptor
from protovalidate import FieldPathElementPb as FieldPathElement
from protovalidate import Violation

from etlplus.language import codes, schema
from etlplus.language.findings import Findings
from etlplus.language.interpolate import looks_interpolated
from etlplus.language.scalars import shorten
from etlplus.language.suggest import hint, listing
from etlplus.language.text import Path
from etlplus.v1 import plan_pb2

_NAME: Final = (
    "A name starts with a lower-case letter; a-z, 0-9 and _ may follow, 63 characters at most"
)
_ID: Final = (
    "An id starts with a lower-case letter; a-z, 0-9, _ and - may follow, 63 characters at most"
)
#: What a pattern of the contract asks for.
_PATTERNS: Final = {
    "^[a-z][a-z0-9_]{0,62}$": _NAME,
    "^([a-z][a-z0-9_]{0,62})?$": _NAME,
    "^[a-z][a-z0-9_-]{0,62}$": _ID,
    "^([0-9]+ ?([KMG]i?)?B?)?$": "A size is a whole number and a unit, as in `256MiB`",
    "^([0-9]+(ms|s|m|h|d))*$": "A duration is numbers with units ms, s, m, h and d, as in `1h30m`",
}


def check_limits(spec: plan_pb2.PipelineSpec, findings: Findings, broken: set[Path]) -> bool:
    """Report what is outside the contract's limits, except at paths that are broken already.

    Returns:
        Whether the definition's own lists are so short that looking at each pair is cheap.
    """
    small = True
    for violation in protovalidate.collect_violations(spec):
        proto = violation.proto
        path = _path(proto.field.elements if proto.field else ())
        small = small and not (len(path) == 1 and proto.rule_id == "repeated.max_items")
        if any(path[:length] in broken for length in range(1, len(path) + 1)):
            continue
        value = violation.field_value
        if isinstance(value, str) and looks_interpolated(value):
            continue
        rule = _rules().get(str(proto.rule_id), _limit)
        rule(findings, path, violation)
    return small


def _path(elements: Iterable[FieldPathElement]) -> Path:
    parts: list[str | int] = []
    for element in elements:
        parts.append(element.field_name)
        if element.subscript is not None:
            parts.append(element.subscript.value)
    return tuple(parts)


def _rules() -> dict[str, Callable[[Findings, Path, Violation], None]]:
    return {
        "required": _kind,
        "string.const": _const,
        "string.pattern": _pattern,
        "string.in": _one_of,
        "string.min_bytes": _missing,
        "repeated.min_items": _missing,
        "string.max_len": _longer,
        "string.max_bytes": _longer,
        "repeated.max_items": _longer,
        "map.max_pairs": _longer,
    }


def _name(path: Path) -> str:
    return next((part for part in reversed(path) if isinstance(part, str)), "definition")


def _kind(findings: Findings, path: Path, violation: Violation) -> None:  # noqa: ARG001
    descriptor = _descriptor(path[:-1])
    owner = schema.owner_name(descriptor)
    text = f"{owner.capitalize()} needs a kind"
    known = f"Kinds: {listing(schema.kinds(descriptor))}"
    findings.add(codes.NO_KIND, text, path[:-1], known, on_key=True)


def _descriptor(path: Path) -> Descriptor:
    descriptor = schema.descriptor_of(plan_pb2.PipelineSpec)
    for part in path:
        if isinstance(part, str):
            descriptor = schema.message_of(descriptor.fields_by_name[part])
    return descriptor


def _const(findings: Findings, path: Path, violation: Violation) -> None:
    wanted = str(violation.rule_value)
    code = codes.NOT_ALLOWED if violation.field_value else codes.REQUIRED
    findings.add(
        code, f"`{_name(path)}` must be `{wanted}`", path, f"Write `{_name(path)}: {wanted}`"
    )


def _pattern(findings: Findings, path: Path, violation: Violation) -> None:
    value = str(violation.field_value)
    known = _PATTERNS.get(str(violation.rule_value), "")
    if not value:
        findings.add(codes.REQUIRED, f"`{_name(path)}` is missing", path, known)
        return
    findings.add(codes.PATTERN, f"`{shorten(value)}` is not a valid `{_name(path)}`", path, known)


def _one_of(findings: Findings, path: Path, violation: Violation) -> None:
    value = str(violation.field_value)
    allowed = [str(choice) for choice in violation.rule_value]
    text = f"`{shorten(value)}` is not allowed for `{_name(path)}`"
    findings.add(codes.NOT_ALLOWED, text, path, hint(value, allowed, "Allowed"))


def _missing(findings: Findings, path: Path, violation: Violation) -> None:
    what = "at least one entry" if "items" in str(violation.proto.rule_id) else "a value"
    findings.add(codes.REQUIRED, f"`{_name(path)}` needs {what}", path)


def _longer(findings: Findings, path: Path, violation: Violation) -> None:
    rule = str(violation.proto.rule_id).rpartition(".")[2]
    unit = {"max_len": "character", "max_bytes": "byte"}.get(rule, "entry")
    if violation.rule_value != 1:
        unit = {"entry": "entries"}.get(unit, f"{unit}s")
    text = f"`{_name(path)}` has more than {violation.rule_value} {unit}"
    findings.add(codes.LIMIT, text, path)


def _limit(findings: Findings, path: Path, violation: Violation) -> None:
    findings.add(codes.LIMIT, f"`{_name(path)}` {violation.proto.message}", path)
