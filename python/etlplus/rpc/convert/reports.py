"""Figures of plans and runs."""

from __future__ import annotations

from collections.abc import Iterable

from etlplus.domain import run
from etlplus.domain.lineage import SinkLineage
from etlplus.domain.planhash import Survey
from etlplus.rpc.convert.expectations import to_expectation
from etlplus.v1 import pipeline_pb2, report_pb2


def to_plan_report(report: run.PlanReport) -> report_pb2.PlanReport:
    """What compiling found out."""
    return report_pb2.PlanReport(
        nodes=[
            report_pb2.NodeReport(
                name=node.name, kind=node.kind, columns=to_columns(node.columns), notes=node.notes
            )
            for node in report.nodes
        ],
        sinks=[
            report_pb2.SinkReport(
                name=sink.name,
                kind=sink.kind,
                target=sink.target,
                mode=sink.mode,
                create_statement=sink.create_statement,
                columns=to_columns(sink.columns),
                notes=sink.notes,
            )
            for sink in report.sinks
        ],
        explain=report.explain,
    )


def to_planned(survey: Survey) -> pipeline_pb2.PlanPipelineResponse:
    """What a run would do, without warnings."""
    return pipeline_pb2.PlanPipelineResponse(
        report=to_plan_report(survey.report),
        schema_diffs=[
            pipeline_pb2.SchemaDiff(
                sink=diff.sink.name,
                target=diff.sink.target,
                policy=diff.sink.policy,
                exists=diff.exists,
                changes=[
                    pipeline_pb2.ColumnChange(
                        column=each.column,
                        what=each.what,
                        before=each.before,
                        after=each.after,
                        rewrites=each.rewrites,
                    )
                    for each in diff.changes
                ],
                statements=diff.statements,
            )
            for diff in survey.diffs
        ],
        plan_hash=survey.plan_hash,
        expectation=to_expectation(survey.expectation) if survey.expectation else None,
        lineage=[_to_lineage(sink) for sink in survey.lineage],
    )


def _to_lineage(sink: SinkLineage) -> pipeline_pb2.SinkLineage:
    return pipeline_pb2.SinkLineage(
        sink=sink.sink,
        columns=[
            pipeline_pb2.ColumnLineage(
                column=each.column,
                origins=[
                    pipeline_pb2.SourceColumn(source=origin.source, column=origin.column)
                    for origin in each.origins
                ],
                unknown=each.unknown,
            )
            for each in sink.columns
        ],
    )


def to_columns(columns: Iterable[run.ColumnReport]) -> list[report_pb2.ColumnReport]:
    """Columns in order."""
    return [
        report_pb2.ColumnReport(name=column.name, type=column.type, nullable=column.nullable)
        for column in columns
    ]


def to_progress(progress: run.Progress) -> report_pb2.RunProgress:
    """Counters of a run."""
    return report_pb2.RunProgress(
        nodes=[
            report_pb2.NodeCounters(
                name=node.name,
                kind=node.kind,
                rows_in=node.rows_in,
                rows_out=node.rows_out,
                rejected=node.rejected,
                filtered=node.filtered,
                merged_away=node.merged_away,
                expanded=node.expanded,
                bytes=node.bytes,
                worked_micros=node.worked_micros,
            )
            for node in progress.nodes
        ],
        rows_read=progress.rows_read,
        bytes_read=progress.bytes_read,
        bytes_total=progress.bytes_total,
        rows_rejected=progress.rows_rejected,
        rows_staged=progress.rows_staged,
        peak_memory=progress.peak_memory,
        spilled_bytes=progress.spilled_bytes,
    )


def to_books(books: run.Books) -> report_pb2.Books:
    """A sink's books."""
    return report_pb2.Books(
        read=books.read,
        loaded=books.loaded,
        rejected=books.rejected,
        filtered=books.filtered,
        merged_away=books.merged_away,
        expanded=books.expanded,
        deleted=books.deleted,
    )


def to_counts(counts: Iterable[run.RejectCount]) -> list[report_pb2.RejectCount]:
    """How many rows were rejected by reason, or broke a rule that warns."""
    return [
        report_pb2.RejectCount(
            step=count.step,
            column=count.column,
            code=count.code,
            rows=count.rows,
            rule=count.rule,
        )
        for count in counts
    ]
