"""Offers TLS before a server that has none, as PostgreSQL itself negotiates it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_HEAD = struct.Struct("!II")
_TLS_REQUEST = 80877103
_GSS_REQUEST = 80877104


@dataclass
class Terminator:
    """Where it listens and how clients came.

    Attributes:
        upstream: the server's socket.
        context: the certificate it shows; None when it offers no TLS.
        port: its TCP port on every loopback address.
        seen: for each connection that was passed on, whether it was encrypted.
    """

    upstream: Path
    context: ssl.SSLContext | None
    port: int = 0
    seen: list[bool] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Passes one client on to the server."""
        # A client that does not trust the certificate hangs up in the handshake.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head, encrypted = await self._negotiate(reader, writer)
            self.seen.append(encrypted)
            server_reader, server_writer = await asyncio.open_unix_connection(self.upstream)
            server_writer.write(head)
            async with asyncio.TaskGroup() as both:
                both.create_task(_copy(reader, server_writer))
                both.create_task(_copy(server_reader, writer))
        writer.close()

    async def _negotiate(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[bytes, bool]:
        """The head of the start-up message, and whether it came encrypted."""
        encrypted = False
        while True:
            head = await reader.readexactly(_HEAD.size)
            _, code = _HEAD.unpack(head)
            if code not in (_TLS_REQUEST, _GSS_REQUEST):
                return head, encrypted
            accepted = code == _TLS_REQUEST and self.context is not None
            writer.write(b"S" if accepted else b"N")
            await writer.drain()
            if accepted and self.context is not None:
                await writer.start_tls(self.context)
                encrypted = True


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextmanager
def terminator(host: str, port: str, context: ssl.SSLContext | None = None) -> Iterator[Terminator]:
    """Listens before the server whose socket lies in the folder `host`."""
    made = Terminator(Path(host) / f".s.PGSQL.{port}", context)
    ready, loop = threading.Event(), asyncio.new_event_loop()
    ended = asyncio.Event()

    async def listen() -> None:
        async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as server:
            made.port = server.sockets[0].getsockname()[1]
            ready.set()
            await ended.wait()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        thread = threading.Thread(target=runner.run, args=(listen(),), daemon=True)
        thread.start()
        ready.wait()
        try:
            yield made
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join()
