"""A connection to a server: channel, credentials, retries and typed stubs in one."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import grpc

from etlplus.client.asynchronous import AsyncStream, AsyncUnary
from etlplus.client.blocking import Blocking
from etlplus.client.options import channel_options
from etlplus.client.outgoing import Outgoing
from etlplus.client.target import Target, resolve
from etlplus.v1.auth_pb2_grpc import AuthServiceStub
from etlplus.v1.connection_pb2_grpc import ConnectionServiceStub
from etlplus.v1.job_pb2_grpc import JobServiceStub
from etlplus.v1.pipeline_pb2_grpc import PipelineServiceStub
from etlplus.v1.system_pb2_grpc import SystemServiceStub


class Client:
    """Blocking stubs over one channel. Threads may share it. Close it, or use it in `with`."""

    def __init__(self, channel: grpc.Channel, outgoing: Outgoing) -> None:
        self._channel = channel
        self.channel = grpc.intercept_channel(channel, Blocking(outgoing))
        self.auth = AuthServiceStub(self.channel)
        self.pipelines = PipelineServiceStub(self.channel)
        self.jobs = JobServiceStub(self.channel)
        self.connections = ConnectionServiceStub(self.channel)
        self.system = SystemServiceStub(self.channel)

    def close(self) -> None:
        """Closes the channel and cancels what is still going on."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class AsyncClient:
    """Asyncio stubs over one channel. It belongs to the loop that made it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self.auth = AuthServiceStub(channel)
        self.pipelines = PipelineServiceStub(channel)
        self.jobs = JobServiceStub(channel)
        self.connections = ConnectionServiceStub(channel)
        self.system = SystemServiceStub(channel)

    async def close(self) -> None:
        """Closes the channel and cancels what is still going on."""
        await self.channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


def connect(
    target: str,
    *,
    token: str | None = None,
    tls: bool | None = None,
    ca: Path | bytes | None = None,
    insecure_plaintext: bool = False,
) -> Client:
    """A blocking client. Nothing is sent before the first call.

    Args:
        target: HOST:PORT.
        token: goes with each call.
        tls: None means TLS unless the target is this machine.
        ca: PEM certificates of the authorities to trust, or their file; the system's if None.
        insecure_plaintext: allows plaintext to other machines.

    Raises:
        InvalidInput: `target` is no HOST:PORT, or is elsewhere and TLS is off.
    """
    found = resolve(target, tls=tls, ca=ca, insecure_plaintext=insecure_plaintext)
    options = channel_options()
    channel = (
        grpc.insecure_channel(found.address, options)
        if found.credentials is None
        else grpc.secure_channel(found.address, found.credentials, options)
    )
    return Client(channel, Outgoing(found.address, token))


def connect_async(
    target: str,
    *,
    token: str | None = None,
    tls: bool | None = None,
    ca: Path | bytes | None = None,
    insecure_plaintext: bool = False,
) -> AsyncClient:
    """As `connect`, for asyncio. Call it where the loop runs."""
    found = resolve(target, tls=tls, ca=ca, insecure_plaintext=insecure_plaintext)
    return AsyncClient(_async_channel(found, Outgoing(found.address, token)))


def _async_channel(target: Target, outgoing: Outgoing) -> grpc.aio.Channel:
    interceptors = [AsyncUnary(outgoing), AsyncStream(outgoing)]
    if target.credentials is None:
        return grpc.aio.insecure_channel(
            target.address, options=channel_options(), interceptors=interceptors
        )
    return grpc.aio.secure_channel(
        target.address, target.credentials, options=channel_options(), interceptors=interceptors
    )
