"""ConnectionService over the real use cases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from etlplus.domain import errors
from etlplus.v1 import connection_pb2
from tests.wire.platform import WORKSPACE, Platform


async def test_connections(served: Platform) -> None:
    client = served.client.connections
    options = {"host": "h", "database": "d", "user": "u"}
    created = await client.CreateConnection(
        connection_pb2.CreateConnectionRequest(
            parent=WORKSPACE,
            connection_id="crm",
            connection=connection_pb2.Connection(
                kind="postgres", options=options, password="env:CRM_PASSWORD"
            ),
        )
    )
    assert created.name == f"{WORKSPACE}/connections/crm"
    changed = await client.UpdateConnection(
        connection_pb2.UpdateConnectionRequest(
            connection=connection_pb2.Connection(
                name=created.name, options={**options, "host": "other"}, etag=created.etag
            ),
            update_mask=FieldMask(paths=["options"]),
        )
    )
    assert (changed.options["host"], changed.password) == ("other", "env:CRM_PASSWORD")
    with pytest.raises(errors.EtagMismatch):
        await client.DeleteConnection(
            connection_pb2.DeleteConnectionRequest(name=created.name, etag=created.etag)
        )
    listed = await client.ListConnections(connection_pb2.ListConnectionsRequest(parent=WORKSPACE))
    assert [(c.name.rpartition("/")[2], c.built_in) for c in listed.connections] == [
        ("crm", False),
        ("local", True),
    ]
    await client.DeleteConnection(connection_pb2.DeleteConnectionRequest(name=created.name))
    with pytest.raises(errors.NotFound):
        await client.GetConnection(connection_pb2.GetConnectionRequest(name=created.name))


async def test_looking_through_a_connection(served: Platform) -> None:
    local = f"{WORKSPACE}/connections/local"
    client = served.client.connections
    checked = await client.TestConnection(connection_pb2.TestConnectionRequest(name=local))
    assert checked.server == "PostgreSQL 18.4"
    assert checked.latency.ToTimedelta() == timedelta(seconds=1.5)
    request = connection_pb2.DiscoverConnectionRequest(name=local, schema="public")
    found = await client.DiscoverConnection(request)
    (table,) = found.tables
    assert (table.name, list(table.primary_key), table.estimated_rows) == ("orders", ["id"], 7)
    served.outside.error = errors.RunError("refused", code="CONNECTION_FAILED", hint="log in")
    with pytest.raises(errors.RunError) as failed:
        await client.TestConnection(connection_pb2.TestConnectionRequest(name=local))
    assert (failed.value.code, failed.value.hint) == ("CONNECTION_FAILED", "log in")
