"""Cancelling a job wherever it is: it ends CANCELLED, nothing is published, nothing is left."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from etlplus.store.embedded.supervisor import attach
from etlplus.v1 import job_pb2
from tests.conformance.database import enterable_folder
from tests.live import Service, service

PIPELINE = """\
api: etlplus/v1
name: {name}
sources:
  rows: {{postgres: {{connection: local, query: "{query}"}}}}
{steps}sinks:
  out: {{{sink}}}
limits: {{memory: 256MiB}}
"""
# Long enough for any machine, and little enough for its disk should a test fail.
LONG = "select generate_series(1, 50000000) as n"
MANY = "select generate_series(1, 5000) as n, repeat('x', 50) as word"
BIG = "select generate_series(1, 300000) as n, repeat('x', 50) as word"
SLEEP = "select 1 as n, pg_sleep(3600)::text as slept"
PAIRS = "from rows a cross join rows b"
FILE, TABLE = "csv: {name}.csv", "postgres: {{connection: local, table: {name}}}"
PHASES = {
    "waiting": (SLEEP, "", FILE),
    "scanning": (LONG, 'filter: "n < 0"', FILE),
    "writing": (LONG, "", FILE),
    "staging": (LONG, "", TABLE),
    "joining": (MANY, f'sql: "select a.n, b.word {PAIRS}"', FILE),
    # Conditions that no pair meets: the joins have nothing to give for hours.
    "computing": (BIG, f'sql: "select a.n {PAIRS} where a.n * b.n < a.n - 1000000 * b.n"', FILE),
    "comparing": (BIG, f'sql: "select a.n {PAIRS} where a.word < b.word"', FILE),
    "matching": (
        BIG,
        f'sql: "select a.n {PAIRS} where a.word = b.word and a.n > b.n + 300000"',
        FILE,
    ),
    "sorting": (MANY, f'sql: "select a.n, b.word {PAIRS} order by a.n * b.n"', FILE),
    "grouping": (MANY, f'sql: "select a.n * b.n as n, count(*) as m {PAIRS} group by 1"', FILE),
}


@pytest.fixture(scope="module")
def live() -> Iterator[Service]:
    with enterable_folder() as folder, service(folder) as running:
        yield running


def submit(live: Service, name: str, query: str, step: str, sink: str) -> job_pb2.Job:
    steps = f"steps: [{{{step}}}]\n" if step else ""
    text = PIPELINE.format(name=name, query=query, steps=steps, sink=sink.format(name=name))
    return live.submit(live.apply(text).name)


def await_rows(live: Service, job: job_pb2.Job, least: int) -> None:
    """Returns once the job runs and has read that many rows."""
    for event in live.watch(job):
        if least > 0 and event.progress.rows_read >= least:
            return
        if least == 0 and event.snapshot.state == job_pb2.Job.STATE_RUNNING:
            return


def cancel(live: Service, job: job_pb2.Job) -> job_pb2.Job:
    request = job_pb2.CancelJobRequest(name=job.name)
    live.jobs.CancelJob(request, metadata=live.metadata, timeout=60)
    return live.wait(job)


def nothing_is_left(live: Service, name: str) -> None:
    # The worker clears up after it has said how the job ended.
    while any((live.data / "work").iterdir()) or any(live.root.glob(f".{name}*")):
        continue
    assert not (live.root / f"{name}.csv").exists()
    assert live.query("select relname from pg_class where relname ~ '^stage.*_0$'") == []


@pytest.mark.parametrize("phase", PHASES)
def test_a_cancelled_job_publishes_nothing(live: Service, phase: str) -> None:
    job = submit(live, phase, *PHASES[phase])
    await_rows(live, job, {SLEEP: 0, BIG: 300_000}.get(PHASES[phase][0], 1))
    ended = cancel(live, job)
    assert ended.state == job_pb2.Job.STATE_CANCELLED, ended
    assert live.query(f"select to_regclass('{phase}')") == [(None,)]
    nothing_is_left(live, phase)


def test_a_job_that_waits_to_publish_is_cancelled(live: Service) -> None:
    live.query("create table locked (n bigint)")
    with psycopg.connect(attach(live.data).warehouse) as other:
        other.execute("lock table locked in share mode")
        job = submit(live, "locked", "select 1::bigint as n", "", TABLE)
        waiting = (
            "select count(*) from pg_locks where relation = 'locked'::regclass and not granted"
        )
        while other.execute(waiting).fetchone() == (0,):
            continue
        ended = cancel(live, job)
    assert ended.state == job_pb2.Job.STATE_CANCELLED, ended
    assert live.query("select count(*) from locked") == [(0,)]
    nothing_is_left(live, "locked")
