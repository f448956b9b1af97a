"""What ETL Plus takes when it does little: an idle server's memory, and the command's start."""

from __future__ import annotations

import statistics
from pathlib import Path

from benches.measure import ETLPLUS, Goal, Result, Row, Sample, run
from tests.conformance.database import enterable_folder
from tests.live import service

WHAT = (
    "Memory of a server that has started and waits, without the embedded PostgreSQL's processes. "
    "Time of a whole process that prints the help."
)
RUNS = 15


def measure() -> Result:
    """Look at an idle server, then start the command again and again."""
    with enterable_folder() as folder, service(folder) as live:
        idle = resident(live.server.popen.pid)
    run([ETLPLUS, "--help"])
    samples = [run([ETLPLUS, "--help"]) for _ in range(RUNS)]
    middle = statistics.median(sample.seconds for sample in samples)
    helped = Sample(middle, max(sample.peak_bytes for sample in samples))
    rows = [Row("idle server", Sample(0.0, idle), 1), Row("etlplus --help", helped, RUNS)]
    goals = [
        Goal("idle server at most 200 MiB", f"{idle / 2**20:.0f} MiB", idle <= 200 * 2**20),
        Goal("help within 150 ms", f"{middle * 1000:.0f} ms", middle <= 0.150),
    ]
    return Result("Footprint", WHAT, rows, goals)


def resident(process: int) -> int:
    """Return a process's resident memory, in bytes."""
    status = Path(f"/proc/{process}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024
