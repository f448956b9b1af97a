"""Workers die just after a success, before or while it starts another run: it starts exactly one.

`ETLPLUS_TEST_KILLS` sets how many die (3 when it is not set), `ETLPLUS_TEST_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
import secrets
from collections import Counter
from collections.abc import Iterator

import pytest

from etlplus.v1 import job_pb2
from tests.conformance.database import enterable_folder
from tests.live import WORKSPACE, Service, service

KILLS = int(os.environ.get("ETLPLUS_TEST_KILLS", "3"))
SEED = int(os.environ.get("ETLPLUS_TEST_SEED") or secrets.randbits(32))
PIPELINE = """\
api: etlplus/v1
name: {name}
{extra}
sources: {{numbers: {{csv: {{uri: numbers.csv, columns: {{id: bigint}}}}}}}}
sinks: {{out: {{jsonl: "{name}.jsonl"}}}}
"""


@pytest.fixture(scope="module")
def live() -> Iterator[Service]:
    with (
        enterable_folder() as folder,
        service(folder, "--no-worker", lease_seconds="2") as running,
    ):
        (folder / "numbers.csv").write_text("id\n1\n2\n")
        yield running


def jobs_of(live: Service, pipeline: str) -> list[job_pb2.Job]:
    request = job_pb2.ListJobsRequest(
        parent=WORKSPACE, filter=f'pipeline = "{pipeline}"', page_size=1000
    )
    return list(live.jobs.ListJobs(request, metadata=live.metadata, timeout=60).jobs)


def test_each_success_starts_one_run_whoever_dies(live: Service) -> None:
    dice = random.Random(SEED)
    first = live.apply(PIPELINE.format(name="first", extra=""))
    live.apply(PIPELINE.format(name="second", extra="triggers: {after: [first]}"))
    asked = []
    for _ in range(KILLS):
        workers = [live.worker() for _ in range(2)]
        asked += [live.submit(first.name) for _ in range(dice.randint(1, 3))]
        live.wait(asked[-1])
        for worker in workers:
            worker.kill()
    workers = [live.worker() for _ in range(2)]
    try:
        ended = [live.wait(job) for job in asked]
        # One whose workers were lost three times has failed, which starts nothing.
        causes = [job.name for job in ended if job.state == job_pb2.Job.STATE_SUCCEEDED]
        while len(jobs_of(live, "second")) < len(causes):
            pass  # each turn is a call, which takes a while
        for job in jobs_of(live, "second"):
            live.wait(job)
    finally:
        for worker in workers:
            worker.stop()
    used = Counter(cause for job in jobs_of(live, "second") for cause in job.upstream_jobs)
    assert causes
    assert used == Counter(causes), f"seed {SEED}"
