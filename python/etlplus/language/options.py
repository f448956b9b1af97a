"""Checks options that depend on each other, which the contract's limits cannot say."""

from __future__ import annotations

from collections.abc import Sequence

from etlplus.language import codes
from etlplus.language.findings import Findings
from etlplus.language.lists import any_broken, no_repeats
from etlplus.language.steps import check_step
from etlplus.language.text import Path
from etlplus.language.wiring import REJECTS, kind_of, sink_mode, wire
from etlplus.v1 import plan_pb2

#: The modes that match rows by key, and what their keys are.
_KEYED = {
    "merge": "the columns that identify a row",
    "scd2": "the columns that identify a row",
    "delete_insert": "the columns whose values say which rows of the table give way",
}

#: The modes that no other sink may share a target with, and what they do to it.
_ALONE = {
    "replace": "replaces it",
    "delete_insert": "deletes rows of it",
    "scd2": "ends versions in it",
}


def check_options(spec: plan_pb2.PipelineSpec, findings: Findings, broken: set[Path]) -> None:
    """Report options of sources, steps and sinks that do not go together."""
    for index, source in enumerate(spec.sources):
        _check_source(source, ("sources", index), findings)
    for index, step in enumerate(spec.steps):
        check_step(step, ("steps", index), findings, broken)
    for index, sink in enumerate(spec.sinks):
        if sink.HasField("postgres"):
            _check_table_sink(sink.postgres, ("sinks", index, "postgres"), findings, broken)
        elif sink.parquet.compression_level and sink.parquet.compression not in {"", "zstd"}:
            text = f"`compression: {sink.parquet.compression}` has no levels"
            known = "Write `compression: zstd`, or leave the level out"
            path = ("sinks", index, "parquet", "compression_level")
            findings.add(codes.NOT_ALLOWED, text, path, known)
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
        no_repeats(source.csv.names, (*inner, "names"), findings)
        no_repeats((column.name for column in source.csv.columns), (*inner, "columns"), findings)
        _check_delimiter(source.csv, inner, findings)
    elif source.HasField("jsonl"):
        names = (column.name for column in source.jsonl.columns)
        no_repeats(names, (*path, "jsonl", "columns"), findings)


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


def _check_table_sink(
    sink: plan_pb2.PostgresSink, path: Path, findings: Findings, broken: set[Path]
) -> None:
    no_repeats(sink.keys, (*path, "keys"), findings)
    if sink.mode in _KEYED and not sink.keys and not any_broken(broken, path, "keys"):
        known = f"Write `keys: [column]` with {_KEYED[sink.mode]}"
        text = f"`mode: {sink.mode}` needs `keys`"
        findings.add(codes.KEYS_MISSING, text, (*path, "mode"), known)
    if sink.keys and sink.mode in {"", "append", "replace"}:
        text = f"`keys` mean nothing for `mode: {sink.mode or 'append'}`"
        known = "Write `mode: merge`, `delete_insert` or `scd2`, or leave `keys` out"
        findings.add(codes.KEYS_UNUSED, text, (*path, "keys"), known, on_key=True)
    if sink.HasField("history") and sink.mode != "scd2" and not any_broken(broken, path, "mode"):
        text = f"`history` means nothing for `mode: {sink.mode or 'append'}`"
        findings.add(codes.HISTORY_UNUSED, text, (*path, "history"), on_key=True)


def _check_targets(sinks: Sequence[plan_pb2.Sink], findings: Findings) -> None:
    """Report sinks that would overwrite each other's rows."""
    first: dict[tuple[str, ...], tuple[str, str]] = {}
    for index, sink in enumerate(sinks):
        if not kind_of(sink):
            continue
        mode, target = sink_mode(sink), _target(sink)
        name, other = first.setdefault(target, (sink.name, mode))
        what = next((_ALONE[each] for each in _ALONE if each in {mode, other}), "")
        if name != sink.name and what:
            text = f"The sink `{name}` writes `{target[-1]}` too, and one of them {what}"
            findings.add(codes.SAME_TARGET, text, ("sinks", index), on_key=True)


def _target(sink: plan_pb2.Sink) -> tuple[str, ...]:
    if sink.HasField("postgres"):
        table = sink.postgres.table
        return sink.postgres.connection, table if "." in table else f"public.{table}"
    return ("file", str(getattr(sink, kind_of(sink)).uri))


def _check_tests(spec: plan_pb2.PipelineSpec, findings: Findings) -> None:
    wiring = wire(spec)
    given = {*wiring.sources, *wiring.steps} - wiring.routes().keys()
    expected = {*wiring.readable(), REJECTS}
    declared = {param.name for param in spec.params}
    for index, test in enumerate(spec.tests):
        path: Path = ("tests", index)
        for field, known in (("given", given), ("expect", expected), ("params", declared)):
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
