"""B2: the transformation of B1 into a PostgreSQL table."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg

from benches import data
from benches.lineitem import pipeline
from benches.measure import Result, Sample, in_turns, peer, ratio_goal, run
from etlplus.store.embedded.supervisor import attach
from etlplus.v1 import job_pb2
from tests.conformance.database import enterable_folder
from tests.live import Service, service

WHAT = (
    "The transformation of B1 into a table of the embedded PostgreSQL. ETL Plus: from submitting "
    "the job to its success, staged, counted and published in one transaction. DuckDB: a process "
    "that ingests the same batches by ADBC. Raw COPY: ready bytes over one connection, computing "
    "nothing."
)
SINK = "postgres: {connection: local, table: lineitem_etlplus, mode: replace}"


def measure() -> Result:
    """Run ETL Plus, DuckDB with ADBC, and raw COPY in turns against one server."""
    source = data.lineitem()
    data.warm(source)
    with enterable_folder() as folder, service(folder, file_roots=str(source.parent)) as live:
        name = live.apply(pipeline(source, SINK)).name
        conninfo = attach(live.data).warehouse
        load(live, name)
        ready = prepare(folder, conninfo)
        rows = in_turns(
            {
                "ETL Plus": lambda: load(live, name),
                "DuckDB + ADBC": lambda: run(
                    peer("duckdb_postgres", source, conninfo, "lineitem_duckdb")
                ),
                "raw binary COPY": lambda: run(
                    peer("raw_copy", ready, conninfo, "public.lineitem_raw")
                ),
            }
        )
        check_equal(conninfo)
    return Result("B2 CSV to PostgreSQL", WHAT, rows, [ratio_goal(rows, "DuckDB + ADBC", 1.0)])


def load(live: Service, name: str) -> Sample:
    """Run the pipeline and measure it from outside; memory is the server's."""
    start = time.perf_counter()
    job = live.wait(live.submit(name))
    seconds = time.perf_counter() - start
    if job.state != job_pb2.Job.STATE_SUCCEEDED:
        raise RuntimeError(f"the load failed: {job.error}")
    return Sample(seconds, peak(live))


def peak(live: Service) -> int:
    """Return the most memory of the server that was ever resident, in bytes."""
    status = Path(f"/proc/{live.server.popen.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def prepare(folder: Path, conninfo: str) -> Path:
    """Write the loaded table in COPY's binary format, and make an empty table like it."""
    path = folder / "lineitem.copy"
    with psycopg.connect(conninfo) as connection, path.open("wb") as file:
        connection.execute("create table lineitem_raw (like lineitem_etlplus)")
        cursor = connection.cursor()
        with cursor.copy("copy lineitem_etlplus to stdout (format binary)") as copy:
            file.writelines(bytes(block) for block in copy)
    return path


def check_equal(conninfo: str) -> None:
    """Check that the tables hold the same figures.

    Raises:
        RuntimeError: They do not.
    """
    figures = (
        b"select count(*), sum(l_quantity), max(l_comment), count(*) filter (where late) from "
    )
    with psycopg.connect(conninfo) as connection:
        found = {
            table: connection.execute(figures + table).fetchone()
            for table in (b"lineitem_etlplus", b"lineitem_duckdb", b"lineitem_raw")
        }
    if len(set(found.values())) != 1:
        raise RuntimeError(f"the tables differ: {found}")
