"""Runs a pipeline in the engine alone, without a server, and returns the rows it staged."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from etlplus import language
from etlplus.app.ports import RunContext
from etlplus.domain.run import RejectRow, RunOutcome
from etlplus.engine import RustEngine, RustRun

CONTEXT = RunContext("0" * 32, datetime(2026, 1, 1, tzinfo=UTC), {}, lambda name: name)
ENGINE = RustEngine()


@dataclass(frozen=True)
class Finished:
    """What a run left: figures, rows by sink, and rejects."""

    outcome: RunOutcome
    rows: dict[str, list[dict[str, Any]]]
    rejects: list[RejectRow]


@contextmanager
def folder_with(files: dict[str, bytes]) -> Iterator[Path]:
    """Make a folder that holds these files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in files.items():
            (folder / file).write_bytes(content)
        yield folder


def run(
    text: str,
    files: dict[str, bytes],
    streams: Mapping[str, object] | None = None,
    *,
    threads: int = 1,
    batch_rows: int = 0,
) -> Finished:
    """Run a pipeline whose sinks are Parquet files over source files.

    Args:
        text: The pipeline. Paths are relative to the folder of the files.
        files: Names and contents of the source files.
        streams: Rows for the stream sources.
        threads: Threads for rows; 0 for one a core.
        batch_rows: Rows in a batch; 0 for the default.
    """
    with folder_with(files) as folder:
        outcome = start(text, folder, streams, threads=threads, batch_rows=batch_rows).wait()
        rows = {
            sink.name: [row for file in sink.files for row in read(file.staged_path)]
            for sink in outcome.sinks
        }
        path = outcome.rejects.path
        rejects = [row for batch in ENGINE.read_rejects(path) for row in batch] if path else []
    return Finished(outcome, rows, rejects)


def start(
    text: str,
    folder: Path,
    streams: Mapping[str, object] | None = None,
    *,
    threads: int = 1,
    batch_rows: int = 0,
) -> RustRun:
    """Start a pipeline over the files in a folder; its work folder is `work` in it."""
    parsed = language.parse(text)
    assert parsed.spec is not None, language.render(parsed.problems)
    runtime = language.runtime(
        connections=(),
        file_roots=[str(folder)],
        base_dir=str(folder),
        work_dir=str(folder / "work"),
        load_id="0" * 32,
        epoch=1,
        threads=threads,
        batch_rows=batch_rows,
    )
    return ENGINE.start(language.lower(parsed.spec, {}, CONTEXT), runtime, streams)


def read(path: str) -> list[dict[str, Any]]:
    """Return the rows of a Parquet file."""
    found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return found
