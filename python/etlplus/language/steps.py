"""Checks options of steps that depend on each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from etlplus.language import codes
from etlplus.language.findings import Findings
from etlplus.language.lists import any_broken, no_repeats
from etlplus.language.suggest import listing
from etlplus.language.text import Path
from etlplus.language.wiring import kind_of
from etlplus.v1 import plan_pb2

#: The options that each way of masking takes.
_MASK_OPTIONS: Final = {
    "hash": {"key"},
    "tokenise": {"key"},
    "partial": {"keep_first", "keep_last", "with"},
    "redact": {"with"},
}
#: What can be checked of a column.
_COLUMN_RULES: Final = ("type", "min", "max", "min_length", "max_length", "match", "one_of")
_SECRET: Final = re.compile(r"\$\{secret\.[^${}]+\}")


def check_step(step: plan_pb2.Step, path: Path, findings: Findings, broken: set[Path]) -> None:
    """Report options of one step that do not go together."""
    kind = kind_of(step)
    check = _CHECKS.get(kind)
    if check is not None:
        check(step, (*path, kind), findings, broken)


def _check_names(step: plan_pb2.Step, path: Path, findings: Findings, _: set[Path]) -> None:
    no_repeats(getattr(step, str(path[-1])).columns, (*path, "columns"), findings)


def _check_columns(step: plan_pb2.Step, path: Path, findings: Findings, _: set[Path]) -> None:
    columns = getattr(step, str(path[-1])).columns
    no_repeats((column.name for column in columns), (*path, "columns"), findings)


def _check_rename(step: plan_pb2.Step, path: Path, findings: Findings, _: set[Path]) -> None:
    columns = step.rename.columns
    no_repeats((column.column for column in columns), (*path, "columns"), findings)
    no_repeats((column.to for column in columns), (*path, "columns"), findings, "to")


def _check_join(step: plan_pb2.Step, path: Path, findings: Findings, broken: set[Path]) -> None:
    join = step.join
    no_repeats(join.on, (*path, "on"), findings)
    no_repeats((key.left for key in join.keys), (*path, "keys"), findings)
    no_repeats((column.name for column in join.columns), (*path, "columns"), findings)
    if not join.on and not join.keys and not any_broken(broken, path, "on", "keys"):
        known = "Write `on: [column]`, or `keys: {left_column: right_column}`"
        findings.add(codes.JOIN_KEYS, "A join needs key columns", path, known, on_key=True)
    if join.missing and join.how != "lookup":
        text = "`missing` means nothing but for `how: lookup`"
        known = "Write `how: lookup`, or leave `missing` out"
        findings.add(codes.LOOKUP_ONLY, text, (*path, "missing"), known, on_key=True)


def _check_sort(step: plan_pb2.Step, path: Path, findings: Findings, _: set[Path]) -> None:
    no_repeats((key.column for key in step.sort.by), (*path, "by"), findings, "column")


def _check_dedupe(step: plan_pb2.Step, path: Path, findings: Findings, _: set[Path]) -> None:
    no_repeats(step.dedupe.keys, (*path, "keys"), findings)
    order = (key.column for key in step.dedupe.order_by)
    no_repeats(order, (*path, "order_by"), findings, "column")


def _check_masks(step: plan_pb2.Step, path: Path, findings: Findings, _: set[Path]) -> None:
    masks = step.mask.columns
    no_repeats((mask.column for mask in masks), (*path, "columns"), findings)
    for number, mask in enumerate(masks):
        _check_mask(mask, (*path, "columns", number), findings)


def _check_aggregate(
    whole: plan_pb2.Step, path: Path, findings: Findings, broken: set[Path]
) -> None:
    step = whole.aggregate
    no_repeats(step.by, (*path, "by"), findings)
    computed = [column.name for column in step.columns]
    no_repeats([*step.by, *computed], (*path, "columns"), findings, skip=len(step.by))
    if not step.by and not computed and not any_broken(broken, path, "by", "columns"):
        known = "Write `by: [column]`, or `columns: {name: sum(column)}`"
        text = "An `aggregate` step needs `by` or `columns`"
        findings.add(codes.NOTHING_COMPUTED, text, path, known, on_key=True)


def _check_route(whole: plan_pb2.Step, path: Path, findings: Findings, _: set[Path]) -> None:
    step = whole.route
    names = [output.name for output in step.outputs]
    for index, name in enumerate(names):
        if name and name in names[:index]:
            text = f"There is an output called `{name}` already"
            findings.add(codes.DUPLICATE_NAME, text, (*path, "outputs", index, "name"))
    if step.default in names:
        text = f"There is an output called `{step.default}` already"
        known = "Give the rows for which no condition is true an output of their own"
        findings.add(codes.DUPLICATE_NAME, text, (*path, "default"), known)


def _check_mask(mask: plan_pb2.Mask, path: Path, findings: Findings) -> None:
    takes = _MASK_OPTIONS.get(mask.how)
    if takes is None:
        return
    for option in ("key", "keep_first", "keep_last", "with"):
        if getattr(mask, option) and option not in takes:
            text = f"`{option}` means nothing for `{mask.how}`"
            known = f"It takes: {listing(sorted(takes))}"
            findings.add(codes.MASK_OPTIONS, text, (*path, option), known, on_key=True)
    if "key" in takes and not _SECRET.fullmatch(mask.key):
        text = f"`{mask.how}` needs a `key` that is a secret"
        known = 'Write `key: "${secret.NAME}"`'
        findings.add(codes.MASK_OPTIONS, text, (*path, "key"), known)
    if mask.how == "partial" and len(getattr(mask, "with")) > 1:
        text = "`with` is one character for `partial`"
        findings.add(codes.MASK_OPTIONS, text, (*path, "with"))


def _check_validate(
    whole: plan_pb2.Step, path: Path, findings: Findings, broken: set[Path]
) -> None:
    step = whole.validate
    no_repeats(step.not_null, (*path, "not_null"), findings)
    no_repeats(step.unique, (*path, "unique"), findings)
    no_repeats((rule.column for rule in step.columns), (*path, "columns"), findings)
    ratios = (ratio.column for ratio in step.expect.max_null_ratio)
    no_repeats(ratios, (*path, "expect", "max_null_ratio"), findings)
    _check_rules(step, path, findings)
    for index, reference in enumerate(step.references):
        _check_reference(reference, (*path, "references", index), findings, broken)
    parts = ("not_null", "unique", "rules", "columns", "references")
    checked = any(getattr(step, part) for part in parts) or step.HasField("expect")
    if not checked and not any_broken(broken, path, *parts, "expect"):
        known = f"Give it {listing([*parts, 'expect'])}"
        text = "A `validate` step needs something to check"
        findings.add(codes.NOTHING_CHECKED, text, path, known, on_key=True)


def _check_rules(step: plan_pb2.ValidateStep, path: Path, findings: Findings) -> None:
    seen: set[str] = set()
    for index, rule in enumerate(step.rules):
        if rule.name in seen:
            text = f"There is a rule called `{rule.name}` already"
            findings.add(codes.DUPLICATE_NAME, text, (*path, "rules", index, "name"))
        seen.add(rule.name)
    for index, column in enumerate(step.columns):
        if not any(_is_given(column, option) for option in _COLUMN_RULES):
            text = f"Nothing is checked of the column `{column.column}`"
            known = f"Give it {listing(list(_COLUMN_RULES))}"
            inner: Path = (*path, "columns", index)
            findings.add(codes.NOTHING_CHECKED, text, inner, known, on_key=True)


def _check_reference(
    reference: plan_pb2.Reference, path: Path, findings: Findings, broken: set[Path]
) -> None:
    no_repeats(reference.on, (*path, "on"), findings)
    if not reference.on and not reference.keys and not any_broken(broken, path, "on", "keys"):
        known = "Write `on: [column]`, or `keys: {own_column: other_column}`"
        findings.add(codes.JOIN_KEYS, "A reference needs key columns", path, known, on_key=True)


def _is_given(rule: plan_pb2.ColumnRule, option: str) -> bool:
    return any(field.name == option for field, _ in rule.ListFields())


_Check = Callable[[plan_pb2.Step, Path, Findings, set[Path]], None]
_CHECKS: Final[Mapping[str, _Check]] = MappingProxyType(
    {
        "select": _check_names,
        "drop": _check_names,
        "map": _check_columns,
        "cast": _check_columns,
        "rename": _check_rename,
        "join": _check_join,
        "sort": _check_sort,
        "dedupe": _check_dedupe,
        "aggregate": _check_aggregate,
        "route": _check_route,
        "mask": _check_masks,
        "validate": _check_validate,
    }
)
