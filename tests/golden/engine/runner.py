"""Runs one case in the engine and shows what it left as the files of `expected/`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from etlplus import language
from etlplus.app.ports import RunContext
from etlplus.domain.errors import EtlError
from etlplus.domain.run import Books, RejectRow, StagedSink
from etlplus.engine import RustEngine, RustRun

LOAD = "0" * 32
CONTEXT = RunContext(LOAD, datetime(2026, 1, 1, tzinfo=UTC), {}, lambda name: name)
ENGINE = RustEngine()

Texts = dict[str, str]


def start(folder: Path, *, threads: int, batch_rows: int) -> tuple[RustRun, Texts]:
    """Compile and start a case that was copied to `folder`. Returns its `types.json` too."""
    parsed = language.parse((folder / "pipeline.yaml").read_text(encoding="utf-8"))
    assert parsed.spec is not None, language.render(parsed.problems)
    given = folder / "params.json"
    params = json.loads(given.read_text(encoding="utf-8")) if given.exists() else {}
    plan = language.lower(parsed.spec, params, CONTEXT)
    runtime = language.runtime(
        connections=(),
        file_roots=[str(folder)],
        base_dir=str(folder),
        work_dir=str(folder.with_suffix(".work")),
        load_id=LOAD,
        epoch=1,
        threads=threads,
        batch_rows=batch_rows,
    )
    nodes = ENGINE.plan(plan, runtime).nodes
    types = {node.name: {column.name: column.type for column in node.columns} for node in nodes}
    return ENGINE.start(plan, runtime), {"types.json": pretty(types)}


def found(folder: Path, *, threads: int = 1, batch_rows: int = 0) -> Texts:
    """Run the case in `folder`. Returns what `expected/` holds, by the names of files."""
    try:
        run, texts = start(folder, threads=threads, batch_rows=batch_rows)
    except EtlError as error:
        return failure(error)
    try:
        outcome = run.wait()
    except EtlError as error:
        assert not list(folder.glob("out*")), "a run that fails leaves nothing"
        return failure(error) | rejects(run.rejects().path)
    texts["books.json"] = pretty({sink.name: balanced(sink.books) for sink in outcome.sinks})
    texts |= rejects(outcome.rejects.path)
    if outcome.rejects.warnings:
        texts["warnings.jsonl"] = as_lines(map(asdict, outcome.rejects.warnings))
    for sink in outcome.sinks:
        assert sink.books.balance, sink
        kind = "csv" if sink.kind == "csv" else "jsonl"
        texts[f"{sink.name}.{kind}"] = "".join(sorted_rows(staged(sink), header=kind == "csv"))
    return texts


def pretty(value: Mapping[str, Mapping[str, object]]) -> str:
    """One line for each entry."""
    entries = [f"  {json.dumps(key)}: {json.dumps(entry)}" for key, entry in value.items()]
    return "{\n" + ",\n".join(entries) + "\n}\n"


def failure(error: EtlError) -> Texts:
    names = ("code", "place", "message", "hint")
    return {"error.json": failure_text({name: getattr(error, name) for name in names})}


def failure_text(shown: Mapping[str, object]) -> str:
    return json.dumps(shown, indent=2, ensure_ascii=False) + "\n"


def rejects(path: str) -> Texts:
    rows = [row for batch in ENGINE.read_rejects(path) for row in batch] if path else []
    rows.sort(key=lambda row: (row.source, row.line or 0, row.raw, row.step))
    return {"rejects.jsonl": as_lines(map(reject, rows))} if rows else {}


def balanced(books: Books) -> dict[str, int]:
    """The terms of a sink's balance. What a target loses is known when it is published."""
    shown = asdict(books)
    assert shown.pop("deleted") == 0
    return shown


def reject(row: RejectRow) -> dict[str, Any]:
    """A reject as JSON. Its first reason is what it says outside `reasons`."""
    shown = asdict(row)
    shown["reasons"] = json.loads(row.reasons)
    first = {name: shown[name] or None for name in ("column", "code", "message")}
    assert shown["reasons"][0] == first
    if len(shown["reasons"]) == 1:
        del shown["reasons"]
    return shown


def staged(sink: StagedSink) -> list[str]:
    """The lines of all files of a sink; of CSV files with one header."""
    lines: list[str] = []
    for file in map(Path, (file.staged_path for file in sink.files)):
        if sink.kind == "parquet":
            lines += records(as_lines(pq.read_table(file).to_pylist()), "\n")
        else:
            read = records(file.read_bytes().decode(), "\r\n" if sink.kind == "csv" else "\n")
            lines += read[1 if sink.kind == "csv" and lines else 0 :]
    return lines


def records(text: str, end: str) -> list[str]:
    return [part + end for part in text.removesuffix(end).split(end)] if text else []


def as_lines(rows: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, default=str, ensure_ascii=False) + "\n" for row in rows)


def sorted_rows(lines: list[str], *, header: bool) -> list[str]:
    return lines[:header] + sorted(lines[header:])
