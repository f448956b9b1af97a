"""Every interceptor holds for all four kinds of calls."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from dataclasses import replace

import grpc
import pytest

from etlplus import logs
from etlplus.domain.errors import Bug, NotFound
from tests.wire.echo import KINDS, Echo, call, echo_service
from tests.wire.served import LOCAL, info_of, serving

EACH_KIND = pytest.mark.parametrize("kind", KINDS)


@EACH_KIND
async def test_a_good_token_reaches_the_handler(kind: str) -> None:
    async with serving([echo_service(Echo())]) as (_, channel, _address):
        assert await call(channel, kind, ["a"], bearer="good-1") == ["good-1:a"]


@EACH_KIND
@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([], "TOKEN_MISSING"),
        ([("authorization", "Bearer bad")], "TOKEN_INVALID"),
        ([("authorization", "Bearer ")], "TOKEN_INVALID"),
        ([("authorization", "good")], "TOKEN_INVALID"),
        ([("authorization", "Basic good")], "TOKEN_INVALID"),
        ([("authorization", "Bearer good"), ("authorization", "Bearer good")], "TOKEN_INVALID"),
    ],
)
async def test_without_one_good_token_no_kind_of_call_is_answered(
    kind: str, headers: list[tuple[str, str]], reason: str
) -> None:
    echo = Echo()
    async with serving([echo_service(echo)]) as (_, channel, _address):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(channel, kind, ["a"], metadata=headers)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert info_of(refused.value).reason == reason
    assert echo.callers == []


@EACH_KIND
async def test_a_caller_without_the_right_is_refused(kind: str) -> None:
    echo = Echo()
    async with serving([echo_service(echo)]) as (_, channel, _address):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(channel, kind, ["a"], bearer="good-weak")
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert info_of(refused.value).reason == "PERMISSION_DENIED"
    assert echo.callers == []


@EACH_KIND
async def test_an_error_of_the_domain_keeps_its_code_place_and_hint(kind: str) -> None:
    echo = Echo()
    echo.act = lambda _: NotFound("no such thing", place="there", hint="look elsewhere")
    async with serving([echo_service(echo)]) as (_, channel, _address):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(channel, kind, ["a"], bearer="good")
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert refused.value.details() == "no such thing"
    info = info_of(refused.value)
    assert (info.reason, info.domain) == ("NOT_FOUND", "etlplus")
    assert dict(info.metadata) == {"place": "there", "hint": "look elsewhere"}


@EACH_KIND
async def test_a_fault_tells_the_caller_only_where_to_look(kind: str) -> None:
    echo = Echo()
    echo.act = lambda _: ValueError("the password is hunter2")
    lines = io.StringIO()
    logs.configure("json", "info", lines)
    async with serving([echo_service(echo)]) as (_, channel, _address):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(channel, kind, ["a"], bearer="good", metadata=[("x-request-id", "req-7")])
    assert refused.value.code() is grpc.StatusCode.INTERNAL
    assert "hunter2" not in str(refused.value.details())
    assert dict(info_of(refused.value).metadata) == {"request_id": "req-7"}
    (line,) = [json.loads(text) for text in lines.getvalue().splitlines()]
    assert line["request_id"] == "req-7"
    assert line["method"] == f"/tests.Echo/{kind}"
    assert line["principal"] == "guest"
    assert "ValueError" in line["exception"]


@EACH_KIND
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Bug("the books are wrong", code="BOOKS_UNBALANCED"), "BOOKS_UNBALANCED"),
        (TimeoutError("not the deadline of the call"), "INTERNAL"),
    ],
)
async def test_a_fault_keeps_its_code_and_nothing_else(
    kind: str, fault: Exception, reason: str
) -> None:
    echo = Echo()
    echo.act = lambda _: fault
    async with serving([echo_service(echo)]) as (_, channel, _address):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(channel, kind, ["a"], bearer="good")
    assert refused.value.code() is grpc.StatusCode.INTERNAL
    assert info_of(refused.value).reason == reason
    assert str(fault) not in str(refused.value.details())


async def test_a_trace_is_in_the_log() -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    lines = io.StringIO()
    logs.configure("json", "info", lines)
    async with serving([echo_service(Echo())]) as (_, channel, _address):
        for sent in (f"00-{trace}-b7ad6b7169203331-01", "nonsense"):
            with pytest.raises(grpc.aio.AioRpcError):
                await call(channel, "One", ["a"], metadata=[("traceparent", sent)])
    good, bad = [json.loads(text) for text in lines.getvalue().splitlines()]
    assert good["trace_id"] == trace
    assert "trace_id" not in bad


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> object:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.mark.parametrize(
    ("sent", "kept"), [("abc-1.2_3", True), ("has space", False), ("x" * 65, False)]
)
async def test_a_request_id_is_kept_when_it_is_well_formed(sent: str, kept: bool) -> None:
    async with serving([echo_service(Echo())]) as (_, channel, _address):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(channel, "One", ["a"], metadata=[("x-request-id", sent)])
    (told,) = [v for k, v in refused.value.trailing_metadata() or () if k == "x-request-id"]
    assert (told == sent) is kept
    assert told


@pytest.mark.parametrize("kind", ["One", "Up"])
async def test_a_call_without_a_deadline_gets_one(kind: str) -> None:
    echo = Echo()
    config = replace(LOCAL, default_deadline=0.05)
    async with serving([echo_service(echo)], config=config) as (_, channel, _address):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(channel, kind, ["forever"], bearer="good", timeout=None)
        assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert info_of(refused.value).reason == "DEADLINE_EXCEEDED"
        await asyncio.wait_for(echo.cancelled.wait(), 10)


@EACH_KIND
async def test_the_callers_deadline_ends_the_handler(kind: str) -> None:
    echo = Echo()
    async with serving([echo_service(echo)]) as (_, channel, _address):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(channel, kind, ["forever"], bearer="good", timeout=0.2)
        assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await asyncio.wait_for(echo.cancelled.wait(), 10)


@EACH_KIND
async def test_a_caller_that_leaves_ends_the_handler(kind: str) -> None:
    echo = Echo()
    async with serving([echo_service(echo)]) as (_, channel, _address):
        waiting = asyncio.create_task(call(channel, kind, ["forever"], bearer="good"))
        await asyncio.wait_for(echo.started.wait(), 10)
        waiting.cancel()
        await asyncio.wait_for(echo.cancelled.wait(), 10)
        assert await call(channel, kind, ["a"], bearer="good") == ["good:a"]


async def test_callers_do_not_take_each_others_identity() -> None:
    async with serving([echo_service(Echo())]) as (_, channel, _address):
        tokens = [f"good-{number}" for number in range(50)]
        answers = await asyncio.gather(
            *(call(channel, kind, ["a"], bearer=token) for token in tokens for kind in KINDS),
            *(call(channel, kind, ["a"], bearer="bad") for _ in tokens for kind in KINDS),
            return_exceptions=True,
        )
    good = [answer[0] for answer in answers if isinstance(answer, list)]
    assert good == [f"{token}:a" for token in tokens for _ in KINDS]
    refused = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert {answer.code() for answer in refused} == {grpc.StatusCode.UNAUTHENTICATED}
    assert len(refused) == len(tokens) * len(KINDS)


async def test_streams_carry_many_messages_both_ways() -> None:
    texts = [str(number) for number in range(500)]
    async with serving([echo_service(Echo())]) as (_, channel, _address):
        assert await call(channel, "Both", texts, bearer="good") == [f"good:{t}" for t in texts]
        assert await call(channel, "Down", [" ".join(texts)], bearer="good") == [
            f"good:{t}" for t in texts
        ]
        (joined,) = await call(channel, "Up", texts, bearer="good")
    assert joined.split() == [f"good:{t}" for t in texts]
