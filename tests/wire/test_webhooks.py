"""Webhooks on a real socket: what starts a run, and all that does not."""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from etlplus.app.listening import join_address
from etlplus.domain.errors import InvalidInput, Unavailable
from etlplus.domain.webhook import key_of, sign
from etlplus.http.config import HttpConfig
from etlplus.http.server import HttpServer
from tests.wire.hooks import ADA, HOOK, NEW, OLD, WRONG, Hooks, serving
from tests.wire.platform import ORDERS, SOURCE

REFUSED = {
    "code": "WEBHOOK_REFUSED",
    "message": "There is no such webhook, or the request is not signed as it should be",
    "hint": "Check the path, the secret, the three `webhook-` headers and the sender's clock",
}


@pytest.fixture
async def hooks() -> AsyncIterator[Hooks]:
    async with serving() as made:
        yield made


async def test_a_signed_request_starts_a_run(hooks: Hooks) -> None:
    answer = await hooks.post()
    ((name, params, author),) = await hooks.jobs()
    assert (answer.status, answer.body) == (202, {"job": name})
    assert (params, author) == ({}, "webhook")


async def test_a_repeated_delivery_has_the_same_answer(hooks: Hooks) -> None:
    first = await hooks.post(name="msg_a", body=b'{"params": {"day": "2026-02-01"}}')
    again = await hooks.post(
        name="msg_a", body=b'{"params": {"day": "2026-02-01"}}', offset=-30, secret=OLD
    )
    assert (again.status, again.body) == (first.status, first.body)
    both = await asyncio.gather(*(hooks.post(name="msg_b") for _ in range(5)))
    assert len({answer.body["job"] for answer in both}) == 1
    other = await hooks.post(name="msg_a", body=b'{"params": {"day": "2026-02-02"}}')
    assert (other.status, other.body["code"]) == (400, "REQUEST_ID_REUSED")
    assert len(await hooks.jobs()) == 2


@pytest.mark.parametrize("offset", [-290, 290])
async def test_clocks_may_differ_by_some_minutes(hooks: Hooks, offset: int) -> None:
    assert (await hooks.post(offset=offset)).status == 202


async def test_whoever_may_not_know_more_is_told_the_same(hooks: Hooks) -> None:
    await hooks.create(SOURCE.replace("name: orders", "name: silent"))
    await hooks.create(
        HOOK.replace("name: orders", "name: later").replace(
            '{webhook: {secret: "${secret.new}", former: ["${secret.old}"]}}', "{after: [orders]}"
        )
    )
    unusable = HOOK.replace("name: orders", "name: unusable")
    await hooks.create(unusable.replace("secret.new", "secret.gone").replace("old", "short"))
    hooks.secrets.values["short"] = "whsec_AAAA"
    answers = [
        await hooks.post(secret=WRONG),
        await hooks.post(signed=b"another body", body=b"{}"),
        await hooks.post(offset=-400),
        await hooks.post(offset=400),
        await hooks.post("nobody"),
        await hooks.post("Not%20a%20name"),
        await hooks.post("silent"),
        await hooks.post("later"),
        await hooks.post("unusable"),
        await hooks.post(webhook_timestamp="soon"),
        await hooks.post(webhook_signature="v1"),
        await hooks.post(webhook_signature=""),
        await hooks.post(webhook_id="another"),
        await hooks.ask("POST", "/v1/hooks/orders", b"{}"),
    ]
    assert [(answer.status, answer.body) for answer in answers] == [(401, REFUSED)] * len(answers)
    assert await hooks.jobs() == []


async def test_secrets_are_rotated_without_a_gap(hooks: Hooks) -> None:
    assert (await hooks.post(secret=OLD)).status == 202
    assert (await hooks.post(secret=NEW)).status == 202
    text = HOOK.replace(', former: ["${secret.old}"]', "")
    await hooks.use_cases.pipelines.update(ADA, ORDERS, source_text=text)
    assert (await hooks.post(secret=OLD)).status == 401
    hooks.secrets.values["new"] = WRONG
    assert (await hooks.post(secret=WRONG)).status == 202


