"""Reads a polluted file through the product, as someone would who knows nothing about it.

The source says no more than where the file is; every column is loaded as text, because the scoring
compares the text of cells and a table of typed columns has none. What comes out is rendered as the
CSV file that the benchmark scores:

- the rows that were loaded, below the names of their columns, as the `csv` sink writes them;
- without the line of names where the product found that the file has none, since it made them up;
- a run that failed is `Application Error`, which is the benchmark's word for it.

Rejected records are not part of the file: they did not reach the target. A second rendering adds
them at the end, each raw record split at its delimiters, and is reported beside the first.
"""

from __future__ import annotations

import csv
import io
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from etlplus import language
from etlplus.app.ports import RunContext
from etlplus.domain.errors import EtlError
from etlplus.engine import RustEngine

_CONTEXT = RunContext("0" * 32, datetime(2026, 1, 1, tzinfo=UTC), {}, lambda name: name)
_PIPELINE = """\
api: etlplus/v1
name: pollock
sources: {{file: {{csv: {{uri: "{name}", infer_types: false}}}}}}
sinks: {{out: {{csv: {{uri: "{folder}/out.csv"}}}}}}
"""
_FAILED = "Application Error\n"


@dataclass(frozen=True, slots=True)
class Rendered:
    """What came out of a file, as CSV.

    Attributes:
        loaded: the rows that reached the target.
        complete: the same with the raw records of the rejects.
        rejects: how many records were rejected.
        error: why the run failed; empty when it did not.
    """

    loaded: str
    complete: str
    rejects: int = 0
    error: str = ""


def load(file: Path) -> Rendered:
    """Loads one polluted file."""
    with tempfile.TemporaryDirectory() as name:
        try:
            return _load(file, Path(name))
        except EtlError as error:
            text = f"{_FAILED}{error}"
            return Rendered(text, text, error=str(error))


def _load(file: Path, work: Path) -> Rendered:
    engine = RustEngine()
    parsed = language.parse(_PIPELINE.format(name=file.name, folder=work))
    if parsed.spec is None:
        raise RuntimeError(language.render(parsed.problems))
    plan = language.lower(parsed.spec, {}, _CONTEXT)
    runtime = language.runtime(
        connections=(),
        file_roots=[str(file.parent), str(work)],
        base_dir=str(file.parent),
        work_dir=str(work),
        load_id="0" * 32,
        epoch=1,
        threads=1,
        batch_rows=0,
    )
    notes = engine.plan(plan, runtime).nodes[0].notes
    outcome = engine.start(plan, runtime).wait()
    staged = [Path(written.staged_path) for written in outcome.sinks[0].files]
    text = "".join(path.read_text(encoding="utf-8") for path in staged)
    for path in staged:
        path.unlink()
    if any(note.startswith("no header") for note in notes):
        text = text.partition("\n")[2]
    path = outcome.rejects.path
    raws = [row.raw or "" for batch in engine.read_rejects(path) for row in batch] if path else []
    return Rendered(text, text + _as_rows(raws, text), len(raws))


def _as_rows(raws: list[str], loaded: str) -> str:
    """The raw records as rows of CSV, split where the rows above were."""
    delimiters = {raw.count(";") > raw.count(",") for raw in raws}
    delimiter = ";" if delimiters == {True} else ","
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(csv.reader(raws, delimiter=delimiter))
    return out.getvalue() if loaded.endswith("\n") or not loaded else "\n" + out.getvalue()
