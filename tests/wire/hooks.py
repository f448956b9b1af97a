"""The HTTP side on a real socket, over stores in memory, and a sender of signed requests."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from etlplus.app.ports import Stores
from etlplus.app.usecases import UseCases
from etlplus.domain.principal import Principal
from etlplus.domain.webhook import key_of, sign, webhook_path
from etlplus.http.config import HttpConfig
from etlplus.http.server import HttpServer
from etlplus.store.memory.stores import MemoryStores
from tests.wire.platform import SOURCE, WORKSPACE, FixedSecrets, Outside, make_use_cases

ADA = Principal("ada", "root", "default", "")
NEW = "whsec_" + base64.b64encode(b"n" * 24).decode()
OLD = "whsec_" + base64.b64encode(b"o" * 24).decode()
WRONG = "whsec_" + base64.b64encode(b"w" * 24).decode()
HOOK = SOURCE + 'triggers: {webhook: {secret: "${secret.new}", former: ["${secret.old}"]}}\n'


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class Hooks:
    """A served HTTP side."""

    address: str
    server: HttpServer
    stores: Stores
    use_cases: UseCases
    secrets: FixedSecrets
    ids: list[str] = field(default_factory=list)
    trusts: ssl.SSLContext | None = None

    async def create(self, text: str) -> None:
        await self.use_cases.pipelines.create(ADA, WORKSPACE, source_text=text)

    async def post(
        self,
        pipeline: str = "orders",
        body: bytes = b"",
        *,
        name: str = "",
        secret: str = NEW,
        offset: int = 0,
        signed: bytes | None = None,
        **headers: str,
    ) -> Answer:
        """Posts a signed body as the delivery `name`; the sender's clock is off by `offset` s."""
        delivery = name or f"msg_{len(self.ids)}"
        self.ids.append(delivery)
        stamp = str(int(time.time()) + offset)
        given = {
            "webhook-id": delivery,
            "webhook-timestamp": stamp,
            "webhook-signature": sign(
                key_of(secret), delivery, stamp, body if signed is None else signed
            ),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return await self.ask("POST", webhook_path(pipeline), body, given)

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        return await asyncio.to_thread(self._ask, method, path, body, headers or {})

    def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        connection = http.client.HTTPConnection(self.address, timeout=60)
        if self.trusts is not None:
            connection = http.client.HTTPSConnection(self.address, timeout=60, context=self.trusts)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return Answer(response.status, json.loads(response.read()), dict(response.headers))
        finally:
            connection.close()

    async def jobs(self) -> list[tuple[str, Mapping[str, str], str]]:
        """Name, parameters and author of each job."""
        found = (await self.use_cases.jobs.list(ADA, WORKSPACE)).items
        return [(f"{WORKSPACE}/jobs/{job.uid}", job.params, job.author) for job in found]


@asynccontextmanager
async def serving(stores: Stores | None = None, **config: Any) -> AsyncIterator[Hooks]:
    """A server with the pipeline `orders` and its webhook; `config` as in HttpConfig."""
    kept = stores or MemoryStores()
    secrets = FixedSecrets(new=NEW, old=OLD)
    use_cases = make_use_cases(kept, Outside(), secrets=secrets)
    server = HttpServer(
        HttpConfig(**{"host": "127.0.0.1", "port": 0, **config}), use_cases.webhooks
    )
    hooks = Hooks(await server.start(), server, kept, use_cases, secrets)
    try:
        await hooks.create(HOOK)
        yield hooks
    finally:
        await server.stop()
