"""Reads a polluted file through the product, as someone would who knows nothing about it.

The source says no more than where the file is; every column is loaded as text, because the scoring
compares the text of cells and a table of typed columns has none. What comes out is rendered as the
CSV file that the benchmark scores:

- the rows that were loaded, below the names of their columns, as the `csv` sink writes them;
- without the line of names where `etlplus sniff` says that the file has none: it made them up;
- a run that failed is `Application Error`, which is the benchmark's word for it.

A hint-free load has two results, the table and the rejects, so two renderings are scored. The first
is the table alone. The second adds the rejects at the end, each raw record split at the detected
delimiter: all that a user of the product has of the file. The goal is held against the second,
since nothing of a file is lost; the first is reported beside it.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from etlplus import language
from etlplus.app.ports import RunContext
from etlplus.domain.errors import EtlError
from etlplus.engine import RustEngine
from etlplus.v1 import plan_pb2

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
    source = plan_pb2.CsvSource(uri=file.name, infer_types=False)
    found = {f.option: f.value for f in engine.sniff(source.SerializeToString(), runtime).findings}
    outcome = engine.start(plan, runtime).wait()
    staged = [Path(written.staged_path) for written in outcome.sinks[0].files]
    text = "".join(path.read_text(encoding="utf-8") for path in staged)
    for path in staged:
        path.unlink()
    if found.get("header_rows") == "0":
        text = text.partition("\n")[2]
    kept = outcome.rejects.path
    raws = [row.raw or "" for batch in engine.read_rejects(kept) for row in batch] if kept else []
    return Rendered(text, text + _as_rows(raws, found), len(raws))


def _as_rows(raws: list[str], found: dict[str, str]) -> str:
    """The raw records as rows of CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(_split(raw, found["delimiter"], found["quote"]) for raw in raws)
    return out.getvalue()


def _split(raw: str, delimiter: str, quote: str) -> list[str]:
    """The fields of a raw record; a quote that does not enclose a whole field is text."""
    d, q = re.escape(delimiter), re.escape(quote)
    pattern = re.compile(rf"{q}((?:[^{q}]|{q}{q})*){q}(?={d}|$)|((?:(?!{d}).)*)", re.DOTALL)
    fields, at = [], 0
    while match := pattern.match(raw, at):
        enclosed, plain = match.groups()
        fields.append(plain if enclosed is None else enclosed.replace(quote * 2, quote))
        at = match.end() + len(delimiter)
        if match.end() == len(raw):
            break
    return fields
