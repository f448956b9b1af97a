"""Values become messages without losing anything: each field gets a value of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message

from etlplus.app.ports import CatalogueEntry
from etlplus.domain.arrival import FileTrigger, WatchState
from etlplus.domain.connection import (
    Connection,
    ConnectionCheck,
    ConnectionDraft,
    Table,
    TableColumn,
)
from etlplus.domain.cursor import CursorWindow
from etlplus.domain.events import EventKind, Heartbeat, JobEvent, NumberedLine, Snapshot
from etlplus.domain.job import Job, JobError, JobState, SinkResult, SinkRollback
from etlplus.domain.pipeline import Pipeline, PipelineVersion
from etlplus.domain.problem import Problem
from etlplus.domain.queueing import Wait, WaitReason
from etlplus.domain.replay import LeftOut, Replay, ReplayPlan, ReplaySource
from etlplus.domain.run import (
    Books,
    ColumnReport,
    NodeCounters,
    NodeReport,
    PlanReport,
    Progress,
    RejectCount,
    RejectRow,
    RejectSummary,
    SinkReport,
)
from etlplus.domain.schedule import Schedule, ScheduleState
from etlplus.domain.trigger import Triggers, TriggerState, Upstream
from etlplus.domain.window import SourceWindow
from etlplus.rpc.convert import catalogue, connections, jobs, pipelines, reports, times
from etlplus.v1 import connection_pb2, job_pb2, pipeline_pb2, plan_pb2

START = datetime(2026, 1, 31, 23, 59, 59, 123456, tzinfo=UTC)
FILES = FileTrigger("s", "in/*.csv")
WATCH = WatchState(1, START, "/in/a.csv", START, START, 2)
TRIGGERS = Triggers(("a",), files=FILES, webhook=("s",))
UID = UUID("01a20658-b996-7268-a1fc-09f9d8a6fc15")
PROGRESS = Progress(
    nodes=(NodeCounters("n", "csv", 1, 2, 3, 4, 5, 6, 7, 8),),
    rows_read=8,
    bytes_read=9,
    bytes_total=10,
    rows_rejected=11,
    rows_staged=12,
    peak_memory=13,
    spilled_bytes=14,
)
JOB = Job(
    workspace="w",
    uid=UID,
    pipeline="p",
    version=3,
    state=JobState.FAILED,
    params={"day": "2026-01-31"},
    author="root",
    create_time=START,
    attempt=2,
    epoch=4,
    cancel_requested=True,
    start_time=START + timedelta(seconds=1),
    end_time=START + timedelta(seconds=2),
    progress=PROGRESS,
    sinks=(
        SinkResult("s", "postgres", "a.b", "merge", Books(1, 2, 3, 4, 5, 6, 7), "c0de", UID.hex),
    ),
    rejects=RejectSummary(
        7,
        (RejectCount("step", "column", "NUL_BYTE", 7, "rule"),),
        "/secret/path",
        (RejectCount("step", "column", "RULE_BROKEN", 2, "rule"),),
    ),
    error=JobError("DISK_FULL", "message", "place", "hint"),
    warnings=(JobError("VOLUME_UNUSUAL", "message", "place", "hint"),),
    sequence=9,
    rollbacks=(SinkRollback("s", START + timedelta(seconds=3), "me", "why"),),
    scheduled_time=START,
    retries=2,
    retry_time=START,
    upstream=(UUID(int=1),),
    downstream=(UUID(int=2),),
    replay=Replay(
        UUID(int=8),
        START,
        ReplayPlan((ReplaySource("s", ("s",), 5),), (LeftOut("v", 2, "DUPLICATE_KEY", "why"),)),
    ),
    wait=Wait(WaitReason.RETRY, "retry 2 is to come", START),
    queue="heavy",
    windows=(SourceWindow("orders", CursorWindow("id", "bigint", upper="7")),),
    plan_hash="0123",
    arrived=("/in/a.csv",),
    arrived_count=1,
)
UPSTREAM = Upstream("a", 1, str(UID), JobState.FAILED, deleted=True)


def unset(message: Message, path: str = "") -> list[str]:
    """The fields that hold nothing, at any depth. Of a oneof one is enough."""
    found = []
    chosen = {oneof.name: message.WhichOneof(oneof.name) for oneof in message.DESCRIPTOR.oneofs}
    filled = {field.name: value for field, value in message.ListFields()}
    for field in message.DESCRIPTOR.fields:
        oneof = field.containing_oneof
        if field.name not in filled:
            if oneof is None or chosen[oneof.name] is None:
                found.append(path + field.name)
            continue
        value = filled[field.name]
        items = value if field.is_repeated else [value]
        for item in items:
            if isinstance(item, Message) and item.DESCRIPTOR.file.package == "etlplus.v1":
                found += unset(item, f"{path}{field.name}.")
    return found


def test_a_job_keeps_everything() -> None:
    message = jobs.to_job(JOB)
    assert unset(message) == []
    assert message.name == f"workspaces/w/jobs/{UID}"
    assert message.pipeline == "workspaces/w/pipelines/p"
    assert message.start_time.ToDatetime(UTC) == JOB.start_time
    assert "/secret/path" not in json_format.MessageToJson(message)


def test_a_job_that_has_not_begun_has_no_times_and_no_error() -> None:
    waiting = replace(JOB, start_time=None, end_time=None, error=None)
    message = jobs.to_job(waiting)
    for name in ("start_time", "end_time", "error"):
        assert not message.HasField(name)


@pytest.mark.parametrize("state", JobState)
def test_every_state_has_its_name(state: JobState) -> None:
    message = jobs.to_job(replace(JOB, state=state))
    assert job_pb2.Job.State.Name(message.state) == f"STATE_{state}"


def test_progress_and_books_keep_every_figure_apart() -> None:
    progress = json_format.MessageToDict(reports.to_progress(PROGRESS))
    assert progress["nodes"] == [
        {
            "name": "n",
            "kind": "csv",
            "rowsIn": "1",
            "rowsOut": "2",
            "rejected": "3",
            "filtered": "4",
            "mergedAway": "5",
            "expanded": "6",
            "bytes": "7",
            "workedMicros": "8",
        }
    ]
    assert unset(reports.to_progress(PROGRESS)) == []
    books = reports.to_books(Books(1, 2, 3, 4, 5, 6, 7))
    assert (books.read, books.loaded, books.rejected) == (1, 2, 3)
    assert (books.filtered, books.merged_away, books.expanded) == (4, 5, 6)
    assert books.deleted == 7


def test_a_plan_report_keeps_everything() -> None:
    columns = (ColumnReport("a", "bigint", nullable=True), ColumnReport("b", "date"))
    report = PlanReport(
        nodes=(NodeReport("n", "csv", columns, ("note",)),),
        sinks=(SinkReport("s", "postgres", "a.b", "append", "create table", columns, ("kept",)),),
        explain="explain",
    )
    message = reports.to_plan_report(report)
    assert unset(message) == []
    assert [column.name for column in message.nodes[0].columns] == ["a", "b"]


def test_the_events_of_a_watch() -> None:
    snapshot = jobs.to_event(Snapshot(5, JOB))
    assert (snapshot.sequence, snapshot.snapshot) == (5, jobs.to_job(JOB))
    event = JobEvent(6, START, EventKind.PROGRESS, JobState.RUNNING, 1, PROGRESS)
    progress = jobs.to_event(event)
    assert progress.time.ToDatetime(UTC) == START
    assert progress.progress == reports.to_progress(PROGRESS)
    alive = jobs.to_event(Heartbeat(7))
    assert (alive.sequence, alive.WhichOneof("event")) == (7, "heartbeat")


def test_a_log_line_and_a_reject_keep_everything() -> None:
    line = jobs.to_line(NumberedLine(1, START, "WARNING", "message", "node"))
    assert unset(line) == []
    assert line.level == "warning"
    reasons = '[{"column": "c", "code": "NUL_BYTE", "message": "m"}]'
    reject = jobs.to_reject(RejectRow("f", 2, 3, "raw", "s", "c", "NUL_BYTE", "m", reasons))
    assert unset(reject) == []


def test_a_reject_without_line_or_reasons_has_its_first_reason() -> None:
    reject = jobs.to_reject(RejectRow("", None, None, "{}", "s", "c", "NUL_BYTE", "m", ""))
    assert not reject.HasField("line")
    assert not reject.HasField("byte_offset")
    (reason,) = reject.reasons
    assert (reason.column, reason.code, reason.message) == ("c", "NUL_BYTE", "m")


def test_a_pipeline_and_its_version_keep_everything() -> None:
    spec = plan_pb2.PipelineSpec(api="etlplus/v1", name="p")
    stored = Pipeline(
        "w", "p", 2, "etag", pipelines.from_spec(spec), "text", "a", "m", "hash", START, START,
        ScheduleState(Schedule(cron="@daily"), START, START, False, START, str(UID), JOB.error),
        TriggerState(TRIGGERS, (UPSTREAM,), True, START, str(UID), JOB.error, WATCH),
    )  # fmt: skip
    message = pipelines.to_pipeline(stored)
    assert [
        name
        for name in unset(message)
        if not name.startswith("spec.") and name != "schedule_state.paused"
    ] == []
    assert message.spec == spec
    bare = pipelines.to_pipeline(stored, full=False)
    assert {*unset(bare)} == {"spec", "source_text", "schedule_state.paused"}
    version = PipelineVersion("w", "p", 2, b"", "text", "a", "m", "hash", START)
    assert unset(pipelines.to_version(version)) == []


def test_a_problem_keeps_everything() -> None:
    problem = Problem("E0103", "message", "path", 1, 2, 3, "excerpt", "hint", "warning")
    (message,) = pipelines.to_problems([problem])
    assert unset(message) == []
    assert message.severity == pipeline_pb2.Problem.Severity.SEVERITY_WARNING


def test_a_connection_goes_there_and_back() -> None:
    stored = Connection("w", "c", "postgres", {"host": "h"}, "env:X", "etag", START, START)
    message = connections.to_connection(stored)
    assert unset(message) == ["built_in"]
    assert connections.from_connection(message) == ConnectionDraft(
        "postgres", {"host": "h"}, "env:X"
    )
    given = connection_pb2.Connection(options={"host": "other"}, password="env:Y")
    merged = connections.merge_connection(stored, given, {"options"})
    assert merged == ConnectionDraft("postgres", {"host": "other"}, "env:X")


def test_what_a_connection_leads_to() -> None:
    table = Table("s", "t", "view", (TableColumn("c", "text", nullable=True),), ("c",), 5)
    found = connections.to_tables([table])
    assert unset(found) == ["truncated"]
    many = connections.to_tables([replace(table, rows=-1)] * 1001)
    assert (len(many.tables), many.truncated) == (1000, True)
    assert not many.tables[0].HasField("estimated_rows")
    check = ConnectionCheck("PostgreSQL 18", "d", "u", encrypted=True, elapsed_ms=5)
    assert connections.to_check(check).latency.ToMilliseconds() == 5


def test_kinds_come_with_their_schemas() -> None:
    entry = CatalogueEntry("csv", ("source", "sink", "connection"), "text", '{"type": "object"}')
    both = list(catalogue.to_connectors([entry]))
    assert [each.role for each in both] == [1, 2]
    assert both[0].schema["type"] == "object"
    (step,) = catalogue.to_steps([CatalogueEntry("map", ("step",), "text", "")])
    assert (step.kind, dict(step.schema)) == ("map", {})


def test_times_without_a_value_stay_unset() -> None:
    assert times.to_timestamp(None) is None
    assert times.to_duration(1500).ToTimedelta() == timedelta(seconds=1.5)
