from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from etlplus.app.ports import Stores
from etlplus.domain.errors import AlreadyExists, InvalidInput, NotFound, WrongState
from etlplus.domain.fileload import FileLoad
from etlplus.domain.job import Job, JobState, Lease, Settlement
from etlplus.domain.principal import NewToken
from etlplus.domain.request import RequestKey
from etlplus.domain.run import Books
from tests.conformance.drafts import WORKSPACE, claim, draft, pipeline, running, submit

KEY = RequestKey(WORKSPACE, "RunPipeline", "7e57")
HASH = b"h" * 32
LOAD = FileLoad(
    load_id="0" * 32,
    sink="out",
    kind="parquet",
    target="/data/out.parquet",
    mode="replace",
    books=Books(read=10, loaded=8, rejected=1, filtered=1),
    checksum="abcd",
    files=("/data/out.parquet",),
)


def token(name: str, expire_time: datetime | None = None) -> NewToken:
    return NewToken(name, "root", "root", WORKSPACE, b"s" * 32, expire_time)


async def test_a_token_is_found_by_its_id(stores: Stores) -> None:
    made = await stores.tokens.create(token("a"))
    assert await stores.tokens.get("a") == made
    assert made.usable
    assert made.secret_hash == b"s" * 32
    assert await stores.tokens.get("b") is None
    with pytest.raises(AlreadyExists):
        await stores.tokens.create(token("a"))


async def test_an_expired_token_is_not_usable(stores: Stores) -> None:
    now = datetime.now(UTC)
    assert not (await stores.tokens.create(token("old", now - timedelta(days=1)))).usable
    assert (await stores.tokens.create(token("new", now + timedelta(days=1)))).usable
    found = await stores.tokens.get("old")
    assert found is not None
    assert not found.usable


async def test_a_revoked_token_is_not_usable(stores: Stores) -> None:
    await stores.tokens.create(token("a"))
    assert await stores.tokens.revoke("a")
    found = await stores.tokens.get("a")
    assert found is not None
    assert not found.usable
    assert found.revoke_time is not None
    assert not await stores.tokens.revoke("a")
    assert not await stores.tokens.revoke("b")


async def test_of_many_first_tokens_one_is_stored(stores: Stores) -> None:
    attempts = [stores.tokens.create_first(token(f"t{number}")) for number in range(8)]
    assert sum(await asyncio.gather(*attempts)) == 1
    assert not await stores.tokens.create_first(token("late"))
    assert await stores.tokens.get("late") is None


async def test_a_key_is_the_same_for_everybody(stores: Stores) -> None:
    found = set(await asyncio.gather(*(stores.keys.key("pages") for _ in range(8))))
    assert len(found) == 1
    (key,) = found
    assert len(key) == 32
    assert await stores.keys.key("other") != key


async def run_once(stores: Stores, body_hash: bytes = HASH) -> tuple[bytes, Job | None]:
    """A request that submits a job and answers with the job's id."""
    async with stores.requests.once(KEY, body_hash) as once:
        if once.answer is not None:
            return once.answer, None
        job = await submit(stores)
        once.answer = job.uid.bytes
        return once.answer, job


async def test_a_repeated_request_has_its_effect_once(stores: Stores) -> None:
    await pipeline(stores)
    answer, job = await run_once(stores)
    assert job is not None
    assert await run_once(stores) == (answer, None)
    assert len(await stores.jobs.list(WORKSPACE, limit=9)) == 1


async def test_concurrent_repeats_have_their_effect_once(stores: Stores) -> None:
    await pipeline(stores)
    results = await asyncio.gather(*(run_once(stores) for _ in range(6)))
    assert len({answer for answer, _ in results}) == 1
    assert sum(job is not None for _, job in results) == 1
    assert len(await stores.jobs.list(WORKSPACE, limit=9)) == 1


