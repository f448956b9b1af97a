"""What no rule allows is denied, and a contract without rules is not served."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from etlplus.domain.errors import Bug
from etlplus.rpc.access import HEALTH_METHODS, REFLECTION_METHODS, Access, Rule
from etlplus.rpc.registration import Service
from etlplus.rpc.server import Server
from tests.wire.echo import KINDS, Echo, call, describe, echo_service
from tests.wire.served import LOCAL, Guests, info_of, serving


async def test_a_method_without_requires_stops_the_server_from_being_made() -> None:
    silent = Service(describe("Silent", requires=False), Echo())
    with pytest.raises(Bug, match=r"tests\.Silent\.One does not say what it requires"):
        Server(LOCAL, Guests(), [echo_service(Echo()), silent])


async def test_a_right_without_a_verb_stops_the_server_from_being_made() -> None:
    with pytest.raises(Bug, match="requires no verb"):
        Server(LOCAL, Guests(), [Service(describe("Mute", verb=""), Echo())])


async def test_a_method_that_nothing_serves_stops_the_server_from_being_made() -> None:
    with pytest.raises(Bug, match=r"nothing serves tests\.Echo\.One"):
        Server(LOCAL, Guests(), [Service(describe("Echo"), object())])


@pytest.mark.parametrize(
    "method",
    [
        "/etlplus.v1.JobService/Check",
        "/etlplus.v1.JobService/GetJob/grpc.health.v1.Health/Check",
        "grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Check/",
        "/grpc.health.v1.Health/check",
        "/x/grpc.health.v1.Health/Check",
        "",
    ],
)
def test_methods_that_look_like_exempt_ones_are_denied(method: str) -> None:
    assert Access([describe("Echo")]).rule(method) is Rule.DENIED


@pytest.mark.parametrize("kind", KINDS)
async def test_a_method_outside_of_the_table_is_denied_to_everybody(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    echo = Echo()
    monkeypatch.setattr(Access, "rule", lambda *_: Rule.DENIED)
    async with serving([echo_service(echo)]) as (_, channel, _address):
        # A client that still sends while it is refused may only learn that sending failed.
        upward, _ = KINDS[kind]
        sent = [] if upward else ["a"]
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(channel, kind, sent, bearer="good")
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert echo.callers == []


async def test_an_unknown_method_is_unimplemented() -> None:
    async with serving([echo_service(Echo())]) as (_, channel, _address):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(channel, "One", ["a"], bearer="good", service="tests.Nobody")
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_health_needs_no_token() -> None:
    async with serving([echo_service(Echo())]) as (_, channel, _address):
        stub: Any = health_pb2_grpc.HealthStub(channel)
        for service in ("", "tests.Echo"):
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Check(health_pb2.HealthCheckRequest(service="nobody"))
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND
        ask: Any = channel.unary_unary("/grpc.health.v1.Health/List")
        listed = await ask(b"")
        assert b"tests.Echo" in listed
        watch = stub.Watch(health_pb2.HealthCheckRequest(service="nobody"))
        first = await watch.read()
        assert first.status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
        watch.cancel()


async def _listed(
    channel: grpc.aio.Channel, method: str, metadata: tuple[tuple[str, str], ...]
) -> set[str]:
    stub = channel.stream_stream(
        method,
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    made = stub(iter([reflection_pb2.ServerReflectionRequest(list_services="")]), metadata=metadata)
    answers = [answer async for answer in made]
    return {service.name for a in answers for service in a.list_services_response.service}


@pytest.mark.parametrize("method", REFLECTION_METHODS)
async def test_reflection_lists_services_to_those_with_a_token(method: str) -> None:
    async with serving([echo_service(Echo())]) as (_, channel, _address):
        found = await _listed(channel, method, (("authorization", "Bearer good"),))
        assert {"tests.Echo", "grpc.health.v1.Health"} <= found
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await _listed(channel, method, ())
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("method", REFLECTION_METHODS)
async def test_reflection_can_be_opened_and_closed(method: str) -> None:
    opened = replace(LOCAL, reflection_without_token=True)
    async with serving([echo_service(Echo())], config=opened) as (_, channel, _address):
        assert "tests.Echo" in await _listed(channel, method, ())
    closed = replace(LOCAL, reflection=False)
    async with serving([echo_service(Echo())], config=closed) as (_, channel, _address):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await _listed(channel, method, (("authorization", "Bearer good"),))
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_the_table_of_exemptions_is_what_was_decided() -> None:
    access = Access([])
    assert {access.rule(method) for method in HEALTH_METHODS} == {Rule.ANYONE}
    assert {access.rule(method) for method in REFLECTION_METHODS} == {Rule.AUTHENTICATED}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("bearer", "expected"),
    [
        ("bad", grpc.StatusCode.UNAUTHENTICATED),
        ("good-weak", grpc.StatusCode.PERMISSION_DENIED),
        ("good", grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_bytes_that_are_no_message_are_looked_into_last(
    kind: str, bearer: str, expected: grpc.StatusCode
) -> None:
    async with serving([echo_service(Echo())]) as (_, channel, _address):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(channel, kind, ["\xff\xff"], bearer=bearer, raw=True)
        assert refused.value.code() is expected
        assert info_of(refused.value).domain == "etlplus"
        assert await call(channel, kind, ["a"], bearer="good") == ["good:a"]
