"""What a plan is recognised by: the same hash, the same run over the same columns.

A hash has a part for each thing that a run depends on, so that what has changed can be told.
Estimates, secrets and what differs from run to run (its id, its instant) are in none of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from etlplus.domain.evolution import SchemaDiff
from etlplus.domain.expectation import Expectation
from etlplus.domain.lineage import SinkLineage
from etlplus.domain.run import ColumnReport, PlanReport

#: What the parts of a hash stand for, in their order.
PARTS = (
    "the definition",
    "the values of parameters or environment variables",
    "the columns of sources or steps",
    "the columns of targets",
    "the statements that make or alter targets",
)
#: Those that a run changes itself.
OWN = PARTS[3:]
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Survey:
    """What a run would do.

    Attributes:
        report: as if tables that follow the rows had been altered already.
        diffs: each table beside the rows.
        plan_hash: what the plan is recognised by; empty where nobody asked.
        expectation: what a run is expected to do to rows; None where nobody asked.
        lineage: of what the columns of sinks are computed; empty where nobody asked.
    """

    report: PlanReport
    diffs: tuple[SchemaDiff, ...] = ()
    plan_hash: str = ""
    expectation: Expectation | None = None
    lineage: tuple[SinkLineage, ...] = ()


def plan_hash(definition: bytes, values: bytes, survey: Survey) -> str:
    """The hash of a plan.

    Args:
        definition: the serialized PipelineSpec.
        values: what parameters and variables make of it, without secrets.
        survey: what its sources and targets are.
    """
    nodes = [(node.name, _columns(node.columns)) for node in survey.report.nodes]
    targets = [
        (diff.sink.name, diff.sink.target, [(c.name, c.type, c.nullable) for c in diff.columns])
        for diff in survey.diffs
    ]
    made = [(sink.name, sink.target, sink.create_statement) for sink in survey.report.sinks]
    altered = [(diff.sink.name, diff.statements) for diff in survey.diffs]
    parts = (definition, values, _json(nodes), _json(targets), _json([made, altered]))
    return "-".join(hashlib.sha256(part).hexdigest()[:_DIGITS] for part in parts)


def changed(then: str, now: str, but: Collection[str] = ()) -> list[str]:
    """Which of `PARTS` differ between two hashes, leaving some out; all for another form."""
    one, other = then.split("-"), now.split("-")
    if len(one) != len(PARTS) or len(other) != len(PARTS):
        return list(PARTS)
    pairs = zip(PARTS, one, other, strict=True)
    return [part for part, before, after in pairs if before != after and part not in but]


def _columns(columns: Sequence[ColumnReport]) -> list[tuple[str, str, bool]]:
    return [(column.name, column.type, column.nullable) for column in columns]


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
