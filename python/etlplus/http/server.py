"""The HTTP server: beside the gRPC server, in its process and event loop."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from etlplus.app.listening import check_plaintext, join_address
from etlplus.app.webhooks import Webhooks
from etlplus.domain.errors import InvalidInput, Unavailable
from etlplus.http.config import HttpConfig
from etlplus.http.routes import application

_BACKLOG = 128


class HttpServer:
    """Serves. It is made in one loop and used there only."""

    def __init__(self, config: HttpConfig, webhooks: Webhooks) -> None:
        """Answers by `webhooks`."""
        self._config = config
        self._ready = False
        self._server = _Server(
            uvicorn.Config(
                application(config, webhooks, lambda: self._ready),
                http=_protocol(config.head_seconds),
                ws="none",
                lifespan="off",
                # Lines go through the service's own log; its access log would be of no use to it.
                log_config=None,
                access_log=False,
                log_level="warning",
                # An address that a sender claims in a header is not believed.
                proxy_headers=False,
                server_header=False,
                # One request each: no connection waits with half of a second one.
                headers=[("connection", "close")],
                limit_concurrency=config.most_connections,
                timeout_graceful_shutdown=math.ceil(config.grace_seconds),
                h11_max_incomplete_event_size=config.largest_head,
                ssl_certfile=config.certificate[0] if config.certificate else None,
                ssl_keyfile=config.certificate[1] if config.certificate else None,
            )
        )
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Listens and becomes ready. Returns HOST:PORT with the port that is used.

        Raises:
            InvalidInput: plaintext beyond loopback without the explicit flag, or a certificate
                that cannot be used.
            Unavailable: the address cannot be listened on.
        """
        config = self._config
        if config.certificate is None:
            check_plaintext(
                config.host, config.port, insecure=config.insecure_plaintext, place="http_listen"
            )
        try:
            self._server.config.load()
        except OSError as error:
            raise InvalidInput(
                "The certificate cannot be used", hint="Check tls_cert and tls_key"
            ) from error
        listener = self._listen()
        port = int(listener.getsockname()[1])
        self._running = asyncio.create_task(self._server.serve(sockets=[listener]))
        started = asyncio.create_task(self._server.is_up.wait())
        await asyncio.wait({started, self._running}, return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            started.cancel()
            await self._running
        self._ready = True
        return join_address(config.host, port)

    async def stop(self) -> None:
        """Stops in order: not ready, time for balancers to see it, no new requests, the others.

        Requests that go on longer than the grace period are cancelled.
        """
        if self._running is None:
            return
        self._ready = False
        await asyncio.sleep(self._config.readiness_seconds)
        self._server.should_exit = True
        await self._running

    def _listen(self) -> socket.socket:
        config = self._config
        family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
        listener = socket.socket(family)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((config.host, config.port))
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            address = join_address(config.host, config.port)
            raise Unavailable(
                f"cannot listen on {address}: {error.strerror}",
                place="http_listen",
                hint="Another program may use the port",
                metadata={"address": address},
            ) from error
        listener.settimeout(0)
        return listener


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs the process, and says when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts, and tells."""
        await super().startup(sockets=sockets)
        self.is_up.set()


def _protocol(head_seconds: float) -> type[H11Protocol]:
    """HTTP/1.1 for connections whose first headers must be there in time."""

    class Impatient(H11Protocol):
        """Closes a connection that has not asked for anything after a while."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.loop.call_later(head_seconds, self._close_if_silent)

        def _close_if_silent(self) -> None:
            # None before the first request, which the library's types do not say.
            asked: object = self.scope
            if asked is None and not self.transport.is_closing():
                self.transport.close()

    return Impatient
