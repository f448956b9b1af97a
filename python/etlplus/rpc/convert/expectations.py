"""What to expect of a run, by a sample."""

from __future__ import annotations

from typing import Final

from etlplus.domain.expectation import Expectation, ExpectedRejects, ExpectedRows
from etlplus.domain.run import RejectRow
from etlplus.v1 import pipeline_pb2

_LONGEST: Final = 1000


def to_expectation(expectation: Expectation) -> pipeline_pb2.Expectation:
    """What a run is expected to do to rows."""
    return pipeline_pb2.Expectation(
        sample_rows=expectation.sample,
        nodes=[_to_rows(node) for node in expectation.nodes],
        rejects=[_to_rejects(each) for each in expectation.rejects],
        faults=expectation.faults,
    )


def _to_rows(node: ExpectedRows) -> pipeline_pb2.ExpectedRows:
    return pipeline_pb2.ExpectedRows(
        name=node.name,
        kind=node.kind,
        role=node.role,
        looked_at=node.looked_at,
        rows=node.rows,
        rejected=node.rejected,
        exact=node.exact,
        unknown=node.unknown,
    )


def _to_rejects(each: ExpectedRejects) -> pipeline_pb2.ExpectedRejects:
    return pipeline_pb2.ExpectedRejects(
        step=each.step,
        column=each.column,
        code=each.code,
        seen=each.seen,
        rows=each.rows,
        exact=each.exact,
        example=_to_example(each.example) if each.example else None,
    )


def _to_example(row: RejectRow) -> pipeline_pb2.ExampleReject:
    return pipeline_pb2.ExampleReject(
        source=row.source,
        line=row.line,
        raw=row.raw[:_LONGEST],
        message=row.message[:_LONGEST],
    )
