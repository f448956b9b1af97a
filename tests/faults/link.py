"""A link to a PostgreSQL server that is cut, held, slowed or watched at chosen statements."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_PIECE = 65536
#: A statement may be split between two pieces; so much of the earlier one is looked at again.
_OVERLAP = 256
_ANSWER_SECONDS = 10.0
#: psycopg prepares a statement under a name of this form, which runs nothing …
_PREPARE = re.compile(rb"P.{4}(_pg3_[0-9a-f]+)\0([^\0]*)\0", re.DOTALL)
#: … and later runs it by this name, without its text.
_BIND = re.compile(rb"B.{4}[^\0]*\0(_pg3_[0-9a-f]+)\0", re.DOTALL)


@dataclass
class Rule:
    """What happens once, at the first statement that fits.

    Attributes:
        statement: what the client's bytes are searched for.
        act: called then; the link is cut when it returns True.
        after: only once the server has answered, and before the client sees that.
        more: bytes that the client sends after the statement before `act` is called.
        met: whether it happened.
    """

    statement: re.Pattern[bytes]
    act: Callable[[], bool]
    after: bool = False
    more: int = 0
    met: threading.Event = field(default_factory=threading.Event)


class Link:
    """The place where clients find the server, as libpq takes it for a host.

    Attributes:
        folder: holds the socket.
        rules: what is still to happen.
        piece: bytes that are sent at once.
        delay: seconds that each piece takes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rules: list[Rule] = []
        self._guard = threading.Lock()
        self._flowing = threading.Event()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self.heal()

    def heal(self) -> None:
        """Everything passes again."""
        self.rules.clear()
        self.piece, self.delay = _PIECE, 0.0
        self._flowing.set()

    def hold(self) -> None:
        """Nothing passes any more, and nobody is told."""
        self._flowing.clear()

    def cut(self) -> None:
        """Ends every connection there is."""
        with self._guard:
            pairs = list(self._pairs)
        for pair in pairs:
            _shut(*pair)

    def relay(self, client: socket.socket, server: socket.socket) -> None:
        """Passes one client on until either side ends."""
        pair = (client, server)
        with self._guard:
            self._pairs.add(pair)
        watch = _Watch(self)
        back = threading.Thread(target=self._back, args=(client, server, watch), daemon=True)
        back.start()
        with contextlib.suppress(OSError):
            while data := client.recv(_PIECE):
                if self._is_cut(data, server, watch):
                    break
        _shut(*pair)
        back.join()
        with self._guard:
            self._pairs.discard(pair)

    def _is_cut(self, data: bytes, server: socket.socket, watch: _Watch) -> bool:
        rule = watch.next(data)
        if rule is None:
            self._send(server, data)
            return False
        rule.met.set()
        if rule.after:
            watch.silence()
            self._send(server, data)
            watch.answered.wait(_ANSWER_SECONDS)
        cut = rule.act()
        if not rule.after and not cut:
            self._send(server, data)
        return cut or rule.after

    def _back(self, client: socket.socket, server: socket.socket, watch: _Watch) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(_PIECE):
                if watch.silent.is_set():
                    watch.answered.set()
                    continue
                self._send(client, data)
        watch.answered.set()
        _shut(client, server)

    def _send(self, to: socket.socket, data: bytes) -> None:
        piece, delay = self.piece, self.delay
        for start in range(0, len(data), piece):
            if delay:
                threading.Event().wait(delay)
            self._flowing.wait()
            to.sendall(data[start : start + piece])


class _Watch:
    """What one connection has sent so far, as far as rules ask."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._tail = b""
        self._prepared: dict[bytes, bytes] = {}
        self._counted: tuple[Rule, int] | None = None
        self.silent = threading.Event()
        self.answered = threading.Event()

    def silence(self) -> None:
        """Keeps the server's next answer from the client."""
        self.answered.clear()
        self.silent.set()

    def next(self, data: bytes) -> Rule | None:
        """The rule that is met by these bytes."""
        if self._counted is not None:
            rule, left = self._counted
            self._counted = (rule, left - len(data))
            if left > len(data):
                return None
            self._counted = None
            return rule
        seen = self._run(data)
        for rule in list(self._link.rules):
            if rule.statement.search(seen):
                with contextlib.suppress(ValueError):
                    self._link.rules.remove(rule)
                    self._tail = b""
                    if rule.more:
                        self._counted = (rule, rule.more)
                        return None
                    return rule
        return None

    def _run(self, data: bytes) -> bytes:
        """The text of what is run, whether it comes along or was prepared."""
        seen = self._tail + data
        self._prepared.update(_PREPARE.findall(seen))
        seen = _PREPARE.sub(b"", seen)
        self._tail = seen[-_OVERLAP:]
        by_name = (self._prepared.get(name, b"") for name in _BIND.findall(data))
        return b"\n".join((seen, *by_name))


def _shut(*sockets: socket.socket) -> None:
    for each in sockets:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def linked(host: str, port: int) -> Iterator[Link]:
    """A link to the server whose socket lies in the folder `host`."""
    name = f".s.PGSQL.{port}"
    with tempfile.TemporaryDirectory(prefix="etlplus-link-") as folder:
        link = Link(Path(folder))

        class Relay(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.socket(socket.AF_UNIX) as server, contextlib.suppress(OSError):
                    server.connect(str(Path(host) / name))
                    link.relay(self.request, server)

        class Listener(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 64

        with Listener(str(Path(folder) / name), Relay) as listener:
            thread = threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            try:
                yield link
            finally:
                link.heal()
                link.cut()
                listener.shutdown()
                thread.join()
