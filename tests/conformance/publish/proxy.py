"""A proxy before a server's socket that cuts connections at their COMMIT."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_COMMIT = b"COMMIT"


@dataclass
class Cutter:
    """Where the proxy listens, and which of the next commits it cuts.

    Attributes:
        folder: the socket's folder, as a client takes it for a host.
        plan: for each commit to come `before` (the server never sees it), `after` (the client
            never sees its answer) or `pass`; what comes later passes.
        cuts: how many were cut.
    """

    folder: Path
    plan: list[str] = field(default_factory=list)
    cuts: int = 0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def next(self) -> str:
        """What to do with a commit."""
        with self._guard:
            verdict = self.plan.pop(0) if self.plan else "pass"
            self.cuts += verdict != "pass"
            return verdict


@contextmanager
def proxy(host: str, port: str) -> Iterator[Cutter]:
    """A proxy before the server at this socket."""
    name = f".s.PGSQL.{port}"
    with tempfile.TemporaryDirectory() as folder:
        cutter = Cutter(Path(folder))

        class Relay(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.socket(socket.AF_UNIX) as server:
                    server.connect(str(Path(host) / name))
                    _relay(self.request, server, cutter)

        class Listener(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        with Listener(str(Path(folder) / name), Relay) as listener:
            thread = threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            try:
                yield cutter
            finally:
                listener.shutdown()
                thread.join()


def _relay(client: socket.socket, server: socket.socket, cutter: Cutter) -> None:
    silent = threading.Event()
    answered = threading.Event()

    def back() -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if silent.is_set():
                    break
                client.sendall(data)
        answered.set()

    thread = threading.Thread(target=back, daemon=True)
    thread.start()
    with contextlib.suppress(OSError):
        while data := client.recv(65536):
            verdict = cutter.next() if _COMMIT in data else "pass"
            if verdict == "before":
                break
            if verdict == "after":
                silent.set()
                server.sendall(data)
                answered.wait(10)
                break
            server.sendall(data)
    with contextlib.suppress(OSError):
        server.shutdown(socket.SHUT_RDWR)
    thread.join()
