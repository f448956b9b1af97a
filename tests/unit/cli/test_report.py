"""What people read of a job that has ended."""

from __future__ import annotations

from etlplus.cli.report import summary
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