async def test_an_id_serves_one_request(stores: Stores) -> None:
    await pipeline(stores)
    await run_once(stores)
    with pytest.raises(InvalidInput) as caught:
        await run_once(stores, b"other body")
    assert caught.value.code == "REQUEST_ID_REUSED"
    async with stores.requests.once(RequestKey(WORKSPACE, "Other", KEY.id), b"x") as once:
        assert once.answer is None


async def fail_once(stores: Stores) -> None:
    """A request that changes much and then fails."""
    async with stores.requests.once(KEY, HASH) as once:
        await submit(stores)
        await stores.pipelines.create(WORKSPACE, "second", draft())
        once.answer = b"never given"
        await stores.pipelines.get(WORKSPACE, "missing")


async def test_a_request_that_fails_leaves_nothing(stores: Stores) -> None:
    await pipeline(stores)
    with pytest.raises(NotFound):
        await fail_once(stores)
    assert await stores.jobs.list(WORKSPACE, limit=9) == []
    assert [each.name for each in await stores.pipelines.list(WORKSPACE, limit=9)] == ["flights"]
    _, job = await run_once(stores)
    assert job is not None


async def test_a_request_without_an_answer_is_not_remembered(stores: Stores) -> None:
    for _ in range(2):
        async with stores.requests.once(KEY, HASH) as once:
            assert once.answer is None


async def test_a_file_load_is_entered_once(stores: Stores) -> None:
    _, lease = await running(stores)
    assert await stores.loads.get(LOAD.load_id, LOAD.sink) is None
    entered = await stores.loads.record(lease, LOAD)
    assert entered.create_time is not None
    assert (entered.books, entered.files, entered.mode) == (LOAD.books, LOAD.files, LOAD.mode)
    assert await stores.loads.record(lease, LOAD) == entered
    assert await stores.loads.get(LOAD.load_id, LOAD.sink) == entered


async def test_a_lost_claim_enters_no_load(stores: Stores) -> None:
    _, lease = await running(stores)
    with pytest.raises(WrongState) as caught:
        await stores.loads.record(Lease(lease.job, lease.epoch + 1), LOAD)
    assert caught.value.code == "LEASE_LOST"
    await stores.jobs.settle(lease, Settlement(JobState.FAILED))
    with pytest.raises(WrongState):
        await stores.loads.record(lease, LOAD)
    assert await stores.loads.get(LOAD.load_id, LOAD.sink) is None


async def entered(stores: Stores, load_id: str, target: str = "/data/out.parquet") -> FileLoad:
    """A published load of a job of its own."""
    await submit(stores)
    _, lease = await claim(stores)
    load = replace(LOAD, load_id=load_id * 32, target=target, undo={"kind": "replaced"})
    return await stores.loads.record(lease, load)


async def test_later_loads_of_a_target_are_found_newest_first(stores: Stores) -> None:
    await pipeline(stores)
    first, second = await entered(stores, "1"), await entered(stores, "2")
    other = await entered(stores, "3", "/data/other.parquet")
    assert first.undo == {"kind": "replaced"}
    assert await stores.loads.standing(first) == [second, first]
    assert await stores.loads.standing(second) == [second]
    assert await stores.loads.standing(other) == [other]


async def test_a_file_load_is_rolled_back_once(stores: Stores) -> None:
    await pipeline(stores)
    first, second = await entered(stores, "1"), await entered(stores, "2")
    done = await stores.loads.roll_back(second, cause=first.load_id, author="me", reason="a")
    assert done.rolled_back_time is not None
    assert (done.rolled_back_for, done.rolled_back_author) == (first.load_id, "me")
    again = await stores.loads.roll_back(second, cause="other", author="you", reason="")
    assert again == done == await stores.loads.get(second.load_id, second.sink)
    assert await stores.loads.standing(first) == [first]
    assert await stores.loads.rolled_back_for(first.load_id) == [done]
    assert await stores.loads.rolled_back_for(second.load_id) == []
    unknown = replace(first, load_id="9" * 32)
    with pytest.raises(NotFound):
        await stores.loads.roll_back(unknown, cause="", author="", reason="")
