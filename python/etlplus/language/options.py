"""Checks options that depend on each other, which the contract's limits cannot say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from etlplus.language import codes
from etlplus.language.findings import Findings
from etlplus.language.text import Path
from etlplus.language.wiring import REJECTS, kind_of, sink_mode, wire
from etlplus.v1 import plan_pb2


def check_options(spec: plan_pb2.PipelineSpec, findings: Findings, broken: set[Path]) -> None:
    """Report options of sources, steps and sinks that do not go together."""
    for index, source in enumerate(spec.sources):
        _check_source(source, ("sources", index), findings)
    for index, step in enumerate(spec.steps):
        _check_step(step, ("steps", index), findings, broken)
    for index, sink in enumerate(spec.sinks):
        if sink.HasField("postgres"):
            _check_table_sink(sink.postgres, ("sinks", index, "postgres"), findings, broken)
    _check_targets(spec.sinks, findings)
    _check_tests(spec, findings)


def _check_source(source: plan_pb2.Source, path: Path, findings: Findings) -> None:
    if source.HasField("postgres"):
        given = [name for name in ("table", "query") if getattr(source.postgres, name)]
        if len(given) != 1:
            text = "A `postgres` source needs a `table` or a `query`"
            text += ", not both" if given else ""
            findings.add(codes.TABLE_OR_QUERY, text, (*path, "postgres"), on_key=True)
    elif source.HasField("csv"):
        inner = (*path, "csv")
        _no_repeats(source.csv.names, (*inner, "names"), findings)
        _no_repeats((column.name for column in source.csv.columns), (*inner, "columns"), findings)
        _check_delimiter(source.csv, inner, findings)
    elif source.HasField("jsonl"):
        names = (column.name for column in source.jsonl.columns)
        _no_repeats(names, (*path, "jsonl", "columns"), findings)


def _check_delimiter(source: plan_pb2.CsvSource, path: Path, findings: Findings) -> None:
    quote = source.quote or '"'
    if any(sign in source.delimiter for sign in "\r\n\0"):
        text = "`delimiter` cannot hold a line end"
        findings.add(codes.NOT_ALLOWED, text, (*path, "delimiter"))
    for name in ("quote", "escape"):
        value = getattr(source, name)
        if value and (value in "\r\n" or not value.isascii()):
            text = f"`{name}` must be one ASCII character other than a line end"
            findings.add(codes.NOT_ALLOWED, text, (*path, name))
    if quote in source.delimiter:
        text = "`delimiter` cannot hold the quote character"
        findings.add(codes.NOT_ALLOWED, text, (*path, "delimiter"))


def _check_step(step: plan_pb2.Step, path: Path, findings: Findings, broken: set[Path]) -> None:
    kind = kind_of(step)
    inner = (*path, kind)
    if kind in {"select", "drop"}:
        _no_repeats(getattr(step, kind).columns, (*inner, "columns"), findings)
    elif kind in {"map", "cast"}:
        columns = getattr(step, kind).columns
        _no_repeats((column.name for column in columns), (*inner, "columns"), findings)
    elif kind == "rename":
        columns = step.rename.columns
        _no_repeats((column.column for column in columns), (*inner, "columns"), findings)
        _no_repeats((column.to for column in columns), (*inner, "columns"), findings, "to")
    elif kind == "join":
        _no_repeats(step.join.on, (*inner, "on"), findings)
        _no_repeats((key.left for key in step.join.keys), (*inner, "keys"), findings)
        _no_repeats((column.name for column in step.join.columns), (*inner, "columns"), findings)
        if not step.join.on and not step.join.keys and not _any(broken, inner, "on", "keys"):
            known = "Write `on: [column]`, or `keys: {left_column: right_column}`"
            text = "A join needs key columns"
            findings.add(codes.JOIN_KEYS, text, inner, known, on_key=True)
    elif kind == "sort":
        _no_repeats((key.column for key in step.sort.by), (*inner, "by"), findings, "column")
    elif kind == "dedupe":
        _no_repeats(step.dedupe.keys, (*inner, "keys"), findings)
        order = (key.column for key in step.dedupe.order_by)
        _no_repeats(order, (*inner, "order_by"), findings, "column")
    elif kind == "aggregate":
        _check_aggregate(step.aggregate, inner, findings, broken)
    elif kind == "validate":
        _check_validate(step.validate, inner, findings, broken)


def _check_aggregate(
    step: plan_pb2.AggregateStep, path: Path, findings: Findings, broken: set[Path]
) -> None:
    _no_repeats(step.by, (*path, "by"), findings)
    computed = [column.name for column in step.columns]
    _no_repeats([*step.by, *computed], (*path, "columns"), findings, skip=len(step.by))
    if not step.by and not computed and not _any(broken, path, "by", "columns"):
        known = "Write `by: [column]`, or `columns: {name: sum(column)}`"
        text = "An `aggregate` step needs `by` or `columns`"
        findings.add(codes.NOTHING_COMPUTED, text, path, known, on_key=True)


def _check_validate(
    step: plan_pb2.ValidateStep, path: Path, findings: Findings, broken: set[Path]
) -> None:
    _no_repeats(step.not_null, (*path, "not_null"), findings)
    _no_repeats(step.unique, (*path, "unique"), findings)
    seen: set[str] = set()
    for index, rule in enumerate(step.rules):
        if rule.name in seen:
            text = f"There is a rule called `{rule.name}` already"
            findings.add(codes.DUPLICATE_NAME, text, (*path, "rules", index, "name"))
        seen.add(rule.name)
    parts = ("not_null", "unique", "rules")
    if not any(getattr(step, part) for part in parts) and not _any(broken, path, *parts):
        known = "Give it `not_null`, `unique` or `rules`"
        text = "A `validate` step needs something to check"
        findings.add(codes.NOTHING_CHECKED, text, path, known, on_key=True)


def _check_table_sink(
    sink: plan_pb2.PostgresSink, path: Path, findings: Findings, broken: set[Path]
) -> None:
    _no_repeats(sink.keys, (*path, "keys"), findings)
    if sink.mode == "merge" and not sink.keys and not _any(broken, path, "keys"):
        known = "Write `keys: [column]` with the columns that identify a row"
        findings.add(codes.KEYS_MISSING, "`mode: merge` needs `keys`", (*path, "mode"), known)
    if sink.keys and sink.mode in {"", "append", "replace"}:
        text = f"`keys` mean nothing for `mode: {sink.mode or 'append'}`"
        known = "Write `mode: merge`, or leave `keys` out"
        findings.add(codes.KEYS_UNUSED, text, (*path, "keys"), known, on_key=True)


def _any(broken: set[Path], path: Path, *names: str) -> bool:
    return path in broken or any((*path, name) in broken for name in names)


def _no_repeats(
    names: Iterable[str], path: Path, findings: Findings, field: str = "", skip: int = 0
) -> None:
    """Report names that stand in a list twice.

    Args:
        names: The names in order.
        path: Where the list stands.
        findings: Where to report.
        field: The entries' field that holds the name; empty when entries are names.
        skip: How many of the names stand elsewhere, before the list.
    """
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name and name in seen and index >= skip:
            at = index - skip
            inner: Path = (*path, at, field) if field else (*path, at)
            findings.add(codes.REPEATED_COLUMN, f"The column `{name}` is named twice", inner)
        seen.add(name)


def _check_targets(sinks: Sequence[plan_pb2.Sink], findings: Findings) -> None:
    """Report sinks that would overwrite each other's rows."""
    first: dict[tuple[str, ...], tuple[str, str]] = {}
    for index, sink in enumerate(sinks):
        if not kind_of(sink):
            continue
        mode, target = sink_mode(sink), _target(sink)
        name, other = first.setdefault(target, (sink.name, mode))
        if name != sink.name and "replace" in {mode, other}:
            text = f"The sink `{name}` writes `{target[-1]}` too, and one of them replaces it"
            findings.add(codes.SAME_TARGET, text, ("sinks", index), on_key=True)


