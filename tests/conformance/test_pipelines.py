from __future__ import annotations

import asyncio

import pytest

from etlplus.app.ports import Stores
from etlplus.domain.errors import AlreadyExists, EtagMismatch, NotFound
from tests.conformance.drafts import WORKSPACE, draft


async def test_a_pipeline_is_read_as_it_was_made(stores: Stores) -> None:
    made = await stores.pipelines.create(WORKSPACE, "p", draft())
    assert made == await stores.pipelines.get(WORKSPACE, "p")
    assert (made.version, made.spec, made.source_text) == (1, b"one", "one")
    assert (made.author, made.message) == ("root", "say one")
    assert made.content_hash == draft().content_hash
    assert made.create_time.tzinfo is not None


async def test_a_name_is_taken_once_a_workspace(stores: Stores) -> None:
    await stores.pipelines.create(WORKSPACE, "p", draft())
    await stores.pipelines.create("other", "p", draft())
    with pytest.raises(AlreadyExists) as caught:
        await stores.pipelines.create(WORKSPACE, "p", draft("two"))
    assert caught.value.code == "PIPELINE_EXISTS"


async def test_of_many_that_make_a_pipeline_one_does(stores: Stores) -> None:
    attempts = [stores.pipelines.create(WORKSPACE, "p", draft(str(n))) for n in range(8)]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(each, AlreadyExists) for each in results) == 7


async def test_an_update_adds_a_version_and_keeps_the_old_one(stores: Stores) -> None:
    first = await stores.pipelines.create(WORKSPACE, "p", draft())
    second = await stores.pipelines.update(WORKSPACE, "p", draft("two"), etag=first.etag)
    assert (second.version, second.spec) == (2, b"two")
    assert second.etag != first.etag
    assert second.create_time == first.create_time < second.update_time
    old = await stores.pipelines.get_version(WORKSPACE, "p", 1)
    assert (old.version, old.spec, old.create_time) == (1, b"one", first.update_time)


async def test_a_stale_etag_changes_nothing(stores: Stores) -> None:
    first = await stores.pipelines.create(WORKSPACE, "p", draft())
    second = await stores.pipelines.update(WORKSPACE, "p", draft("two"))
    with pytest.raises(EtagMismatch) as caught:
        await stores.pipelines.update(WORKSPACE, "p", draft("three"), etag=first.etag)
    assert caught.value.metadata["etag"] == second.etag
    with pytest.raises(EtagMismatch):
        await stores.pipelines.delete(WORKSPACE, "p", etag=first.etag)
    assert await stores.pipelines.get(WORKSPACE, "p") == second


async def test_of_many_updates_with_one_etag_one_wins(stores: Stores) -> None:
    first = await stores.pipelines.create(WORKSPACE, "p", draft())
    attempts = [
        stores.pipelines.update(WORKSPACE, "p", draft(str(n)), etag=first.etag) for n in range(8)
    ]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(each, EtagMismatch) for each in results) == 7
    assert (await stores.pipelines.get(WORKSPACE, "p")).version == 2


async def test_a_deleted_pipeline_is_gone_but_its_versions_stay(stores: Stores) -> None:
    await stores.pipelines.create(WORKSPACE, "p", draft())
    await stores.pipelines.delete(WORKSPACE, "p")
    for attempt in (
        stores.pipelines.get(WORKSPACE, "p"),
        stores.pipelines.update(WORKSPACE, "p", draft()),
        stores.pipelines.delete(WORKSPACE, "p"),
        stores.pipelines.list_versions(WORKSPACE, "p", limit=9),
    ):
        with pytest.raises(NotFound) as caught:
            await attempt
        assert caught.value.code == "PIPELINE_NOT_FOUND"
    assert (await stores.pipelines.get_version(WORKSPACE, "p", 1)).spec == b"one"
    assert await stores.pipelines.list(WORKSPACE, limit=9) == []


async def test_a_deleted_name_comes_back_with_higher_numbers(stores: Stores) -> None:
    first = await stores.pipelines.create(WORKSPACE, "p", draft())
    await stores.pipelines.delete(WORKSPACE, "p")
    again = await stores.pipelines.create(WORKSPACE, "p", draft("two"))
    assert again.version == 2
    assert again.etag not in ("", first.etag)
    assert again.create_time > first.create_time


async def test_pages_of_pipelines_follow_each_other_without_gap(stores: Stores) -> None:
    names = [f"p{number}" for number in range(5)]
    for name in reversed(names):
        await stores.pipelines.create(WORKSPACE, name, draft())
    await stores.pipelines.create("other", "p9", draft())
    seen: list[str] = []
    while page := await stores.pipelines.list(WORKSPACE, after=seen[-1] if seen else "", limit=2):
        assert len(page) <= 2
        seen += [each.name for each in page]
    assert seen == names


async def test_lists_leave_the_definitions_out(stores: Stores) -> None:
    await stores.pipelines.create(WORKSPACE, "p", draft())
    (listed,) = await stores.pipelines.list(WORKSPACE, limit=9)
    (version,) = await stores.pipelines.list_versions(WORKSPACE, "p", limit=9)
    assert (listed.spec, listed.source_text, version.spec, version.source_text) == (
        b"",
        "",
        b"",
        "",
    )
    assert listed.content_hash == version.content_hash == draft().content_hash


async def test_pages_of_versions_start_with_the_newest(stores: Stores) -> None:
    await stores.pipelines.create(WORKSPACE, "p", draft())
    for number in range(2, 6):
        await stores.pipelines.update(WORKSPACE, "p", draft(str(number)))
    first = await stores.pipelines.list_versions(WORKSPACE, "p", limit=3)
    rest = await stores.pipelines.list_versions(WORKSPACE, "p", before=3, limit=3)
    assert [each.version for each in first] == [5, 4, 3]
    assert [each.version for each in rest] == [2, 1]


async def test_a_version_that_never_was_is_not_found(stores: Stores) -> None:
    with pytest.raises(NotFound) as caught:
        await stores.pipelines.get_version(WORKSPACE, "p", 1)
    assert caught.value.code == "VERSION_NOT_FOUND"
