from __future__ import annotations

import pytest

from etlplus.app.ports import Stores
from etlplus.domain.connection import ConnectionDraft
from etlplus.domain.errors import AlreadyExists, EtagMismatch, NotFound
from tests.conformance.drafts import WORKSPACE

CRM = ConnectionDraft("postgres", {"host": "db", "port": "5432"}, "env:CRM_PASSWORD")


async def test_a_connection_is_read_as_it_was_made(stores: Stores) -> None:
    made = await stores.connections.create(WORKSPACE, "crm", CRM)
    assert made == await stores.connections.get(WORKSPACE, "crm")
    assert (made.kind, made.options, made.password) == (CRM.kind, CRM.options, CRM.password)


async def test_a_name_is_taken_once(stores: Stores) -> None:
    await stores.connections.create(WORKSPACE, "crm", CRM)
    with pytest.raises(AlreadyExists) as caught:
        await stores.connections.create(WORKSPACE, "crm", CRM)
    assert caught.value.code == "CONNECTION_EXISTS"


async def test_an_update_replaces_everything(stores: Stores) -> None:
    made = await stores.connections.create(WORKSPACE, "crm", CRM)
    changed = ConnectionDraft("postgres", {"host": "db2"}, "")
    updated = await stores.connections.update(WORKSPACE, "crm", changed, etag=made.etag)
    assert (updated.options, updated.password) == ({"host": "db2"}, "")
    assert updated.etag != made.etag
    with pytest.raises(EtagMismatch):
        await stores.connections.update(WORKSPACE, "crm", CRM, etag=made.etag)
    with pytest.raises(EtagMismatch):
        await stores.connections.delete(WORKSPACE, "crm", etag=made.etag)


async def test_a_deleted_connection_is_gone(stores: Stores) -> None:
    await stores.connections.create(WORKSPACE, "crm", CRM)
    await stores.connections.delete(WORKSPACE, "crm")
    for attempt in (
        stores.connections.get(WORKSPACE, "crm"),
        stores.connections.update(WORKSPACE, "crm", CRM),
        stores.connections.delete(WORKSPACE, "crm"),
    ):
        with pytest.raises(NotFound) as caught:
            await attempt
        assert caught.value.code == "CONNECTION_NOT_FOUND"
    assert (await stores.connections.create(WORKSPACE, "crm", CRM)).name == "crm"


async def test_pages_follow_each_other_without_gap(stores: Stores) -> None:
    names = ["a", "b", "c"]
    for name in names:
        await stores.connections.create(WORKSPACE, name, CRM)
    first = await stores.connections.list(WORKSPACE, limit=2)
    rest = await stores.connections.list(WORKSPACE, after=first[-1].name, limit=2)
    assert [each.name for each in (*first, *rest)] == names
