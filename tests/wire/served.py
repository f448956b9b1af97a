"""A real server on a free port of this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import grpc
from google.rpc import error_details_pb2, status_pb2

from etlplus.domain.errors import PermissionDenied, Unauthenticated
from etlplus.domain.principal import Principal
from etlplus.rpc.authenticator import Authenticator
from etlplus.rpc.config import ServerConfig
from etlplus.rpc.registration import Service
from etlplus.rpc.server import Server

LOCAL = ServerConfig(host="127.0.0.1", port=0, grace_seconds=5.0)


class Guests:
    """Takes tokens that begin with `good`; `good-weak` may do nothing."""

    async def authenticate(self, token: str, /) -> Principal:
        if not token.startswith("good"):
            raise Unauthenticated("the token is not known")
        return Principal(id="guest", kind="root", workspace="default", token_id=token)

    def authorize(self, principal: Principal, verb: str, resource: str, /) -> None:
        if principal.token_id == "good-weak":
            raise PermissionDenied(f"{principal.id} may not {verb} {resource}")


@asynccontextmanager
async def serving(
    services: Sequence[Service],
    *,
    config: ServerConfig = LOCAL,
    authenticator: Authenticator | None = None,
) -> AsyncIterator[tuple[Server, grpc.aio.Channel, str]]:
    """A started server, a channel to it, and its address."""
    server = Server(config, authenticator or Guests(), services)
    address = await server.start()
    try:
        async with grpc.aio.insecure_channel(address) as channel:
            yield server, channel, address
    finally:
        await server.stop()


def quick(config: ServerConfig = LOCAL) -> ServerConfig:
    """A server that does not wait for calls when it stops."""
    return replace(config, grace_seconds=0.0)


def status_of(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    """The rich status in the trailers of a failed call."""
    found = [v for k, v in error.trailing_metadata() or () if k == "grpc-status-details-bin"]
    (serialized,) = found
    assert isinstance(serialized, bytes)
    return status_pb2.Status.FromString(serialized)


def info_of(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    """The ErrorInfo in the trailers of a failed call."""
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status_of(error).details)
    return info
