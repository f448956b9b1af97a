"""A PostgreSQL server that tests kill and start again at will."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import psycopg

from etlplus.store.embedded.supervisor import EmbeddedPostgres, Endpoint
from tests.conformance.database import apart

#: The supervisor gives up after five sudden ends within a minute.
_KILLS_IN_A_ROW = 4
_PAUSE = 0.02


class Cluster:
    """One server with its data folder.

    Attributes:
        endpoint: where it listens.
    """

    def __init__(self, folder: Path) -> None:
        """Makes the cluster in `folder` and starts it."""
        self._folder = folder
        folder.mkdir(mode=0o711)
        self._kills = 0
        self._postgres = EmbeddedPostgres(folder, system_state=folder / "system")
        self.endpoint: Endpoint = apart(self._postgres.start())

    def kill(self) -> None:
        """Ends the server as a crash of its machine would, and waits until it is back."""
        if self._kills == _KILLS_IN_A_ROW:
            self.restart()
        self._kills += 1
        pid = self._postgres.pid
        assert pid is not None, "the server is not running"
        os.kill(pid, signal.SIGKILL)
        while self._postgres.pid in {pid, None}:
            threading.Event().wait(_PAUSE)
        self.await_ready()

    @property
    def owner(self) -> os.stat_result:
        """Of the server's process: whose its files are."""
        return Path(f"/proc/{self._postgres.pid}").stat()

    def restart(self) -> None:
        """Stops the server, ending every session, and starts it again."""
        apart(self._postgres.stop())
        self._kills = 0
        self._postgres = EmbeddedPostgres(self._folder, system_state=self._folder / "system")
        assert apart(self._postgres.start()) == self.endpoint

    def await_ready(self) -> None:
        """Returns once the server lets clients in."""
        while True:
            try:
                psycopg.connect(self.endpoint.warehouse).close()
            except psycopg.OperationalError:
                threading.Event().wait(_PAUSE)
            else:
                return

    def terminate(self, conninfo: str) -> int:
        """Ends all other sessions of the role that logs in so; how many there were."""
        # The databases have roles of their own, and each may end its own sessions.
        with psycopg.connect(conninfo, autocommit=True) as session:
            row = session.execute(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                " where usename = current_user and pid <> pg_backend_pid()"
                " and backend_type = 'client backend'"
            ).fetchone()
        return int(row[0]) if row else 0

    def stop(self) -> None:
        """Stops the server for good."""
        apart(self._postgres.stop())
