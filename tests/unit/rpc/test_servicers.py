"""Every method of the contract, called by its descriptor, without sockets and interceptors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2

from etlplus.domain.principal import Principal
from etlplus.domain.run import RejectRow
from etlplus.rpc.call import caller
from etlplus.rpc.services import contract_services
from etlplus.store.memory.stores import MemoryStores
from etlplus.v1 import connection_pb2, job_pb2, pipeline_pb2
from tests.unit.rpc.facade import Bench, LoopThread, Refused
from tests.wire.platform import ORDERS, SOURCE, WORKSPACE, Outside, make_use_cases

ROOT = Principal(id="root", kind="root", workspace="default", token_id="abc")
CRM = f"{WORKSPACE}/connections/crm"
SCHEDULED = SOURCE.rstrip() + '\nschedule: {cron: "@daily", params: {day: 2026-01-01}}\n'
NO_JOB = f"{WORKSPACE}/jobs/00000000-0000-7000-8000-000000000000"


@pytest.fixture
def bench() -> Iterator[Bench]:
    thread = LoopThread()
    outside = Outside(rows=[RejectRow("f.csv", 2, 9, "raw", "orders", "", "NUL_BYTE", "m", "")])
    try:
        yield Bench(contract_services(make_use_cases(MemoryStores(), outside)), thread, ROOT)
    finally:
        thread.stop()


def methods(bench: Bench) -> dict[str, MethodDescriptor]:
    return {method.name: method for service in bench.services for method in service.methods}


def connection() -> connection_pb2.Connection:
    options = {"host": "h", "database": "d", "user": "u"}
    return connection_pb2.Connection(name=CRM, kind="postgres", options=options)


def pipeline(text: str = SOURCE) -> pipeline_pb2.Pipeline:
    return pipeline_pb2.Pipeline(name=ORDERS, source_text=text)


def script() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each method once, in an order that works; JOB stands for the job that was made."""
    yield "WhoAmI", {}
    yield "GetServerInfo", {}
    yield "ListConnectors", {}
    yield "ListSteps", {}
    yield "ValidatePipeline", {"parent": WORKSPACE, "source_text": SOURCE}
    yield "CreatePipeline", {"parent": WORKSPACE, "pipeline": pipeline()}
    yield "GetPipeline", {"name": ORDERS}
    yield "ListPipelines", {"parent": WORKSPACE}
    yield "ListPipelineVersions", {"parent": ORDERS}
    yield "PlanPipeline", {"parent": WORKSPACE, "name": ORDERS}
    yield "PreviewPipeline", {"parent": WORKSPACE, "name": ORDERS}
    yield "RunPipeline", {"name": ORDERS}
    yield "GetJob", {"name": "JOB"}
    yield "ListJobs", {"parent": WORKSPACE}
    yield "CancelJob", {"name": "JOB"}
    yield "WatchJob", {"name": "JOB"}
    yield "TailJobLog", {"name": "JOB"}
    yield "ListRejects", {"parent": "JOB"}
    yield "UpdatePipeline", {"pipeline": pipeline(SCHEDULED)}
    yield "PausePipelineSchedule", {"name": ORDERS}
    yield "ResumePipelineSchedule", {"name": ORDERS}
    yield "ListUpcomingRuns", {"parent": ORDERS}
    yield "GetPipelineState", {"name": ORDERS}
    yield "ComparePipelineVersions", {"name": ORDERS, "old_version": 1, "new_version": 2}
    yield "RestorePipelineVersion", {"name": ORDERS, "version": 1}
    yield "DeletePipeline", {"name": ORDERS}
    yield (
        "CreateConnection",
        {"parent": WORKSPACE, "connection_id": "crm", "connection": connection()},
    )
    yield "UpdateConnection", {"connection": connection()}
    yield "GetConnection", {"name": CRM}
    yield "ListConnections", {"parent": WORKSPACE}
    yield "TestConnection", {"name": CRM}
    yield "DiscoverConnection", {"name": CRM}
    yield "DeleteConnection", {"name": CRM}


def test_every_method_answers_with_its_message(bench: Bench) -> None:
    known = methods(bench)
    job = ""
    answered = []
    for name, fields in script():
        method = known[name]
        filled = {key: job if value == "JOB" else value for key, value in fields.items()}
        answers = bench.call(method, GetMessageClass(method.input_type)(**filled))
        if name != "TailJobLog":  # a job that has not run has no log
            assert {answer.DESCRIPTOR.full_name for answer in answers} == {
                method.output_type.full_name
            }
        if name == "RunPipeline":
            job = answers[0].name
        answered.append(name)
    # These take a job that has published: tests/wire/test_rollback.py and its neighbours have one.
    others = ["RollbackJob", "ReplayRejects", "ResetPipelineState"]
    assert sorted([*answered, *others]) == sorted(known)


@pytest.mark.parametrize(
    ("name", "request_", "reason"),
    [
        ("GetPipeline", pipeline_pb2.GetPipelineRequest(name=ORDERS), "PIPELINE_NOT_FOUND"),
        (
            "GetPipelineState",
            pipeline_pb2.GetPipelineStateRequest(name=ORDERS),
            "PIPELINE_NOT_FOUND",
        ),
        (
            "ResetPipelineState",
            pipeline_pb2.ResetPipelineStateRequest(name=ORDERS),
            "PIPELINE_NOT_FOUND",
        ),
        ("RunPipeline", pipeline_pb2.RunPipelineRequest(name=ORDERS), "PIPELINE_NOT_FOUND"),
        ("GetJob", job_pb2.GetJobRequest(name=NO_JOB), "JOB_NOT_FOUND"),
        ("CancelJob", job_pb2.CancelJobRequest(name=NO_JOB), "JOB_NOT_FOUND"),
        ("RollbackJob", job_pb2.RollbackJobRequest(name=NO_JOB), "JOB_NOT_FOUND"),
        ("WatchJob", job_pb2.WatchJobRequest(name=NO_JOB), "JOB_NOT_FOUND"),
        ("TailJobLog", job_pb2.TailJobLogRequest(name=NO_JOB), "JOB_NOT_FOUND"),
        ("ListRejects", job_pb2.ListRejectsRequest(parent=NO_JOB), "JOB_NOT_FOUND"),
        ("GetConnection", connection_pb2.GetConnectionRequest(name=CRM), "CONNECTION_NOT_FOUND"),
        ("TestConnection", connection_pb2.TestConnectionRequest(name=CRM), "CONNECTION_NOT_FOUND"),
    ],
)
def test_what_is_missing_is_not_found(
    bench: Bench, name: str, request_: Message, reason: str
) -> None:
    with pytest.raises(Refused) as refused:
        bench.call(methods(bench)[name], request_)
    assert refused.value.code is grpc.StatusCode.NOT_FOUND
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in refused.value.status.details)
    assert info.reason == reason


def test_outside_of_a_call_there_is_no_caller() -> None:
    with pytest.raises(Exception, match="without one"):
        caller()
