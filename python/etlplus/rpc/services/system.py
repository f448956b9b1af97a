"""Serves `etlplus.v1.SystemService`."""

from __future__ import annotations

from etlplus.app.system import System
from etlplus.rpc.call import Context
from etlplus.rpc.convert.catalogue import to_connectors, to_steps
from etlplus.rpc.convert.times import to_timestamp
from etlplus.v1 import system_pb2


class SystemServicer:
    """Translates; the use cases decide."""

    def __init__(self, system: System) -> None:
        self._system = system

    async def GetServerInfo(  # noqa: N802, D102 the contract's
        self, _request: system_pb2.GetServerInfoRequest, _context: Context
    ) -> system_pb2.GetServerInfoResponse:
        info = await self._system.info()
        return system_pb2.GetServerInfoResponse(
            version=info.version,
            engine_version=info.engine_version,
            languages=info.languages,
            database_version=info.database_version,
            embedded_database=info.embedded_database,
            start_time=to_timestamp(info.start_time),
            job_slots=info.job_slots,
            max_message_bytes=info.max_message_bytes,
        )

    async def ListConnectors(  # noqa: N802, D102 the contract's
        self, _request: system_pb2.ListConnectorsRequest, _context: Context
    ) -> system_pb2.ListConnectorsResponse:
        entries = await self._system.connectors()
        return system_pb2.ListConnectorsResponse(connectors=to_connectors(entries))

    async def ListSteps(  # noqa: N802, D102 the contract's
        self, _request: system_pb2.ListStepsRequest, _context: Context
    ) -> system_pb2.ListStepsResponse:
        return system_pb2.ListStepsResponse(steps=to_steps(await self._system.steps()))
