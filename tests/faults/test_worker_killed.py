"""Workers die at random moments of a load; what a rerun leaves is every row exactly once.

`ETLPLUS_TEST_KILLS` sets how many die (6 when it is not set), `ETLPLUS_TEST_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
import secrets
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from etlplus.v1 import job_pb2
from tests.conformance.database import enterable_folder
from tests.live import Process, Service, service

KILLS = int(os.environ.get("ETLPLUS_TEST_KILLS", "6"))
SEED = int(os.environ.get("ETLPLUS_TEST_SEED") or secrets.randbits(32))
MODES = ("append", "replace", "merge", "delete_insert", "scd2")
KEYED = ("merge", "delete_insert", "scd2")
VERSIONS = ", valid_from timestamptz not null, valid_to timestamptz, is_current boolean not null"
ROWS = 150_000
# Ids from 1 to OLD are in the target before the load; the load brings 1 to ROWS.
OLD = 1000

PIPELINE = """\
api: etlplus/v1
name: load_{table}
sources:
  numbers:
    csv: {{uri: "{source}", columns: {{id: bigint, amount: "decimal(12,2)", word: text}}}}
steps:
  - map: {{twice: "id * 2"}}
sinks:
  table: {{postgres: {{connection: local, table: {table}, mode: {mode}{keys}}}}}
  files: {{parquet: {{uri: "{folder}/", mode: append}}}}
"""

EXACTLY_ONCE = """
select count(*) filter (where t.id is null), count(*) filter (where n is null),
       count(t.id) - count(distinct t.id), count(*) filter (where t.twice <> n * 2)
from generate_series(1, {rows}) n full join {table} t on t.id = n
"""


@dataclass
class Hall:
    """A server without workers of its own, and the data that they are to load."""

    live: Service
    source: Path
    seconds: float = 0.0

    def job(self, table: str, mode: str) -> job_pb2.Job:
        """Prepare a target with old rows and queue a load into it."""
        self.live.query(
            f"create table {table} (id bigint, amount numeric(12,2), word text, twice bigint"
            f"{VERSIONS if mode == 'scd2' else ''})"
        )
        if mode != "append":
            version = ", '2000-01-01', null, true" if mode == "scd2" else ""
            self.live.query(
                f"insert into {table} select n, 0, 'old', 0{version} "
                f"from generate_series(1, {OLD}) n"
            )
        text = PIPELINE.format(
            table=table,
            source=self.source,
            mode=mode,
            keys=", keys: [id]" if mode in KEYED else "",
            folder=self.live.root / table,
        )
        return self.live.submit(self.live.apply(text).name)

    def running(self, job: job_pb2.Job) -> None:
        """Wait until a worker has started a job."""
        for event in self.live.watch(job):
            if event.HasField("snapshot") and event.snapshot.state != job_pb2.Job.STATE_PENDING:
                return

    def check(self, table: str, mode: str) -> None:
        """Check that the table and the files hold every row exactly once."""
        rows = table
        if mode == "scd2":
            rows = f"(select * from {table} where is_current)"
            ended = f"select count(*) from {table} where not is_current and valid_to is not null"
            assert self.live.query(ended) == [(OLD,)]
        found = self.live.query(EXACTLY_ONCE.format(rows=ROWS, table=rows))
        assert found == [(0, 0, 0, 0)], f"{table}: missing, foreign, doubled, wrong: {found}"
        files = list((self.live.root / table).glob("*.parquet"))
        ids = sorted(n for file in files for n in pq.read_table(file)["id"].to_pylist())
        assert ids == list(range(1, ROWS + 1)), f"{table}: {len(ids)} rows in {files}"


@pytest.fixture(scope="module")
def hall() -> Iterator[Hall]:
    with (
        enterable_folder() as folder,
        service(folder, "--no-worker", lease_seconds="2") as live,
    ):
        hall = Hall(live, folder / "numbers.csv")
        with hall.source.open("w") as file:
            file.write("id,amount,word\n")
            file.writelines(f"{n},{n % 997}.{n % 100:02},word {n}\n" for n in range(1, ROWS + 1))
        worker = live.worker()
        try:
            hall.seconds = measure(hall)
        finally:
            worker.stop()
        yield hall


def measure(hall: Hall) -> float:
    """Return how long an undisturbed load takes, in seconds."""
    job = hall.job("undisturbed", "append")
    hall.running(job)
    start = time.monotonic()
    ended = hall.live.wait(job)
    assert ended.state == job_pb2.Job.STATE_SUCCEEDED, ended.error
    hall.check("undisturbed", "append")
    return time.monotonic() - start


def kill_within(worker: Process, seconds: float) -> None:
    """Let a worker go on for some time, then kill it."""
    with pytest.raises(subprocess.TimeoutExpired):
        worker.popen.wait(seconds)
    worker.kill()


@pytest.mark.timeout(60 + 30 * KILLS)
def test_after_each_rerun_every_row_is_there_once(hall: Hall) -> None:
    print(f"seed {SEED}")
    draw = random.Random(SEED)
    worker = hall.live.worker()
    reruns = 0
    try:
        for number in range(KILLS):
            mode = MODES[number % len(MODES)]
            table = f"killed_{number}_{mode}"
            before = OLD if mode != "append" else 0
            job = hall.job(table, mode)
            hall.running(job)
            kill_within(worker, draw.uniform(0, 1.1 * hall.seconds))
            seen = hall.live.query(f"select count(*) from {table}")
            after = ROWS + (OLD if mode == "scd2" else 0)
            assert seen in ([(before,)], [(after,)]), f"{table}: half a load is visible: {seen}"
            worker = hall.live.worker()
            ended = hall.live.wait(job)
            assert ended.state == job_pb2.Job.STATE_SUCCEEDED, ended.error
            reruns += ended.attempt > 1
            hall.check(table, mode)
    finally:
        worker.stop()
    assert reruns > 0, "no worker died in the middle of a load"


def test_nothing_is_left_behind(hall: Hall) -> None:
    """A load after all the killed ones sweeps what they staged."""
    worker = hall.live.worker()
    try:
        job = hall.job("afterwards", "append")
        assert hall.live.wait(job).state == job_pb2.Job.STATE_SUCCEEDED
    finally:
        worker.stop()
    staged = hall.live.query(
        "select relname from pg_class join pg_namespace n on n.oid = relnamespace"
        " where nspname = 'etlplus' and relname like 'stage%' and relkind = 'r'"
    )
    assert staged == []