async def test_one_of_several_signatures_is_enough(hooks: Hooks) -> None:
    refused = await hooks.post(webhook_signature="v1,AAAA v1a,BBBB")
    assert refused.status == 401
    stamp = str(int(time.time()))
    good = sign(key_of(NEW), "msg_many", stamp, b"")
    headers = {
        "webhook-id": "msg_many",
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1a,AAAA v1,AAAA {good}",
    }
    assert (await hooks.ask("POST", "/v1/hooks/orders", b"", headers)).status == 202


async def test_parameters_are_those_of_the_body_and_else_of_the_triggers(hooks: Hooks) -> None:
    text = HOOK.replace("name: orders", "name: given").replace(
        "params: {day:", "params: {n: {type: int, default: 1}, flag: {type: bool}, day:"
    )
    text = text.replace('uri: "orders.csv"', 'uri: "${params.n}${params.flag}${params.day}.csv"')
    await hooks.create(text.replace("{webhook:", "{params: {n: 7}, webhook:"))
    lacking = await hooks.post("given")
    assert (lacking.status, lacking.body["code"]) == (400, "PARAM_INVALID")
    sent = {"type": "order.created", "params": {"flag": True, "day": "2026-02-01"}}
    assert (await hooks.post("given", json.dumps(sent).encode())).status == 202
    assert (await hooks.post("given", b'{"params": {"flag": false, "n": 12}}')).status == 202
    found = [dict(params) for _, params, _ in await hooks.jobs()]
    assert found == [{"flag": "false", "n": "12"}, {"flag": "true", "day": "2026-02-01", "n": "7"}]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"params": {"nobody": 1}}', "PARAM_INVALID"),
        (b'{"params": {"day": "tomorrow"}}', "PARAM_INVALID"),
        (b'{"params": {"day": ["2026-01-01"]}}', "BODY_INVALID"),
        (b'{"params": {"day": null}}', "BODY_INVALID"),
        (b'{"params": {"day": "\\u0000"}}', "BODY_INVALID"),
        (b'{"params": {"\\ud800": "1"}}', "BODY_INVALID"),
        (b'{"params": {"day": NaN}}', "BODY_INVALID"),
        (b'{"params": {"day": ' + b"1" * 5000 + b"}}", "BODY_INVALID"),
        (b'{"params": []}', "BODY_INVALID"),
        (b"[]", "BODY_INVALID"),
        (b"[" * 100_000, "BODY_INVALID"),
        (b"day=2026-01-01", "BODY_INVALID"),
        (b"\xff\xfe", "BODY_INVALID"),
    ],
)
async def test_a_body_that_means_nothing_is_refused(hooks: Hooks, body: bytes, code: str) -> None:
    answer = await hooks.post(body=body)
    assert (answer.status, answer.body["code"]) == (400, code)
    assert answer.body["message"]
    assert await hooks.jobs() == []


async def test_a_paused_pipeline_says_so_to_its_senders_alone(hooks: Hooks) -> None:
    before = await hooks.post(name="msg_before")
    await hooks.use_cases.scheduling.pause(ADA, ORDERS, paused=True)
    paused = await hooks.post()
    assert (paused.status, paused.body["code"]) == (409, "TRIGGERS_PAUSED")
    assert (await hooks.post(secret=WRONG)).status == 401
    assert (await hooks.post(name="msg_before")).body == before.body
    await hooks.use_cases.scheduling.pause(ADA, ORDERS, paused=False)
    assert (await hooks.post()).status == 202


async def test_a_body_has_a_limit(hooks: Hooks) -> None:
    for size in ((1 << 20) + 1, 3 << 20):
        answer = await hooks.post(body=b" " * size)
        assert (answer.status, answer.body["code"]) == (413, "BODY_TOO_LARGE")
    assert (await hooks.post(body=b" " * (1 << 20))).status == 202
    head = b"POST /v1/hooks/orders HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n"
    answered = await raw(hooks, head + b"content-length: 2000000\r\n\r\n")
    assert answered.startswith(b"HTTP/1.1 413 ")


async def raw(hooks: Hooks, sent: bytes) -> bytes:
    """Sends bytes, leaves its side open, and reads until the server closes."""
    host, port = hooks.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(sent)
        await writer.drain()
        return await asyncio.wait_for(reader.read(), 60)
    finally:
        writer.close()


