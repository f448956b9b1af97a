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

WHAT = "1 MB of CSV → the transformation of B1 → Parquet file. Submit, watch, succeeded."
WARM, RUNS = 5, 40


def measure() -> Result:
    """Submit the same job again and again, one at a time."""
    source = data.megabyte()
    with enterable_folder() as folder:
        roots = f"{folder}:{source.parent}"
        with service(folder, file_roots=roots) as live:
            sink = f'parquet: {{uri: "{folder}/out.parquet"}}'
            name = live.apply(pipeline(source, sink)).name
            samples = [once(live, name) for _ in range(WARM + RUNS)][WARM:]
    middle = statistics.median(samples)
    high = statistics.quantiles(samples, n=20)[-1]
    rows = [Row("p50", Sample(middle), RUNS), Row("p95", Sample(high), RUNS)]
    goal = Goal("p50 of at most 150 ms", f"{middle * 1000:.0f} ms", middle <= 0.150)
    return Result("B7 a small job over gRPC", WHAT, rows, [goal])


def once(live: Service, name: str) -> float:
    """Run the job once and return the seconds it took."""
    start = time.perf_counter()
    job = live.submit(name)
    for event in live.watch(job):
        if event.snapshot.state == job_pb2.Job.STATE_SUCCEEDED:
            return time.perf_counter() - start
    raise RuntimeError(f"the job did not succeed: {live.get(job).error}")
