"""Use cases of pipelines: keeping them."""

from __future__ import annotations

from uuid import uuid4

import pytest

from etlplus.domain.errors import (
    AlreadyExists,
    EtagMismatch,
    InvalidInput,
    NotFound,
    PermissionDenied,
)
from tests.unit.app.service import ME, PARENT, STRANGER, Service, text_of

NAME = f"{PARENT}/pipelines/orders"


async def test_a_pipeline_is_created_with_its_text_and_author(service: Service) -> None:
    made = await service.pipelines.create(ME, PARENT, source_text=text_of(), message="first")
    assert (made.name, made.version, made.author, made.message) == ("orders", 1, "me", "first")
    assert made.source_text == text_of()
    assert await service.pipelines.get(ME, NAME) == made


async def test_a_definition_may_come_as_a_message(service: Service) -> None:
    made = await service.create()
    copy = await service.pipelines.create(ME, PARENT, spec=made.spec.replace(b"orders", b"refund"))
    assert (copy.name, copy.source_text) == ("refund", "")


async def test_every_problem_of_a_definition_comes_back(service: Service) -> None:
    text = text_of(extra="nonsense: 1").replace("from: orders", "from: ordres")
    with pytest.raises(InvalidInput) as caught:
        await service.pipelines.create(ME, PARENT, source_text=text)
    error = caught.value
    assert error.code == "SPEC_INVALID"
    assert len(error.problems) >= 2
    assert "more)" in error.message


async def test_a_definition_is_needed(service: Service) -> None:
    with pytest.raises(InvalidInput, match="no definition"):
        await service.pipelines.create(ME, PARENT)


async def test_text_and_message_must_mean_the_same(service: Service) -> None:
    made = await service.create()
    with pytest.raises(InvalidInput, match="do not mean the same"):
        await service.pipelines.update(
            ME, NAME, spec=made.spec, source_text=text_of(uri="other.csv")
        )


async def test_the_id_is_the_definitions_name(service: Service) -> None:
    with pytest.raises(InvalidInput, match="'orders', not 'refunds'"):
        await service.pipelines.create(ME, PARENT, pipeline_id="refunds", source_text=text_of())


async def test_a_name_is_taken_once(service: Service) -> None:
    await service.create()
    with pytest.raises(AlreadyExists) as caught:
        await service.create()
    assert caught.value.code == "PIPELINE_EXISTS"


async def test_a_repeated_request_gets_the_first_answer(service: Service) -> None:
    request = str(uuid4())

    async def create(text: str) -> object:
        return await service.pipelines.create(ME, PARENT, source_text=text, request_id=request)

    assert await create(text_of()) == await create(text_of())
    with pytest.raises(InvalidInput) as caught:
        await create(text_of(uri="other.csv"))
    assert caught.value.code == "REQUEST_ID_REUSED"


async def test_an_update_makes_a_version(service: Service) -> None:
    first = await service.create()
    text = text_of(uri="new.csv")
    second = await service.pipelines.update(ME, NAME, source_text=text, etag=first.etag)
    assert second.version == 2
    with pytest.raises(EtagMismatch):
        await service.pipelines.update(ME, NAME, source_text=text_of(), etag=first.etag)
    old = await service.pipelines.get(ME, NAME, version=1)
    assert (old.version, old.source_text) == (1, text_of())
    with pytest.raises(NotFound) as caught:
        await service.pipelines.get(ME, NAME, version=9)
    assert caught.value.code == "VERSION_NOT_FOUND"


async def test_the_same_again_makes_no_version(service: Service) -> None:
    first = await service.create()
    again = await service.pipelines.update(ME, NAME, source_text=text_of())
    assert again == first


async def test_an_update_may_create(service: Service) -> None:
    with pytest.raises(NotFound):
        await service.pipelines.update(ME, NAME, source_text=text_of())
    made = await service.pipelines.update(ME, NAME, source_text=text_of(), allow_missing=True)
    assert made.version == 1


async def test_a_repeated_update_gets_the_first_answer(service: Service) -> None:
    await service.create()
    request = str(uuid4())
    text = text_of(uri="new.csv")
    for _ in range(2):
        made = await service.pipelines.update(ME, NAME, source_text=text, request_id=request)
        assert made.version == 2


async def test_trying_changes_nothing(service: Service) -> None:
    tried = await service.pipelines.create(ME, PARENT, source_text=text_of(), validate_only=True)
    assert tried.version == 1
    with pytest.raises(NotFound):
        await service.pipelines.get(ME, NAME)
    with pytest.raises(NotFound):
        await service.pipelines.update(ME, NAME, source_text=text_of(), validate_only=True)
    tried = await service.pipelines.update(
        ME, NAME, source_text=text_of(), validate_only=True, allow_missing=True
    )
    assert tried.version == 1
    await service.create()
    with pytest.raises(AlreadyExists):
        await service.pipelines.create(ME, PARENT, source_text=text_of(), validate_only=True)
    tried = await service.pipelines.update(
        ME, NAME, source_text=text_of(uri="new.csv"), validate_only=True
    )
    assert tried.version == 2
    await service.pipelines.delete(ME, NAME, validate_only=True)
    assert (await service.pipelines.get(ME, NAME)).version == 1


async def test_a_deleted_pipeline_is_gone(service: Service) -> None:
    made = await service.create()
    with pytest.raises(EtagMismatch):
        await service.pipelines.delete(ME, NAME, etag='"other"')
    request = str(uuid4())
    await service.pipelines.delete(ME, NAME, etag=made.etag, request_id=request)
    await service.pipelines.delete(ME, NAME, etag=made.etag, request_id=request)
    with pytest.raises(NotFound):
        await service.pipelines.get(ME, NAME)


async def test_lists_come_in_pages(service: Service) -> None:
    for name in ("a", "b", "c"):
        await service.create(name)
    page = await service.pipelines.list(ME, PARENT, size=2)
    assert [item.name for item in page.items] == ["a", "b"]
    rest = await service.pipelines.list(ME, PARENT, size=2, page_token=page.next_token)
    assert ([item.name for item in rest.items], rest.next_token) == (["c"], "")


async def test_versions_come_in_pages_newest_first(service: Service) -> None:
    await service.create()
    for number in (2, 3):
        await service.pipelines.update(ME, NAME, source_text=text_of(uri=f"{number}.csv"))
    page = await service.pipelines.versions(ME, NAME, size=2)
    assert [item.version for item in page.items] == [3, 2]
    rest = await service.pipelines.versions(ME, NAME, size=2, page_token=page.next_token)
    assert ([item.version for item in rest.items], rest.next_token) == ([1], "")


async def test_other_workspaces_are_closed(service: Service) -> None:
    await service.create()
    with pytest.raises(PermissionDenied) as caught:
        await service.pipelines.get(STRANGER, NAME)
    assert caught.value.code == "PERMISSION_DENIED"
