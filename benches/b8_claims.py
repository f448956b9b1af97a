"""B8: how fast jobs are claimed, one at a time, and how soon a queued one is picked up."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg

from benches.measure import Goal, Result, Row, Sample
from etlplus.domain.job import NewJob
from etlplus.domain.names import new_job_id
from etlplus.domain.pipeline import PipelineDraft
from etlplus.store.database import PoolOptions
from etlplus.store.stores import PostgresStores
from tests.conformance.database import control_database, empty

WHAT = (
    "The embedded PostgreSQL, durable commits, and the service's own stores, on the same cores. "
    "Claims: two processes with four claimers each take jobs one at a time, each with a lease and "
    "an epoch of its own. Pickup: from asking for a job in one process to another's having claimed "
    "it."
)
PIPELINE = ("default", "claims")
JOBS, SECONDS = 24_000, 5.0
CLAIMERS, PROCESSES = 4, 2
PICKUPS = 200
LEASE = timedelta(minutes=5)
LEAST_RATE, MOST_PICKUP = 2000.0, 0.050

_FILL = """
insert into etlplus_control.job
    (uid, workspace, pipeline, version, params, author, priority, turn)
select gen_random_uuid(), %s, %s, 1, '{}', 'bench', 50,
    clock_timestamp() + number * interval '1 microsecond'
from generate_series(1, %s) as number
"""


def measure() -> Result:
    """Fill the queue, let claimers empty it, then queue jobs one by one."""
    with control_database() as conninfo:
        empty(conninfo)
        asyncio.run(_prepare(conninfo))
        rate = _rate(conninfo)
        empty(conninfo)
        asyncio.run(_prepare(conninfo))
        waits = _pickups(conninfo)
    middle, high = statistics.median(waits), statistics.quantiles(waits, n=20)[-1]
    rows = [
        Row(f"a claim, of {CLAIMERS * PROCESSES} claimers", Sample(1 / rate), int(rate * SECONDS)),
        Row("pickup, p50", Sample(middle), PICKUPS),
        Row("pickup, p95", Sample(high), PICKUPS),
    ]
    goals = [
        Goal("at least 2000 claims per second", f"{rate:.0f}", rate >= LEAST_RATE),
        Goal("pickup within 50 ms, p95", f"{high * 1000:.0f} ms", high <= MOST_PICKUP),
    ]
    return Result("B8 claims and pickup", WHAT, rows, goals)


async def _prepare(conninfo: str) -> None:
    stores = PostgresStores(conninfo)
    await stores.open()
    draft = PipelineDraft(spec=b"", source_text="", author="bench", message="")
    await stores.stores.pipelines.create(*PIPELINE, draft)
    await stores.close()


def _rate(conninfo: str) -> float:
    """Claims per second of all processes together, counted while all of them claim."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(_FILL, (*PIPELINE, JOBS))
        connection.execute("vacuum analyze etlplus_control.job")
    start = time.time() + 2.0
    claimers = [_process("claims", conninfo, str(start)) for _ in range(PROCESSES)]
    return sum(int(each.communicate()[0]) for each in claimers) / SECONDS


def _pickups(conninfo: str) -> list[float]:
    """Seconds from asking for a job to another process's claim of it."""
    with _process("pickups", conninfo, "0") as claimer:
        queued = asyncio.run(_queue(conninfo))
        claimed = json.loads(claimer.communicate()[0])
    return [claimed[job] - moment for job, moment in queued.items()]


def _process(work: str, conninfo: str, start: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benches.b8_claims", work, conninfo, start]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def _queue(conninfo: str) -> dict[str, float]:
    """Asks for one job after another; when each was asked for, by its id."""
    stores = PostgresStores(conninfo)
    await stores.open()
    await asyncio.sleep(1.5)  # the claimer is awake by then, or the first jobs show that it was not
    asked = {}
    for _ in range(PICKUPS):
        job = new_job_id()
        asked[str(job)] = time.time()
        await stores.stores.jobs.create(NewJob(*_ids(job), 1, {}, "bench"))
        await asyncio.sleep(0.03)
    await stores.close()
    return asked


def _ids(job: UUID) -> tuple[str, UUID, str]:
    return PIPELINE[0], job, PIPELINE[1]


async def _claim_until(conninfo: str, start: float) -> int:
    """Claims one job at a time from `start` on for some seconds; how many it got."""
    options = PoolOptions(min_size=CLAIMERS, max_size=CLAIMERS)
    stores = PostgresStores(conninfo, options)
    await stores.open()
    await asyncio.sleep(max(0.0, start - time.time()))

    async def claimer() -> int:
        worker, count = uuid4(), 0
        while time.time() < start + SECONDS:
            claimed = await stores.stores.jobs.claim(worker, lease=LEASE)
            if not claimed:
                raise RuntimeError("the queue was emptied: fill it with more jobs")
            count += len(claimed)
        return count

    counts = await asyncio.gather(*(claimer() for _ in range(CLAIMERS)))
    await stores.close()
    return sum(counts)


async def _pick_up(conninfo: str) -> dict[str, float]:
    """Waits as a worker does and claims; when each job was claimed, by its id."""
    stores = PostgresStores(conninfo)
    await stores.open()
    worker, claimed = uuid4(), dict[str, float]()
    with stores.stores.wakeups.subscribe(None) as wakeup:
        while len(claimed) < PICKUPS:
            jobs = await stores.stores.jobs.claim(worker, lease=LEASE)
            claimed |= {str(job.uid): time.time() for job in jobs}
            if not jobs:
                await wakeup.wait(1.0)
    await stores.close()
    return claimed


def main() -> None:
    """Be one of the processes that claim; print what was found as JSON."""
    work, conninfo, start = sys.argv[1:]
    if work == "claims":
        found: object = asyncio.run(_claim_until(conninfo, float(start)))
    else:
        found = asyncio.run(_pick_up(conninfo))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
