"""Workers die at random moments of loads of what is new; every row is loaded exactly once.

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

import pytest

from etlplus.v1 import job_pb2
from tests.conformance.database import enterable_folder
from tests.live import Process, Service, service

KILLS = int(os.environ.get("ETLPLUS_TEST_KILLS", "6"))
SEED = int(os.environ.get("ETLPLUS_TEST_SEED") or secrets.randbits(32))
ROWS = 60_000

PIPELINE = """\
api: etlplus/v1
name: grown
sources:
  numbers: {postgres: {connection: local, table: numbers, incremental: id}}
  files: {csv: {uri: "*.csv", columns: {id: bigint, word: text}, incremental: only_new}}
sinks:
  one: {from: numbers, postgres: {connection: local, table: one}}
  two: {from: numbers, postgres: {connection: local, table: two}}
  three: {from: numbers, postgres: {connection: local, table: three, mode: merge, keys: [id]}}
  four: {from: files, postgres: {connection: local, table: four}}
"""
EXACTLY_ONCE = """
select count(*) filter (where t.id is null), count(*) filter (where n.id is null),
       count(t.id) - count(distinct t.id)
from numbers n full join {table} t on t.id = n.id
"""


@dataclass
class Hall:
    """A server without workers of its own, a table that grows, and files with the same rows."""

    live: Service
    pipeline: str
    rows: int = 0
    seconds: float = 0.0

    def grow(self) -> None:
        first, self.rows = self.rows + 1, self.rows + ROWS
        self.live.query(
            "insert into numbers select n, 'word ' || n "
            f"from generate_series({first}, {self.rows}) n"
        )
        lines = "".join(f"{n},word {n}\n" for n in range(first, self.rows + 1))
        # Complete as soon as it has this name; and once more, which is nothing new.
        for name in (f"{self.rows}.csv", f"again-{self.rows}.csv"):
            written = self.live.root / f".{name}"
            written.write_text(f"id,word\n{lines}")
            written.rename(written.with_name(name))

    def start(self) -> job_pb2.Job:
        """A job that a worker has begun."""
        job = self.live.submit(self.pipeline)
        for event in self.live.watch(job):
            if event.HasField("snapshot") and event.snapshot.state != job_pb2.Job.STATE_PENDING:
                break
        return job

    def check(self) -> None:
        for table in ("one", "two", "three", "four"):
            found = self.live.query(EXACTLY_ONCE.format(table=table))
            assert found == [(0, 0, 0)], f"{table}: missing, foreign, doubled: {found}"


@pytest.fixture(scope="module")
def hall() -> Iterator[Hall]:
    with (
        enterable_folder() as folder,
        service(folder, "--no-worker", lease_seconds="2") as live,
    ):
        live.query("create table numbers (id bigint primary key, word text)")
        hall = Hall(live, live.apply(PIPELINE).name)
        worker = live.worker()
        hall.grow()
        start = time.monotonic()
        ended = live.wait(hall.start())
        hall.seconds = time.monotonic() - start
        assert ended.state == job_pb2.Job.STATE_SUCCEEDED, ended.error
        worker.stop()
        yield hall


def kill_within(worker: Process, seconds: float) -> None:
    """Let a worker go on for some time, then kill it."""
    with pytest.raises(subprocess.TimeoutExpired):
        worker.popen.wait(seconds)
    worker.kill()


@pytest.mark.timeout(60 + 30 * KILLS)
def test_what_is_new_is_loaded_once_whatever_dies(hall: Hall) -> None:
    print(f"seed {SEED}")
    draw = random.Random(SEED)
    live, reruns = hall.live, 0
    for number in range(KILLS):
        worker = live.worker()
        hall.grow()
        job = hall.start()
        kill_within(worker, draw.uniform(0, 1.1 * hall.seconds))
        # What comes meanwhile is of the next job: a rescued one reads what it began with.
        hall.grow()
        # Every second job is given up, so that the next one has to go on with what it left.
        if number % 2:
            request = job_pb2.CancelJobRequest(name=job.name)
            live.jobs.CancelJob(request, metadata=live.metadata, timeout=60)
        worker = live.worker()
        ended = live.wait(job)
        reruns += ended.attempt > 1
        for _ in range(2):
            ended = live.wait(live.submit(hall.pipeline))
            assert ended.state == job_pb2.Job.STATE_SUCCEEDED, ended.error
        worker.stop()
        hall.check()
    assert reruns or KILLS < 2, "no worker died in the middle of a load"
