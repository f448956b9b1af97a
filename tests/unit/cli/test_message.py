"""Messages as plain data."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.struct_pb2 import Struct

from etlplus.cli.message import plain
from etlplus.v1 import connection_pb2, job_pb2, report_pb2, system_pb2


def test_numbers_stay_numbers_and_states_are_words() -> None:
    job = job_pb2.Job(
        uid="u",
        state=job_pb2.Job.STATE_FAILED,
        params={"day": "2026-01-31"},
        create_time=datetime(2026, 1, 31, tzinfo=UTC),
        sinks=[job_pb2.SinkResult(name="out", books=report_pb2.Books(read=1 << 40))],
    )
    shown = plain(job)
    assert shown["state"] == "FAILED"
    assert shown["params"] == {"day": "2026-01-31"}
    assert shown["create_time"] == "2026-01-31T00:00:00Z"
    assert shown["sinks"][0]["books"]["read"] == 1 << 40
    assert shown["cancel_requested"] is False


def test_messages_that_are_not_set_are_left_out() -> None:
    shown = plain(job_pb2.Job())
    assert "error" not in shown
    assert "end_time" not in shown


def test_durations_and_free_structures() -> None:
    answer = connection_pb2.TestConnectionResponse(server="PostgreSQL 18")
    answer.latency.FromMilliseconds(1500)
    assert plain(answer) == {"server": "PostgreSQL 18", "latency": 1.5}
    schema = Struct()
    schema.update({"type": "object"})
    assert plain(system_pb2.StepKind(kind="map", schema=schema))["schema"] == {"type": "object"}
