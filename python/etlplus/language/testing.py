"""Runs the examples of a definition (`tests:`) with the real engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from etlplus.app.ports import Engine, RunContext
from etlplus.domain.errors import EtlError
from etlplus.domain.run import RejectRow, RunOutcome, StagedSink
from etlplus.language import canonical
from etlplus.language.compare import Row, differences
from etlplus.language.examples import Example, prepare
from etlplus.language.lowering import runtime
from etlplus.language.wiring import REJECTS


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of one example. It passed when there are no failures.

    Attributes:
        name: as in the definition.
        failures: what differs from the expectation, or the error that ended the run; in words.
    """

    name: str
    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the example holds."""
        return not self.failures


def run_tests(
    data: bytes, engine: Engine, folder: Path, context: RunContext
) -> Iterator[CaseResult]:
    """Run every example of a sound definition, in order.

    Args:
        data: canonical bytes of the definition.
        engine: computes the rows.
        folder: an empty folder for the rows of the run; its files may be removed afterwards.
        context: what `${env.X}` and `${run.id}` stand for.
    """
    spec = canonical.decode(data)
    for index, test in enumerate(spec.tests):
        place = folder.resolve() / str(index)
        (place / "work").mkdir(parents=True)
        (place / "out").mkdir()
        try:
            failures = _run(prepare(spec, test, place, context), engine, place, index)
        except EtlError as error:
            failures = [str(error)]
        yield CaseResult(test.name, tuple(failures))


def _run(example: Example, engine: Engine, folder: Path, index: int) -> list[str]:
    settings = runtime(
        connections=(),
        file_roots=[str(folder)],
        base_dir=str(folder),
        work_dir=str(folder / "work"),
        load_id=f"{index:032x}",
        epoch=1,
    )
    report = engine.plan(example.plan, settings)
    types = {
        node.name: {column.name: column.type for column in node.columns} for node in report.nodes
    }
    outcome = engine.start(example.plan, settings).wait()
    rejects = _rejects(engine, outcome)
    failures: list[str] = []
    for name, rows in example.expected.items():
        if name == REJECTS:
            found = differences(rows, [_reject_row(reject) for reject in rejects], {})
        else:
            sink = next(sink for sink in outcome.sinks if sink.name == example.sinks[name])
            found = differences(rows, _staged_rows(sink), types[name])
        failures += [f"{name}: {text}" for text in found]
    if failures and rejects and REJECTS not in example.expected:
        first, count = rejects[0], len(rejects)
        what = "1 row was" if count == 1 else f"{count} rows were"
        failures.append(f"{what} rejected; the first in {first.step}: {first.message}")
    return failures


def _staged_rows(sink: StagedSink) -> list[Row]:
    rows: list[Row] = []
    for file in sink.files:
        text = Path(file.staged_path).read_text(encoding="utf-8")
        rows += [json.loads(line, parse_float=Decimal) for line in text.split("\n") if line]
    return rows


def _rejects(engine: Engine, outcome: RunOutcome) -> list[RejectRow]:
    path = outcome.rejects.path
    return [row for batch in engine.read_rejects(path) for row in batch] if path else []


def _reject_row(reject: RejectRow) -> dict[str, Any]:
    names = ("source", "line", "byte_offset", "raw", "step", "column", "code", "message")
    return {name: getattr(reject, name) for name in names}
