"""What people read of a job that has ended."""

from __future__ import annotations

from etlplus.cli.report import details, summary
from etlplus.v1 import job_pb2, report_pb2


def test_rules_that_only_warn_are_reported_by_name() -> None:
    warned = report_pb2.RejectCount(
        step="checked", column="amount", code="RULE_BROKEN", rows=12, rule="positive"
    )
    unnamed = report_pb2.RejectCount(step="checked", column="word", code="NOT_ALLOWED", rows=2)
    job = job_pb2.Job(rejects=job_pb2.RejectsSummary(warnings=[warned, unnamed]))
    lines = [line.split() for line in summary(job).splitlines()]
    assert ["checked", "positive", "RULE_BROKEN", "12"] in lines
    assert ["checked", "word", "NOT_ALLOWED", "2"] in lines
    assert not any("REFUSED" in line for line in lines)


def test_details_say_what_each_step_did_and_how_long() -> None:
    sorted_rows = report_pb2.NodeCounters(
        name="ordered", kind="sort", rows_in=1200, rows_out=1200, worked_micros=1_500_000
    )
    job = job_pb2.Job(progress=report_pb2.RunProgress(nodes=[sorted_rows]))
    lines = [line.split() for line in details(job).splitlines()]
    assert ["ordered", "sort", "1", "200", "1", "200", "0", "0", "0", "0", "1.5", "s"] in lines
    assert details(job_pb2.Job()) == summary(job_pb2.Job())
