"""Unusual volumes through real runs: nothing is published, or the job says so."""

from __future__ import annotations

import json

from etlplus.v1 import job_pb2
from tests.e2e.folder import Folder
from tests.live import Service

PIPELINE = """\
api: etlplus/v1
name: {name}
sources: {{orders: {{postgres: {{connection: local, table: {name}_orders}}}}}}
steps: [{{name: paid, filter: "id < 1000"}}]
sinks: {{mart: {{postgres: {{connection: local, table: {name}_mart, mode: replace}}}}}}
limits: {{volume: {volume}}}
"""


class Orders:
    """A table of orders, and the pipeline that copies it."""

    def __init__(self, live: Service, name: str, volume: str) -> None:
        self.live = live
        self.name = name
        self.text = PIPELINE.format(name=name, volume=volume)
        live.query(f"create table {name}_orders (id bigint)")

    def run(self, rows: int) -> job_pb2.Job:
        self.live.query(f"truncate {self.name}_orders")
        fill = f"insert into {self.name}_orders select generate_series(1, {rows})"
        self.live.query(fill)
        return self.live.run(self.text)

    def published(self) -> int:
        ((rows,),) = self.live.query(f"select count(*) from {self.name}_mart")
        return int(rows)


def test_a_change_beyond_the_limit_publishes_nothing(live: Service) -> None:
    orders = Orders(live, "volume_fails", "{change: 0.5, runs: 3}")
    for rows in (100, 110, 90):
        assert orders.run(rows).state == job_pb2.Job.STATE_SUCCEEDED
    job = orders.run(49)
    assert (job.state, job.error.code) == (job_pb2.Job.STATE_FAILED, "VOLUME_UNUSUAL")
    assert job.error.place == "limits.volume.change"
    assert "mart: 49 rows" in job.error.message
    assert "100 at the median: 50 to 150 are allowed" in job.error.message
    assert job.error.hint.startswith("Nothing was published")
    assert not job.sinks
    assert orders.published() == 90
    assert orders.run(50).state == job_pb2.Job.STATE_SUCCEEDED
    assert orders.published() == 50


def test_no_rows_where_there_were_some_are_a_warning_that_people_see(live: Service) -> None:
    orders = Orders(live, "volume_warns", "{max_rows: 100, empty: warn}")
    assert not orders.run(10).warnings
    job = orders.run(0)
    assert job.state == job_pb2.Job.STATE_SUCCEEDED
    assert orders.published() == 0
    (warning,) = job.warnings
    assert (warning.code, warning.place) == ("VOLUME_UNUSUAL", "limits.volume.empty")
    snapshots = [each.snapshot for each in live.watch(job) if each.HasField("snapshot")]
    assert list(snapshots[-1].warnings) == [warning]
    folder = Folder(live)
    line = "warning    VOLUME_UNUSUAL: mart: no rows, where 1 of the last 1 runs had some"
    assert line in folder.run("jobs", "show", job.uid).stdout.splitlines()
    assert line in folder.run("jobs", "watch", job.uid).stdout.splitlines()
    logged = folder.run("jobs", "logs", job.uid).stdout
    assert "VOLUME_UNUSUAL" in logged
    assert orders.run(101).error.code == "VOLUME_UNUSUAL"


def test_what_a_source_gave_can_be_counted_and_a_run_without_a_server_keeps_to_bounds(
    live: Service,
) -> None:
    orders = Orders(live, "volume_of", "{min_rows: 5, of: [orders]}")
    assert orders.run(5).state == job_pb2.Job.STATE_SUCCEEDED
    job = orders.run(4)
    assert job.error.message == "orders: 4 rows, and 5 are the fewest allowed"
    folder = Folder(live)
    folder.write("few.csv", "id\n1\n")
    text = (
        "api: etlplus/v1\nname: few\nsources: {few: {csv: few.csv}}\n"
        "sinks: {out: {jsonl: few.jsonl}}\nlimits: {volume: {min_rows: 2}}\n"
    )
    ended = folder.run("run", "--local", folder.write("few.yaml", text), "-o", "json")
    assert ended.returncode != 0
    assert json.loads(ended.stdout)["error"]["code"] == "VOLUME_UNUSUAL"
    assert not (live.root / "few.jsonl").exists()
