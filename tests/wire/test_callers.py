"""Who may call the services of the contract, and what the service says of itself."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.message_factory import GetMessageClass

from etlplus.client import connect_async
from etlplus.domain import errors
from etlplus.v1 import auth_pb2, job_pb2, pipeline_pb2, system_pb2
from tests.wire.platform import WORKSPACE, Platform
from tests.wire.served import info_of

SERVICES = ("Pipeline", "Job", "Connection", "System", "Auth")


def every_method() -> list[str]:
    pool = descriptor_pool.Default()
    services = [pool.FindServiceByName(f"etlplus.v1.{name}Service") for name in SERVICES]
    return [f"/{s.full_name}/{method.name}" for s in services for method in s.methods]


@pytest.mark.parametrize("method", every_method())
@pytest.mark.parametrize("headers", [(), (("authorization", "Bearer etlp_root_x_y"),)])
async def test_without_a_good_token_every_method_is_unauthenticated(
    served: Platform, method: str, headers: tuple[tuple[str, str], ...]
) -> None:
    service, _, name = method[1:].partition("/")
    described = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
    async with grpc.aio.insecure_channel(served.address) as channel:
        make: Any = channel.unary_stream if described.server_streaming else channel.unary_unary
        stub = make(method, request_serializer=lambda m: m.SerializeToString())
        call = stub(GetMessageClass(described.input_type)(), metadata=headers, timeout=10)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await (call.read() if described.server_streaming else call)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert info_of(refused.value).reason in {"TOKEN_MISSING", "TOKEN_INVALID"}


async def test_who_am_i(served: Platform) -> None:
    answer = await served.client.auth.WhoAmI(auth_pb2.WhoAmIRequest())
    assert answer.principal == "root"
    assert answer.workspaces == [WORKSPACE]
    assert answer.token_id
    assert answer.token_id in served.token
    assert not answer.HasField("expire_time")


async def test_server_info_connectors_and_steps(served: Platform) -> None:
    info = await served.client.system.GetServerInfo(system_pb2.GetServerInfoRequest())
    assert (info.version, info.engine_version, info.job_slots) == ("1.2.3", "4.5.6", 2)
    assert info.start_time.ToDatetime(UTC) == datetime(2026, 1, 31, tzinfo=UTC)
    listed = await served.client.system.ListConnectors(system_pb2.ListConnectorsRequest())
    roles = {(c.kind, c.role) for c in listed.connectors}
    assert ("csv", system_pb2.Connector.Role.ROLE_SOURCE) in roles
    assert ("postgres", system_pb2.Connector.Role.ROLE_SINK) in roles
    assert all(connector.schema.fields for connector in listed.connectors)
    steps = await served.client.system.ListSteps(system_pb2.ListStepsRequest())
    assert {"sql", "filter", "map", "join"} <= {step.kind for step in steps.steps}


async def test_another_workspace_is_closed(served: Platform) -> None:
    other = "workspaces/other"
    with pytest.raises(errors.PermissionDenied):
        await served.client.pipelines.ListPipelines(pipeline_pb2.ListPipelinesRequest(parent=other))
    with pytest.raises(errors.PermissionDenied):
        await served.client.jobs.GetJob(job_pb2.GetJobRequest(name=f"{other}/jobs/{uuid.uuid4()}"))


async def test_a_token_of_the_right_form_that_is_not_stored(served: Platform) -> None:
    wrong = served.token[:-1] + ("a" if served.token[-1] != "a" else "b")
    async with connect_async(served.address, token=wrong) as stranger:
        with pytest.raises(errors.Unauthenticated) as refused:
            await stranger.auth.WhoAmI(auth_pb2.WhoAmIRequest())
    assert refused.value.code == "TOKEN_INVALID"
    assert served.token not in str(refused.value)
