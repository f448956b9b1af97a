"""A real service in processes of its own, and the calls that tests make to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import psycopg

from etlplus.store.embedded.supervisor import attach
from etlplus.v1 import job_pb2, job_pb2_grpc, pipeline_pb2, pipeline_pb2_grpc

ETLPLUS = Path(sys.executable).parent / "etlplus"
WORKSPACE = "workspaces/default"
FINAL = {job_pb2.Job.STATE_SUCCEEDED, job_pb2.Job.STATE_FAILED, job_pb2.Job.STATE_CANCELLED}
DEADLINE = 240.0


@dataclass
class Process:
    """A command of the product that has said that it is ready."""

    command: tuple[str, ...]
    environ: Mapping[str, str]
    log: Path
    prefix: tuple[str, ...] = ()
    popen: subprocess.Popen[str] = field(init=False)
    ready: str = field(init=False)

    def __post_init__(self) -> None:
        with self.log.open("a") as log:
            self.popen = subprocess.Popen(
                [*self.prefix, str(ETLPLUS), *self.command],
                env=dict(self.environ),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        assert self.popen.stdout is not None
        self.ready = self.popen.stdout.readline().strip()
        if not self.ready:
            self.popen.wait()
            raise AssertionError(f"{self.command} did not start:\n{self.log.read_text()}")

    def kill(self) -> None:
        """End the process as a crash would: SIGKILL, and wait until it is gone."""
        self.popen.kill()
        self._gone()

    def stop(self) -> int:
        """Ask the process to end, wait for it and return its exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        return self._gone()

    def _gone(self) -> int:
        assert self.popen.stdout is not None
        self.popen.stdout.close()
        return self.popen.wait()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.popen.poll() is None


@dataclass
class Service:
    """A running server, seen from outside."""

    data: Path
    root: Path
    server: Process
    environ: Mapping[str, str]
    channel: grpc.Channel = field(init=False)

    def __post_init__(self) -> None:
        self.address = self.server.ready.split()[-1].removeprefix("grpc://")
        self.token = (self.data / "token").read_text().strip()
        self.metadata = (("authorization", f"Bearer {self.token}"),)
        self.channel = grpc.insecure_channel(self.address)
        self.pipelines = pipeline_pb2_grpc.PipelineServiceStub(self.channel)
        self.jobs = job_pb2_grpc.JobServiceStub(self.channel)

    def apply(self, text: str) -> pipeline_pb2.Pipeline:
        """Store a pipeline file as a new version and return it."""
        name = next(
            line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("name:")
        )
        request = pipeline_pb2.UpdatePipelineRequest(
            pipeline=pipeline_pb2.Pipeline(name=f"{WORKSPACE}/pipelines/{name}", source_text=text),
            allow_missing=True,
        )
        return self.pipelines.UpdatePipeline(request, metadata=self.metadata, timeout=60)

    def submit(self, name: str, params: Mapping[str, str] | None = None) -> job_pb2.Job:
        """Queue a run of a stored pipeline and return its job."""
        request = pipeline_pb2.RunPipelineRequest(name=name, params=params or {})
        return self.pipelines.RunPipeline(request, metadata=self.metadata, timeout=60)

    def watch(self, job: job_pb2.Job) -> Iterator[job_pb2.WatchJobResponse]:
        """Yield a job's events until it has ended."""
        request = job_pb2.WatchJobRequest(name=job.name)
        yield from self.jobs.WatchJob(request, metadata=self.metadata, timeout=DEADLINE)

    def wait(self, job: job_pb2.Job) -> job_pb2.Job:
        """Wait until a job has ended and return it."""
        for _ in self.watch(job):
            continue
        ended = self.get(job)
        assert ended.state in FINAL, ended
        return ended

    def get(self, job: job_pb2.Job) -> job_pb2.Job:
        """Return a job as it stands."""
        request = job_pb2.GetJobRequest(name=job.name)
        return self.jobs.GetJob(request, metadata=self.metadata, timeout=60)

    def run(self, text: str, params: Mapping[str, str] | None = None) -> job_pb2.Job:
        """Store a pipeline file, run it and return the ended job."""
        return self.wait(self.submit(self.apply(text).name, params))

    def rejects(self, job: job_pb2.Job) -> list[job_pb2.Reject]:
        """Return a job's rejects."""
        request = job_pb2.ListRejectsRequest(parent=job.name)
        answers = self.jobs.ListRejects(request, metadata=self.metadata, timeout=60)
        return [reject for answer in answers for reject in answer.rejects]

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement in the warehouse and return its rows."""
        with psycopg.connect(attach(self.data).warehouse) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def worker(self) -> Process:
        """Start a worker process beside the server."""
        return Process(("worker",), self.environ, self.data / "worker.log")


@contextmanager
def service(
    folder: Path, *arguments: str, prefix: tuple[str, ...] = (), **settings: str
) -> Iterator[Service]:
    """Run a server on a data folder beneath `folder` until the block ends.

    Args:
        folder: Holds the data and is the root of all files that pipelines name.
        arguments: Further arguments of `etlplus serve`.
        prefix: A command that runs the server, such as `unshare` with its arguments.
        settings: Further settings, without the prefix `ETLPLUS_`, in lower case.
    """
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    own = {f"ETLPLUS_{name.upper()}": value for name, value in settings.items()}
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ETLPLUS_")},
        "ETLPLUS_DATA_DIR": str(data),
        "ETLPLUS_FILE_ROOTS": str(folder),
        **own,
    }
    command = ("serve", "--listen", "127.0.0.1:0", *arguments)
    server = Process(command, environ, data / "server.log", prefix)
    try:
        running = Service(data, folder, server, environ)
        with running.channel:
            yield running
        assert server.alive, f"the server died:\n{(data / 'server.log').read_text()}"
    finally:
        server.stop()