def _target(sink: plan_pb2.Sink) -> tuple[str, ...]:
    if sink.HasField("postgres"):
        table = sink.postgres.table
        return sink.postgres.connection, table if "." in table else f"public.{table}"
    return ("file", str(getattr(sink, kind_of(sink)).uri))


def _check_tests(spec: plan_pb2.PipelineSpec, findings: Findings) -> None:
    wiring = wire(spec)
    names = {*wiring.sources, *wiring.steps}
    declared = {param.name for param in spec.params}
    for index, test in enumerate(spec.tests):
        path: Path = ("tests", index)
        for field, known in (("given", names), ("expect", names | {REJECTS}), ("params", declared)):
            what = "parameter" if field == "params" else "source or step"
            for name in sorted(set(getattr(test, field)) - known):
                text = f"The pipeline has no {what} `{name}`"
                findings.add(codes.BAD_TEST, text, (*path, field, name), on_key=True)
        if not test.expect:
            text = "A test must expect something"
            known_names = "Write `expect: {step: [rows]}`"
            findings.add(codes.BAD_TEST, text, path, known_names, on_key=True)
        _check_rows(test, path, findings)


def _check_rows(test: plan_pb2.PipelineTest, path: Path, findings: Findings) -> None:
    for field in ("given", "expect"):
        for name, rows in sorted(getattr(test, field).items()):
            for index, row in enumerate(rows.values):
                if not row.HasField("struct_value"):
                    text = "A row is a mapping of columns to values"
                    inner = (*path, field, name, "values", index)
                    findings.add(codes.BAD_TEST, text, inner)
