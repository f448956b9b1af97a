"""Connections, and what looking at one finds."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from etlplus.domain import names
from etlplus.domain.connection import Connection, ConnectionCheck, ConnectionDraft, Table
from etlplus.rpc.convert.times import to_duration, to_timestamp
from etlplus.v1 import connection_pb2, report_pb2

_MOST_TABLES = 1000


def to_connection(connection: Connection) -> connection_pb2.Connection:
    """A connection; its password is a reference, never a value."""
    return connection_pb2.Connection(
        name=names.connection_name(connection.workspace, connection.name),
        kind=connection.kind,
        options=connection.options,
        password=connection.password,
        built_in=connection.name == names.LOCAL_CONNECTION,
        etag=connection.etag,
        create_time=to_timestamp(connection.create_time),
        update_time=to_timestamp(connection.update_time),
    )


def from_connection(message: connection_pb2.Connection) -> ConnectionDraft:
    """What a caller wants to be stored."""
    return ConnectionDraft(
        kind=message.kind, options=dict(message.options), password=message.password
    )


def merge_connection(
    now: Connection, given: connection_pb2.Connection, changed: Collection[str]
) -> ConnectionDraft:
    """The stored connection with the changed fields of what a caller sent."""
    return ConnectionDraft(
        kind=given.kind or now.kind,
        options=dict(given.options) if "options" in changed else now.options,
        password=given.password if "password" in changed else now.password,
    )


def to_check(check: ConnectionCheck) -> connection_pb2.TestConnectionResponse:
    """What answered."""
    return connection_pb2.TestConnectionResponse(
        server=check.server, latency=to_duration(check.elapsed_ms)
    )


def to_tables(tables: Sequence[Table]) -> connection_pb2.DiscoverConnectionResponse:
    """The first thousand tables."""
    return connection_pb2.DiscoverConnectionResponse(
        tables=[_to_table(table) for table in tables[:_MOST_TABLES]],
        truncated=len(tables) > _MOST_TABLES,
    )


def _to_table(table: Table) -> connection_pb2.Table:
    return connection_pb2.Table(
        schema=table.schema,
        name=table.name,
        kind=table.kind,
        columns=[
            report_pb2.ColumnReport(name=column.name, type=column.type, nullable=column.nullable)
            for column in table.columns
        ],
        primary_key=table.keys,
        estimated_rows=None if table.rows < 0 else table.rows,
    )
