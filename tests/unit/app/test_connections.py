"""Use cases of connections."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from etlplus.domain.connection import ConnectionDraft
from etlplus.domain.errors import (
    AlreadyExists,
    EtagMismatch,
    InvalidInput,
    NotFound,
    RunError,
    WrongState,
)
from tests.unit.app.service import ME, PARENT, Service

NAME = f"{PARENT}/connections/crm"
LOCAL = f"{PARENT}/connections/local"
DRAFT = ConnectionDraft("postgres", {"host": "db", "database": "crm", "user": "etl"}, "")


async def test_connections_are_kept(service: Service) -> None:
    made = await service.connections.create(ME, PARENT, "crm", DRAFT)
    assert await service.connections.get(ME, NAME) == made
    with pytest.raises(AlreadyExists) as caught:
        await service.connections.create(ME, PARENT, "crm", DRAFT)
    assert caught.value.code == "CONNECTION_EXISTS"
    changed = replace(DRAFT, password="env:CRM_PASSWORD")
    now = await service.connections.update(ME, NAME, changed, etag=made.etag)
    assert now.password == "env:CRM_PASSWORD"
    with pytest.raises(EtagMismatch):
        await service.connections.update(ME, NAME, changed, etag=made.etag)
    await service.connections.delete(ME, NAME, etag=now.etag)
    with pytest.raises(NotFound) as missing:
        await service.connections.get(ME, NAME)
    assert missing.value.code == "CONNECTION_NOT_FOUND"


async def test_repeated_requests_get_the_first_answer(service: Service) -> None:
    one, two, three = (str(uuid4()) for _ in range(3))
    made = [
        await service.connections.create(ME, PARENT, "crm", DRAFT, request_id=one) for _ in range(2)
    ]
    assert made[0] == made[1]
    for _ in range(2):
        await service.connections.update(
            ME, NAME, replace(DRAFT, password="file:/x"), etag=made[0].etag, request_id=two
        )
    for _ in range(2):
        await service.connections.delete(ME, NAME, request_id=three)


async def test_trying_changes_nothing(service: Service) -> None:
    tried = await service.connections.create(ME, PARENT, "crm", DRAFT, validate_only=True)
    assert tried.name == "crm"
    with pytest.raises(NotFound):
        await service.connections.get(ME, NAME)
    made = await service.connections.create(ME, PARENT, "crm", DRAFT)
    changed = replace(DRAFT, password="env:X")
    assert (
        await service.connections.update(ME, NAME, changed, validate_only=True)
    ).password == "env:X"
    await service.connections.delete(ME, NAME, validate_only=True)
    assert await service.connections.get(ME, NAME) == made


@pytest.mark.parametrize(
    ("draft", "place"),
    [
        (replace(DRAFT, kind="oracle"), "kind"),
        (replace(DRAFT, options={**DRAFT.options, "password": "x"}), "options.password"),
        (replace(DRAFT, options={**DRAFT.options, "hots": "x"}), "options.hots"),
        (replace(DRAFT, options={"host": "db", "database": "x"}), "options.user"),
        (replace(DRAFT, options={**DRAFT.options, "host": "a\nb"}), "options.host"),
        (replace(DRAFT, options={**DRAFT.options, "port": "0"}), "options.port"),
        (replace(DRAFT, options={**DRAFT.options, "port": "x"}), "options.port"),
        (replace(DRAFT, options={**DRAFT.options, "sslmode": "maybe"}), "options.sslmode"),
        (replace(DRAFT, password="hunter2"), "password"),
    ],
)
async def test_options_are_checked(service: Service, draft: ConnectionDraft, place: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await service.connections.create(ME, PARENT, "crm", draft)
    assert (caught.value.code, caught.value.place) == ("CONNECTION_OPTION_INVALID", place)
    assert "hunter2" not in str(caught.value)


async def test_ids_are_checked(service: Service) -> None:
    with pytest.raises(InvalidInput) as caught:
        await service.connections.create(ME, PARENT, "CRM", DRAFT)
    assert caught.value.code == "NAME_INVALID"


async def test_the_built_in_connection_is_there_and_stays(service: Service) -> None:
    local = await service.connections.get(ME, LOCAL)
    assert local.options["database"] == "warehouse"
    with pytest.raises(AlreadyExists):
        await service.connections.create(ME, PARENT, "local", DRAFT)
    with pytest.raises(WrongState) as caught:
        await service.connections.update(ME, LOCAL, DRAFT)
    assert caught.value.code == "CONNECTION_BUILT_IN"
    with pytest.raises(WrongState):
        await service.connections.delete(ME, LOCAL)


async def test_lists_hold_the_built_in_one_in_its_place(service: Service) -> None:
    for name in ("crm", "mart", "zoo"):
        await service.connections.create(ME, PARENT, name, DRAFT)
    found: list[str] = []
    token = ""
    while True:
        page = await service.connections.list(ME, PARENT, size=1, page_token=token)
        found += [item.name for item in page.items]
        token = page.next_token
        if not token:
            break
    assert found == ["crm", "local", "mart", "zoo"]
    everything = await service.connections.list(ME, PARENT)
    assert [item.name for item in everything.items] == found


async def test_connections_are_tested_and_discovered(service: Service) -> None:
    assert (await service.connections.test(ME, LOCAL)).user == "me"
    tables = await service.connections.discover(ME, LOCAL)
    assert [table.name for table in tables] == ["one", "two"]
    crm = await service.connections.discover(ME, LOCAL, schema="crm")
    assert [table.name for table in crm] == ["two"]


async def test_a_password_that_is_not_set_is_said_to(service: Service) -> None:
    draft = replace(DRAFT, password="env:NOT_SET")
    await service.connections.create(ME, PARENT, "crm", draft)
    with pytest.raises(RunError) as caught:
        await service.connections.test(ME, NAME)
    assert caught.value.code == "SECRET_UNRESOLVED"
