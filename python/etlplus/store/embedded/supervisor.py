"""Runs PostgreSQL as a part of this process's life: starts, watches, restarts and stops it."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.conninfo import make_conninfo

from etlplus.store.embedded import server
from etlplus.store.embedded.binaries import Binaries, find_binaries, reachable_binaries
from etlplus.store.embedded.cluster import (
    METADATA,
    WAREHOUSE,
    make_cluster,
    make_databases,
    write_access_rules,
)
from etlplus.store.embedded.layout import (
    PORT,
    SYSTEM_STATE,
    Layout,
    database_folder,
    existing_layout,
    prepare_layout,
    remove_distant_socket,
)
from etlplus.store.embedded.ownership import Ownership
from etlplus.store.embedded.remains import clear_remains

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path
    from types import TracebackType

logger = logging.getLogger(__name__)

#: After a sudden end the server first replays its log, up to a gigabyte of it.
START_SECONDS = 300.0
STOP_SECONDS = 10.0
#: So many unexpected ends within the window, and the supervisor gives up.
RESTART_LIMIT = 5
RESTART_WINDOW_SECONDS = 60.0
RETRY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How to reach an embedded database.

    Attributes:
        host: The socket's folder, as libpq takes it for a host.
        port: The number in the socket's name.
        log: The server's log file.
    """

    host: str
    port: int
    log: Path

    @property
    def metadata(self) -> str:
        """The connection string of the service's own database."""
        return self._conninfo(METADATA)

    @property
    def warehouse(self) -> str:
        """The connection string of the database that newcomers load into."""
        return self._conninfo(WAREHOUSE)

    @property
    def warehouse_options(self) -> dict[str, str]:
        """The options of the built-in connection `local`."""
        names = {"database": WAREHOUSE, "user": WAREHOUSE, "sslmode": "disable"}
        return {"host": self.host, "port": str(self.port), **names}

    def _conninfo(self, name: str) -> str:
        return make_conninfo(host=self.host, port=self.port, user=name, dbname=name)


class EmbeddedPostgres:
    """An embedded database with this process as its owner.

    The server is a child of one thread that lives as long as it, since the kernel ties the child's
    life to that thread. It dies with the process, however that dies; if it dies alone it is started
    again.
    """

    def __init__(
        self,
        data_folder: Path,
        *,
        wait_seconds: float = 30.0,
        system_state: Path = SYSTEM_STATE,
    ) -> None:
        """Names the database; nothing is touched yet.

        Args:
            data_folder: Where the service keeps its data; the database takes a folder beneath it.
            wait_seconds: How long to wait for another owner of the same folder to end.
            system_state: Where root keeps clusters whose user cannot enter the data folder.
        """
        self._data_folder = data_folder
        self._wait_seconds = wait_seconds
        self._system_state = system_state
        self._locks: list[Ownership] = []
        self._layout: Layout | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = threading.Lock()

    async def start(self) -> Endpoint:
        """Becomes the owner, makes the cluster if needed, starts the server and its databases.

        Raises:
            Unavailable: Another owner stayed, no programs were found, or the server did not start.
        """
        try:
            return await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stops the server with everything committed kept, and gives up ownership."""
        self._stopping.set()
        await asyncio.to_thread(self._stop_server)
        if self._layout is not None:
            remove_distant_socket(self._layout)
        while self._locks:
            self._locks.pop().release()

    async def __aenter__(self) -> Endpoint:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def pid(self) -> int | None:
        """The server's process id, while it runs."""
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    async def _start(self) -> Endpoint:
        self._stopping.clear()
        folder = database_folder(self._data_folder)
        await asyncio.to_thread(folder.mkdir, mode=0o711, parents=True, exist_ok=True)
        await self._own(folder)
        layout = await asyncio.to_thread(prepare_layout, self._data_folder, self._system_state)
        if layout.state != folder:
            # A copied data folder names the same state; its owner is whoever holds both locks.
            await self._own(layout.state)
        self._layout = layout
        binaries = await asyncio.to_thread(self._prepare, layout)
        ready: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(binaries, layout, ready), name="embedded-postgres", daemon=True
        )
        self._thread.start()
        await asyncio.wrap_future(ready)
        await asyncio.to_thread(make_databases, layout)
        logger.info(
            "embedded PostgreSQL %d in %s; set ETLPLUS_DATABASE_URL for production",
            binaries.major,
            layout.state,
        )
        return endpoint_of(layout)

    async def _own(self, folder: Path) -> None:
        lock = Ownership(folder)
        await lock.acquire(self._wait_seconds)
        self._locks.append(lock)

    def _prepare(self, layout: Layout) -> Binaries:
        found = find_binaries(layout.cluster)
        binaries = reachable_binaries(found, layout.account, layout.state)
        make_cluster(binaries, layout)
        write_access_rules(layout)
        return binaries

    def _run(self, binaries: Binaries, layout: Layout, ready: Future[None]) -> None:
        ends: list[float] = []
        try:
            while not self._stopping.is_set():
                process = self._start_server(binaries, layout)
                if not ready.done():
                    ready.set_result(None)
                code = process.wait()
                if self._stopping.is_set():
                    break
                now = time.monotonic()
                ends = [each for each in ends if now - each < RESTART_WINDOW_SECONDS] + [now]
                if len(ends) > RESTART_LIMIT:
                    logger.critical("the embedded database keeps ending; see %s", layout.log)
                    break
                logger.error("the embedded database ended with code %d; starting it again", code)
        except Exception as error:  # noqa: BLE001 - a thread's errors go to who waits, or to the log
            if self._stopping.is_set():
                logger.info("the embedded database was stopped while it started: %s", error)
            elif ready.done():
                logger.critical("the embedded database could not be restarted: %s", error)
            else:
                ready.set_exception(error)
        if not ready.done():
            ready.cancel()

    def _start_server(self, binaries: Binaries, layout: Layout) -> subprocess.Popen[bytes]:
        deadline = time.monotonic() + START_SECONDS
        while True:
            clear_remains(layout, deadline)
            with self._guard:
                process = server.spawn(binaries, layout)
                self._process = process
            if self._stopping.is_set():
                server.stop(process, STOP_SECONDS)
            if server.wait_until_ready(process, layout, deadline):
                return process
            self._stopping.wait(RETRY_SECONDS)

    def _stop_server(self) -> None:
        with self._guard:
            process = self._process
        if process is not None:
            server.stop(process, STOP_SECONDS)
        if self._thread is not None:
            self._thread.join()
            self._thread = None


def endpoint_of(layout: Layout) -> Endpoint:
    """How to reach the server of a layout."""
    return Endpoint(host=str(layout.socket_folder), port=PORT, log=layout.log)


def attach(data_folder: Path) -> Endpoint:
    """How to reach the server that another process, which outlives this one, runs."""
    return endpoint_of(existing_layout(data_folder))
