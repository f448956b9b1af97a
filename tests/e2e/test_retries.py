"""A database that is away when a run begins, and comes back while the job waits."""

from __future__ import annotations

import tempfile
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from etlplus.store.embedded.supervisor import attach
from etlplus.v1 import connection_pb2, connection_pb2_grpc, job_pb2
from tests.live import WORKSPACE, Service

PIPELINE = """\
api: etlplus/v1
name: {name}
sources:
  numbers: {{csv: {{uri: "{file}", columns: {{id: bigint}}}}}}
sinks:
  table: {{postgres: {{connection: {name}, table: {name}, mode: append}}}}
limits: {{retries: {retries}}}
"""
ROWS = 1000


def away(live: Service, name: str, folder: str) -> Path:
    """Store a connection whose server's socket is not there; return where it would be."""
    options = conninfo_to_dict(attach(live.data).warehouse)
    port = str(options["port"])
    stub = connection_pb2_grpc.ConnectionServiceStub(live.channel)
    connection = connection_pb2.Connection(
        kind="postgres",
        options={
            "host": folder,
            "port": port,
            "database": str(options["dbname"]),
            "user": str(options["user"]),
        },
    )
    request = connection_pb2.CreateConnectionRequest(
        parent=WORKSPACE, connection_id=name, connection=connection
    )
    stub.CreateConnection(request, metadata=live.metadata, timeout=60)
    return Path(folder) / f".s.PGSQL.{port}"


def text(live: Service, name: str, retries: str) -> str:
    file = live.root / f"{name}.csv"
    file.write_text("id\n" + "".join(f"{number}\n" for number in range(ROWS)))
    return PIPELINE.format(name=name, file=file, retries=retries)


def test_a_database_that_comes_back_gets_every_row_once(live: Service) -> None:
    with tempfile.TemporaryDirectory() as folder:
        socket = away(live, "back", folder)
        options = conninfo_to_dict(attach(live.data).warehouse)
        definition = text(live, "back", "{max: 100, backoff: 200ms, max_backoff: 1s}")
        job = live.submit(live.apply(definition).name)
        for _ in live.watch(job):
            waiting = live.get(job)
            if waiting.retries and not socket.exists():
                assert waiting.error.code == "CONNECTION_FAILED"
                socket.symlink_to(Path(str(options["host"])) / socket.name)
        done = live.get(job)
    assert done.state == job_pb2.Job.STATE_SUCCEEDED, done.error
    assert done.retries >= 1
    assert done.attempt == done.retries + 1
    assert not done.HasField("error")
    assert live.query("select count(*), count(distinct id) from back") == [(ROWS, ROWS)]


def test_a_database_that_stays_away_fails_the_job(live: Service) -> None:
    with tempfile.TemporaryDirectory() as folder:
        away(live, "gone", folder)
        job = live.run(text(live, "gone", "{max: 1, backoff: 10ms}"))
    assert job.state == job_pb2.Job.STATE_FAILED
    assert (job.error.code, job.retries, job.attempt) == ("CONNECTION_FAILED", 1, 2)
    assert not job.HasField("retry_time")
