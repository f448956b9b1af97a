"""Serves `etlplus.v1.ConnectionService`."""

from __future__ import annotations

from typing import Final

from google.protobuf.empty_pb2 import Empty

from etlplus.app.connections import Connections
from etlplus.rpc.call import Context, caller
from etlplus.rpc.convert import connections as convert
from etlplus.rpc.convert.masks import fields_to_change
from etlplus.v1 import connection_pb2

_CHANGEABLE: Final = ("options", "password")


class ConnectionServicer:
    """Translates; the use cases decide."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def CreateConnection(  # noqa: N802, D102 the contract's
        self, request: connection_pb2.CreateConnectionRequest, _context: Context
    ) -> connection_pb2.Connection:
        created = await self._connections.create(
            caller(),
            request.parent,
            request.connection_id,
            convert.from_connection(request.connection),
            request_id=request.request_id,
            validate_only=request.validate_only,
        )
        return convert.to_connection(created)

    async def GetConnection(  # noqa: N802, D102 the contract's
        self, request: connection_pb2.GetConnectionRequest, _context: Context
    ) -> connection_pb2.Connection:
        return convert.to_connection(await self._connections.get(caller(), request.name))

    async def ListConnections(  # noqa: N802, D102 the contract's
        self, request: connection_pb2.ListConnectionsRequest, _context: Context
    ) -> connection_pb2.ListConnectionsResponse:
        page = await self._connections.list(
            caller(), request.parent, size=request.page_size, page_token=request.page_token
        )
        return connection_pb2.ListConnectionsResponse(
            connections=[convert.to_connection(item) for item in page.items],
            next_page_token=page.next_token,
        )

    async def UpdateConnection(  # noqa: N802, D102 the contract's
        self, request: connection_pb2.UpdateConnectionRequest, _context: Context
    ) -> connection_pb2.Connection:
        given = request.connection
        changed = fields_to_change(given, request.update_mask, _CHANGEABLE)
        now = await self._connections.get(caller(), given.name)
        updated = await self._connections.update(
            caller(),
            given.name,
            convert.merge_connection(now, given, changed),
            # What is not sent comes from `now`, so nobody else's change may slip in between.
            etag=given.etag or now.etag,
            request_id=request.request_id,
            validate_only=request.validate_only,
        )
        return convert.to_connection(updated)

    async def DeleteConnection(  # noqa: N802, D102 the contract's
        self, request: connection_pb2.DeleteConnectionRequest, _context: Context
    ) -> Empty:
        await self._connections.delete(
            caller(),
            request.name,
            etag=request.etag,
            request_id=request.request_id,
            validate_only=request.validate_only,
        )
        return Empty()

    async def TestConnection(  # noqa: N802, D102 the contract's
        self, request: connection_pb2.TestConnectionRequest, _context: Context
    ) -> connection_pb2.TestConnectionResponse:
        return convert.to_check(await self._connections.test(caller(), request.name))

    async def DiscoverConnection(  # noqa: N802, D102 the contract's
        self, request: connection_pb2.DiscoverConnectionRequest, _context: Context
    ) -> connection_pb2.DiscoverConnectionResponse:
        found = await self._connections.discover(caller(), request.name, schema=request.schema)
        return convert.to_tables(found)
