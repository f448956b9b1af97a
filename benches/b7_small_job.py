"""B7: how long a small job takes from submitting to success, over gRPC, on a warm server."""

from __future__ import annotations

import statistics
import time

from benches import data
from benches.lineitem import pipeline
from benches.measure import Goal, Result, Row, Sample
from etlplus.v1 import job_pb2
from tests.conformance.database import enterable_folder
from tests.live import Service, service

WHAT = (
    "1 MB of CSV → the transformation of B1 → a Parquet file, and a new table in PostgreSQL. "
    "Submit, watch, succeeded."
)
WARM, RUNS = 5, 40
#: The most that half of the jobs may take, in seconds.
MOST = 0.050
SINKS = {
    "file": 'parquet: {{uri: "{folder}/out.parquet"}}',
    "table": "postgres: {{connection: local, table: small, mode: replace}}",
}


def measure() -> Result:
    """Submit the same job again and again, one at a time, for each kind of target."""
    source = data.megabyte()
    rows, goals = [], []
    with enterable_folder() as folder:
        roots = f"{folder}:{source.parent}"
        with service(folder, file_roots=roots) as live:
            for target, sink in SINKS.items():
                name = live.apply(pipeline(source, sink.format(folder=folder))).name
                samples = [once(live, name) for _ in range(WARM + RUNS)][WARM:]
                middle = statistics.median(samples)
                high = statistics.quantiles(samples, n=20)[-1]
                rows.append(Row(f"to a {target}, p50", Sample(middle), RUNS))
                rows.append(Row(f"to a {target}, p95", Sample(high), RUNS))
                found = f"{middle * 1000:.0f} ms"
                goals.append(Goal(f"p50 of at most 50 ms to a {target}", found, middle <= MOST))
    return Result("B7 a small job over gRPC", WHAT, rows, goals)


def once(live: Service, name: str) -> float:
    """Run the job once and return the seconds it took."""
    start = time.perf_counter()
    job = live.submit(name)
    for event in live.watch(job):
        if event.snapshot.state == job_pb2.Job.STATE_SUCCEEDED:
            return time.perf_counter() - start
    raise RuntimeError(f"the job did not succeed: {live.get(job).error}")
