"""How the server starts listening and how it stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from etlplus.app.listening import is_loopback
from etlplus.domain.errors import InvalidInput, Unavailable
from etlplus.rpc.config import Certificate, ServerConfig
from etlplus.rpc.server import Server
from tests.wire.echo import Echo, call, echo_service
from tests.wire.served import LOCAL, Guests, info_of, quick, serving, status_of


def test_which_hosts_are_this_machine() -> None:
    local = ("127.0.0.1", "127.8.9.1", "::1", "localhost")
    assert all(is_loopback(host) for host in local)
    elsewhere = ("0.0.0.0", "::", "192.0.2.1", "no such host")  # noqa: S104 nothing listens
    assert not any(is_loopback(host) for host in elsewhere)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104 it is refused
async def test_plaintext_beyond_this_machine_is_refused(host: str) -> None:
    server = Server(ServerConfig(host=host, port=0), Guests(), [echo_service(Echo())])
    with pytest.raises(InvalidInput, match="no TLS"):
        await server.start()


async def test_plaintext_beyond_this_machine_can_be_allowed() -> None:
    config = ServerConfig(host="0.0.0.0", port=0, insecure_plaintext=True)  # noqa: S104 allowed
    async with serving([echo_service(Echo())], config=config) as (_, _channel, address):
        port = address.rpartition(":")[2]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            assert await call(channel, "One", ["a"], bearer="good") == ["good:a"]


async def test_a_port_that_is_taken_is_not_shared() -> None:
    async with serving([echo_service(Echo())]) as (_, _channel, address):
        config = replace(LOCAL, port=int(address.rpartition(":")[2]))
        second = Server(config, Guests(), [echo_service(Echo())])
        with pytest.raises(Unavailable, match="cannot listen"):
            await second.start()


async def test_a_certificate_that_is_none_is_refused() -> None:
    config = replace(LOCAL, certificate=Certificate(b"nonsense", b"nonsense"))
    server = Server(config, Guests(), [echo_service(Echo())])
    with pytest.raises((Unavailable, InvalidInput)):
        await server.start()


async def test_a_message_that_is_too_large_is_refused_and_the_server_lives() -> None:
    config = replace(LOCAL, max_message_bytes=10_000)
    async with serving([echo_service(Echo())], config=config) as (_, channel, _address):
        for kind in ("One", "Down", "Up", "Both"):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call(channel, kind, ["x" * 20_000], bearer="good")
            assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert await call(channel, "One", ["a"], bearer="good") == ["good:a"]


async def test_a_stop_lets_calls_finish_and_takes_no_more() -> None:
    echo = Echo()
    release = asyncio.Event()

    async def slow(text: str) -> str:
        echo.started.set()
        await release.wait()
        return text

    echo._answer = slow  # type: ignore[method-assign]  # noqa: SLF001 the test's own object
    async with serving([echo_service(echo)]) as (server, channel, _address):
        running = asyncio.create_task(call(channel, "One", ["a"], bearer="good"))
        await asyncio.wait_for(echo.started.wait(), 10)
        stopping = asyncio.create_task(server.stop())
        while True:
            # Until the listener is closed a call may still get in; it then waits for `release`.
            try:
                await call(channel, "One", ["b"], bearer="good", timeout=0.2)
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.UNAVAILABLE:
                    break
        release.set()
        assert await running == ["a"]
        await asyncio.wait_for(stopping, 10)
        await asyncio.wait_for(server.wait(), 10)


async def test_a_stop_cancels_calls_that_outlast_the_grace_period() -> None:
    echo = Echo()
    async with serving([echo_service(echo)], config=quick()) as (server, channel, _address):
        running = asyncio.create_task(call(channel, "Down", ["forever"], bearer="good"))
        await asyncio.wait_for(echo.started.wait(), 10)
        await asyncio.wait_for(server.stop(), 10)
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await running
        assert ended.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
        await asyncio.wait_for(echo.cancelled.wait(), 10)


async def _rest(watch: AsyncIterator[Any]) -> None:
    """Reads on to the end; nothing but NOT_SERVING may come."""
    async for answer in watch:
        assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_a_stop_says_not_serving_and_ends_open_watches_with_advice() -> None:
    config = replace(LOCAL, grace_seconds=300)
    async with serving([echo_service(Echo())], config=config) as (server, channel, _address):
        stub: Any = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest())
        told = aiter(watch)
        assert (await anext(told)).status == health_pb2.HealthCheckResponse.SERVING
        stopping = asyncio.create_task(server.stop())
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await _rest(told)
        assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
        assert info_of(ended.value).reason == "DRAINING"
        retry = error_details_pb2.RetryInfo()
        assert any(detail.Unpack(retry) for detail in status_of(ended.value).details)
        assert retry.retry_delay.seconds == 1
        # With 300 s of grace, only the end of the watch lets this finish.
        await asyncio.wait_for(stopping, 30)
