"""Where faults happen: a server, workers, its database, a mart, and links that can be cut."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from etlplus.v1 import connection_pb2, connection_pb2_grpc, job_pb2
from tests.conformance.database import enterable_folder
from tests.faults.cluster import Cluster
from tests.faults.link import Link, linked
from tests.faults.load import MODES, ROWS, Load, Mode, write_source
from tests.live import WORKSPACE, Process, Service, service

LEASE_SECONDS = 1.0
PAUSE = 0.02
#: The longest that anything here may take before it counts as lost.
PATIENCE = 120.0


@dataclass
class Scene:
    """A running service without workers, and all that it depends on.

    Attributes:
        control: the link from workers to the service's own database.
        mart: the link from everybody to the target.
        seconds: how long an undisturbed load takes.
    """

    live: Service
    metadata: Cluster
    target: Cluster
    control: Link
    mart: Link
    seconds: float = 0.5
    workers: list[Process] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def worker(self, *dooms: str, **settings: str) -> Process:
        """Starts a worker; `dooms` as in `doomed`, `settings` without prefix in lower case."""
        environ = {
            **self.live.environ,
            "ETLPLUS_DATABASE_URL": through(self.control, self.metadata.endpoint.metadata),
            **{f"ETLPLUS_{name.upper()}": value for name, value in settings.items()},
        }
        prefix = (sys.executable, "-m", "tests.faults.doomed", *dooms, "--") if dooms else ()
        log = self.live.data / "worker.log"
        process = Process(("worker",), environ, log, prefix)
        self.workers.append(process)
        return process

    def hand(self) -> Process:
        """A worker that lives: one that is there, else a new one."""
        for dead in [each for each in self.workers if not each.alive]:
            dead.kill()  # it also closes what the process left open
            self.workers.remove(dead)
        return self.workers[0] if self.workers else self.worker()

    def dismiss(self) -> None:
        """Ends all workers as crashes would."""
        while self.workers:
            self.workers.pop().kill()

    def load(self, mode: Mode, *, rows: int = ROWS, files: bool = False) -> Load:
        """Prepares a target and stores the pipeline that loads into it."""
        name = f"load_{next(self._numbers)}"
        source = self.live.root / f"numbers_{rows}.csv"
        if not source.exists():
            write_source(source, rows)
        made = Load(name, mode, source, rows, self.live.root / name if files else None)
        self.query(made.preparation)
        self.live.apply(made.text)
        return made

    def submit(self, load: Load) -> job_pb2.Job:
        """Queues a run."""
        return self.live.submit(f"{WORKSPACE}/pipelines/{load.name}")

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Runs a statement in the target, beside the link, as soon as the target answers."""
        return _query(self.target.endpoint.warehouse, statement)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Runs a statement in the service's own database."""
        return _query(self.metadata.endpoint.metadata, statement)

    def await_running(self, job: job_pb2.Job) -> None:
        """Returns once a worker has the job."""
        uid = job.uid
        self.until(
            lambda: (
                self.ask(f"select state from etlplus_control.every_job where uid = '{uid}'")
                != [("PENDING",)]
            ),
            "a worker takes the job",
        )

    def until(self, is_so: Callable[[], bool], what: str, patience: float = PATIENCE) -> float:
        """Waits for something; the seconds that it took. Raises AssertionError."""
        start = time.monotonic()
        while not is_so():
            assert time.monotonic() - start < patience, f"waited in vain: {what}"
            threading.Event().wait(PAUSE)
        return time.monotonic() - start

    def heal(self) -> None:
        """Every link works again."""
        self.control.heal()
        self.mart.heal()


def through(link: Link, conninfo: str) -> str:
    """A connection string that goes by a link."""
    return make_conninfo(conninfo, host=str(link.folder))


def _query(conninfo: str, statement: str) -> list[tuple[Any, ...]]:
    deadline = time.monotonic() + PATIENCE
    while True:
        with suppress(psycopg.OperationalError), psycopg.connect(conninfo) as session:
            cursor = session.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []
        assert time.monotonic() < deadline, f"the database does not come back: {conninfo}"
        threading.Event().wait(PAUSE)


@contextmanager
def scene() -> Iterator[Scene]:
    """Sets everything up and takes it down."""
    with ExitStack() as stack:
        folder = stack.enter_context(enterable_folder())
        clusters = []
        for name in ("metadata", "mart"):
            cluster = Cluster(folder / name)
            stack.callback(cluster.stop)
            clusters.append(cluster)
        metadata, target = clusters
        control = stack.enter_context(linked(metadata.endpoint.host, metadata.endpoint.port))
        mart = stack.enter_context(linked(target.endpoint.host, target.endpoint.port))
        live = stack.enter_context(
            service(
                folder / "home",
                "--no-worker",
                lease_seconds=str(LEASE_SECONDS),
                database_url=metadata.endpoint.metadata,
            )
        )
        made = Scene(live, metadata, target, control, mart)
        stack.callback(made.dismiss)
        _connect(made)
        yield made


def _connect(made: Scene) -> None:
    options = {**made.target.endpoint.warehouse_options, "host": str(made.mart.folder)}
    stub = connection_pb2_grpc.ConnectionServiceStub(made.live.channel)
    stub.CreateConnection(
        connection_pb2.CreateConnectionRequest(
            parent=WORKSPACE,
            connection_id="mart",
            connection=connection_pb2.Connection(kind="postgres", options=options),
        ),
        metadata=made.live.metadata,
        timeout=60,
    )


def measured(place: Scene) -> None:
    """Runs a load without a fault, and keeps how long it takes."""
    load = place.load(MODES[0], files=True)
    place.hand()
    job = place.submit(load)
    place.await_running(job)
    start = time.monotonic()
    ended = place.live.wait(job)
    assert ended.state == job_pb2.Job.STATE_SUCCEEDED, ended.error
    place.seconds = time.monotonic() - start
