"""Limits of runs at once on a real service, and what the commands tell of jobs that wait."""

from __future__ import annotations

import subprocess
from itertools import pairwise

from etlplus.v1 import job_pb2
from tests.live import ETLPLUS, Service

PIPELINE = """\
api: etlplus/v1
name: {name}
sources:
  numbers: {{csv: {{uri: "{file}", columns: {{id: bigint}}}}}}
sinks:
  out: {{jsonl: "{folder}/{name}-${{run.id}}.jsonl"}}
limits: {limits}
"""


def text(live: Service, name: str, limits: str) -> str:
    file = live.root / f"{name}.csv"
    file.write_text("id\n" + "".join(f"{number}\n" for number in range(20_000)))
    return PIPELINE.format(name=name, file=file, folder=live.root, limits=limits)


def command(live: Service, *words: str) -> str:
    done = subprocess.run(
        [ETLPLUS, *words], env=dict(live.environ), capture_output=True, text=True, check=True
    )
    return done.stdout


def test_runs_that_share_a_limit_never_overlap(live: Service) -> None:
    pipeline = live.apply(text(live, "alone", "{concurrency: 1}")).name
    jobs = [live.submit(pipeline) for _ in range(5)]
    ended = [live.wait(job) for job in jobs]
    assert {job.state for job in ended} == {job_pb2.Job.STATE_SUCCEEDED}
    spans = sorted((job.start_time.ToNanoseconds(), job.end_time.ToNanoseconds()) for job in ended)
    for (_, end), (start, _) in pairwise(spans):
        assert start >= end


def test_the_commands_tell_why_a_job_waits(live: Service) -> None:
    pipeline = live.apply(text(live, "unserved", "{queue: heavy, priority: 20}")).name
    job = live.submit(pipeline)
    shown = command(live, "jobs", "show", job.uid)
    assert "waits      no worker serves the queue 'heavy'" in shown
    assert "queue      heavy" in shown
    assert "priority   20" in shown
    (row,) = [row for row in command(live, "jobs", "list").splitlines() if job.uid in row]
    assert "no worker serves the queue 'heavy'" in row
    command(live, "jobs", "cancel", job.uid)
    assert "waits" not in command(live, "jobs", "show", job.uid)
