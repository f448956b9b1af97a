"""The rivals as processes: dlt for a load, procrastinate for a queue."""

from __future__ import annotations

import itertools
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.cluster import Cluster
from tests.faults.link import Link
from tests.faults.scene import through

#: Where `make faults` installs them.
PYTHON = Path(__file__).parents[3] / ".venv" / "rivals" / "bin" / "python"
_SCRIPTS = Path(__file__).parent
_TRIES = 8
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where rivals load: a server, the link to it, what they read and where they keep state."""

    cluster: Cluster
    link: Link
    source: Path
    folder: Path


class Contender(ABC):
    """A rival with one load at a time.

    Attributes:
        seconds: how long an undisturbed load takes.
        table: the target of the load.
        commits: how many transactions a load commits, about.
    """

    name: str
    commits: int

    def __init__(self, place: Place) -> None:
        """Nothing runs yet."""
        self.place = place
        self.seconds = 1.0
        self.table = ""
        self._numbers = itertools.count()
        self._process: subprocess.Popen[str] | None = None
        self._log = place.folder / f"{type(self).__name__}.log"

    @abstractmethod
    def prepare(self) -> None:
        """What is done once."""

    @abstractmethod
    def start(self) -> None:
        """Starts a load into a new table."""

    @abstractmethod
    def is_done(self) -> bool:
        """Whether the load has ended."""

    @abstractmethod
    def finish(self) -> bool:
        """Does what its manual says after a crash, until it says that the load is done."""

    def go_on(self, seconds: float) -> None:
        """Lets it work for some time, or until it ends."""
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)

    def kill(self) -> None:
        """Ends its process as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Runs a statement in the target, beside the link."""
        with psycopg.connect(self.place.cluster.endpoint.warehouse) as session:
            cursor = session.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _run(self, script: str, *arguments: str | Path) -> subprocess.Popen[str]:
        with self._log.open("a") as log:
            return subprocess.Popen(
                [PYTHON, _SCRIPTS / script, *arguments], stdout=log, stderr=log, text=True
            )


class Dlt(Contender):
    """A script that loads with dlt; a scheduler would run it again until it exits with 0."""

    name = "dlt"
    commits = 6

    def prepare(self) -> None:
        """Nothing is needed."""

    def start(self) -> None:
        """Runs the script."""
        self._table = f"dlt_{next(self._numbers)}"
        self.table = f"rivals.{self._table}"
        self._process = self._again()

    def is_done(self) -> bool:
        """Whether the script has ended."""
        return self._process is not None and self._process.poll() is not None

    def finish(self) -> bool:
        """Runs it again, until it succeeds."""
        for _ in range(_TRIES):
            if self._process is not None and self._process.wait() == 0:
                return True
            self._process = self._again()
        return self._process is not None and self._process.wait() == 0

    def _again(self) -> subprocess.Popen[str]:
        # The query wins over the place that dlt asks for.
        host = self.place.link.folder
        port = self.place.cluster.endpoint.port
        url = f"postgresql://warehouse:none@localhost:{port}/warehouse?host={host}&port={port}"
        folder = self.place.folder / "dlt"
        return self._run("dlt_load.py", self.place.source, url, self._table, folder)


class Procrastinate(Contender):
    """A worker of procrastinate, and the upkeep that its manual asks for."""

    name = "procrastinate"
    commits = 1

    def prepare(self) -> None:
        """Makes its tables."""
        assert self._command("schema").wait() == 0, self._log.read_text()[-2000:]

    def start(self) -> None:
        """Queues a load, with a worker there."""
        self.table = f"queued_{next(self._numbers)}"
        self.query(f"create table {self.table} (id bigint, word text, crc text)")
        assert self._command("defer", self.place.source, self.table).wait() == 0
        if self._process is None or self._process.poll() is not None:
            self._process = self._command("work")

    def is_done(self) -> bool:
        """Whether the queue says so."""
        with suppress(psycopg.OperationalError):
            return self._state() not in {"todo", "doing"}
        return False

    def finish(self) -> bool:
        """Starts the worker anew where it ended, and retries stalled jobs."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            with suppress(psycopg.OperationalError):
                state = self._state()
                if state in {"succeeded", "failed", "aborted", "cancelled"}:
                    return state == "succeeded"
            if self._process is None or self._process.poll() is not None:
                self._process = self._command("work")
                self._command("stalled").wait()
            threading.Event().wait(0.1)
            if time.monotonic() > deadline - _PATIENCE * 0.9:
                self._command("stalled").wait()
        return False

    def _state(self) -> str:
        with psycopg.connect(self.place.cluster.endpoint.metadata) as session:
            row = session.execute(
                "select status::text from procrastinate_jobs order by id desc limit 1"
            ).fetchone()
        return str(row[0]) if row else ""

    def _command(self, name: str, *arguments: str | Path) -> subprocess.Popen[str]:
        endpoint = self.place.cluster.endpoint
        queue, target = (
            through(self.place.link, each) for each in (endpoint.metadata, endpoint.warehouse)
        )
        return self._run("procrastinate_work.py", name, queue, target, *arguments)