async def test_who_sends_slowly_is_not_waited_for() -> None:
    async with serving(body_seconds=0.05, head_seconds=0.05) as hooks:
        head = b"POST /v1/hooks/orders HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n12"
        answered = await raw(hooks, head)
        assert answered.startswith(b"HTTP/1.1 408 ")
        assert b"BODY_TOO_SLOW" in answered
        assert await raw(hooks, b"POST /v1/hooks/orders HTTP/1.1\r\nhost:") == b""
        assert await raw(hooks, b"") == b""


async def test_headers_have_a_limit(hooks: Hooks) -> None:
    head = b"POST /v1/hooks/orders HTTP/1.1\r\nhost: x\r\nwebhook-id: " + b"a" * (32 << 10)
    assert (await raw(hooks, head)).startswith(b"HTTP/1.1 4")


async def test_requests_of_one_address_have_a_limit() -> None:
    async with serving(most_per_minute=2) as hooks:
        found = [await hooks.post(secret=WRONG), await hooks.post(secret=WRONG), await hooks.post()]
        assert [answer.status for answer in found] == [401, 401, 429]
        assert found[-1].body["code"] == "TOO_MANY_REQUESTS"
        assert int(found[-1].headers["retry-after"]) > 0
        assert (await hooks.ask("GET", "/healthz")).status == 200


async def test_other_paths_tell_little(hooks: Hooks) -> None:
    assert (await hooks.ask("GET", "/healthz")).body == {"status": "alive"}
    assert (await hooks.ask("GET", "/readyz")).body == {"status": "ready"}
    for method, path, status in [("GET", "/", 404), ("GET", "/v1/hooks/orders", 405)]:
        answer = await hooks.ask(method, path)
        assert (answer.status, answer.body["code"]) == (status, "NOT_FOUND")


async def test_a_request_that_has_begun_is_answered_when_it_stops() -> None:
    async with serving(readiness_seconds=1.0) as hooks:
        host, port = hooks.address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /v1/hooks/orders HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n")
        await writer.drain()
        assert (await hooks.ask("GET", "/readyz")).status == 200
        stopping = asyncio.create_task(hooks.server.stop())
        await asyncio.sleep(0)
        stopped = await hooks.ask("GET", "/readyz")
        assert (stopped.status, stopped.body) == (503, {"status": "stopping"})
        writer.write(b"{}")
        assert (await reader.read()).startswith(b"HTTP/1.1 401 ")
        writer.close()
        await stopping
        with pytest.raises(ConnectionRefusedError):
            await hooks.ask("GET", "/readyz")


async def test_it_listens_without_tls_on_loopback_alone(hooks: Hooks) -> None:
    open_to_all = HttpServer(HttpConfig("0.0.0.0", 0), hooks.use_cases.webhooks)  # noqa: S104
    with pytest.raises(InvalidInput, match="no TLS"):
        await open_to_all.start()
    await open_to_all.stop()
    host, port = hooks.address.split(":")
    taken = HttpServer(HttpConfig(host, int(port)), hooks.use_cases.webhooks)
    with pytest.raises(Unavailable, match=join_address(host, int(port))):
        await taken.start()


async def test_it_speaks_tls_with_the_services_certificate(tmp_path: Path) -> None:
    authority, other = trustme.CA(), trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "hooks.example.org")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    for each in issued.cert_chain_pems:
        each.write_to_path(chain, append=True)
    issued.private_key_pem.write_to_path(key)
    async with serving(certificate=(chain, key)) as hooks:
        with pytest.raises((http.client.BadStatusLine, ConnectionError)):
            await hooks.post()
        hooks.trusts = ssl.create_default_context()
        with pytest.raises(ssl.SSLCertVerificationError):
            await hooks.post()
        other.configure_trust(hooks.trusts)
        with pytest.raises(ssl.SSLCertVerificationError):
            await hooks.post()
        assert await hooks.jobs() == []
        authority.configure_trust(hooks.trusts)
        answer = await hooks.post(body=b'{"params": {"day": "2026-02-01"}}')
        ((name, params, _),) = await hooks.jobs()
        assert (answer.body["job"], params) == (name, {"day": "2026-02-01"})
        assert (await hooks.post(secret=WRONG)).status == 401


async def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    trustme.CA().issue_cert("127.0.0.1").cert_chain_pems[0].write_to_path(chain)
    trustme.CA().issue_cert("127.0.0.1").private_key_pem.write_to_path(key)
    with pytest.raises(InvalidInput, match="certificate cannot be used"):
        async with serving(certificate=(chain, key)):
            pass
