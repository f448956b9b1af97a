"""Rolling back by the command: tables and files are as before the job, and the job says so."""

from __future__ import annotations

import json
import os
import pty
import subprocess

import pytest

from etlplus.v1 import job_pb2
from tests.e2e.test_cli import Place, data
from tests.live import ETLPLUS, Service

KEYED = ("merge", "delete_insert", "scd2")
LOAD = """\
api: etlplus/v1
name: {name}
sources: {{rows: {{csv: {{uri: {name}.csv, columns: {{id: bigint}}}}}}}}
sinks:
  file: {{from: rows, jsonl: {file}}}
  table: {{from: rows, postgres: {{connection: local, table: {name}, mode: {mode}{keys}}}}}
"""
READ = """\
api: etlplus/v1
name: {name}_read
sources: {{rows: {{postgres: {{connection: local, table: {name}}}}}}}
sinks: {{out: {{from: rows, jsonl: {name}_read.jsonl}}}}
"""


@pytest.fixture(scope="module")
def place(live: Service) -> Place:
    return Place(live, {**live.environ, "NO_COLOR": "1"})


class Loads:
    """Loads of one pipeline into a file and a table."""

    def __init__(self, place: Place, name: str, mode: str, keys: str = "", file: str = "") -> None:
        self.place = place
        self.name = name
        self.text = LOAD.format(name=name, mode=mode, keys=keys, file=file or f"{name}.jsonl")

    def run(self, *rows: str) -> job_pb2.Job:
        self.place.file(f"{self.name}.csv", "id,v\n" + "".join(f"{row}\n" for row in rows))
        job = self.place.live.run(self.text)
        assert job.state == job_pb2.Job.STATE_SUCCEEDED, job.error
        return job

    def table(self) -> list[tuple[int, str]]:
        """The rows of the table, as a pipeline reads them."""
        job = self.place.live.run(READ.format(name=self.name))
        assert job.state == job_pb2.Job.STATE_SUCCEEDED, job.error
        return self.file(f"{self.name}_read.jsonl")

    def file(self, name: str = "") -> list[tuple[int, str]]:
        text = (self.place.live.root / (name or f"{self.name}.jsonl")).read_text()
        rows = [json.loads(line) for line in text.splitlines()]
        return sorted((row["id"], row["v"]) for row in rows)


@pytest.mark.parametrize("mode", ["append", "replace", "merge", "delete_insert", "scd2"])
def test_every_sink_is_as_it_was(place: Place, mode: str) -> None:
    loads = Loads(place, f"back_{mode}", mode, ", keys: [id]" if mode in KEYED else "")
    loads.run("1,a", "2,b")
    file, table = loads.file(), loads.table()
    job = loads.run("2,x", "3,c")
    assert loads.table() != table
    planned = data(place.run("jobs", "rollback", job.uid, "--dry-run", "-o", "json"))
    assert {each["sink"] for each in planned} == {"file", "table"}
    assert loads.file() != file
    done = data(place.run("jobs", "rollback", job.uid, "--yes", "--reason", "bad", "-o", "json"))
    assert all(each["rollback"]["reason"] == "bad" for each in done)
    assert (loads.file(), loads.table()) == (file, table)
    shown = place.run("jobs", "show", job.uid)
    assert "SUCCEEDED, rolled back" in shown.stdout
    assert "bad" in shown.stdout
    assert "SUCCEEDED, rolled back" in place.run("jobs", "list", "-n", "5").stdout
    again = place.run("jobs", "rollback", job.uid)
    assert again.returncode == 0, again.stderr
    assert "rolled back before" in again.stderr


def test_later_loads_stand_in_the_way(place: Place) -> None:
    loads = Loads(place, "blocked", "append")
    first = loads.run("1,a")
    second = loads.run("2,b")
    refused = place.run("jobs", "rollback", first.uid, "--yes")
    assert refused.returncode == 1
    assert "ROLLBACK_BLOCKED" in refused.stderr
    assert second.uid in refused.stderr
    assert loads.table() == [(1, "a"), (2, "b")]


def test_cascading_rolls_later_loads_back_too(place: Place) -> None:
    loads = Loads(place, "cascade", "append", file="cascade/")
    loads.run("1,a")
    second, third = loads.run("2,b"), loads.run("3,c")
    done = data(place.run("jobs", "rollback", second.uid, "--cascade", "--yes", "-o", "json"))
    assert len(done) == 4
    assert loads.table() == [(1, "a")]
    assert len(list((place.live.root / "cascade").glob("*.jsonl"))) == 1
    shown = data(place.run("jobs", "show", third.uid, "-o", "json"))
    assert all("rollback" in sink for sink in shown["sinks"])


def test_nobody_confirmed_it(place: Place) -> None:
    loads = Loads(place, "asked", "append")
    job = loads.run("1,a")
    silent = place.run("jobs", "rollback", job.uid)
    assert silent.returncode == 2
    assert "nobody has confirmed it" in silent.stderr
    assert answered(place, job, "n\n") == 2
    assert loads.file() == [(1, "a")]
    assert answered(place, job, "y\n") == 0
    assert not (place.live.root / "asked.jsonl").exists()


def answered(place: Place, job: job_pb2.Job, answer: str) -> int:
    """The exit code when somebody at a terminal answers."""
    ours, theirs = pty.openpty()
    try:
        child = subprocess.Popen(
            [ETLPLUS, "jobs", "rollback", job.uid],
            env=place.environ,
            cwd=place.live.root,
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.write(ours, answer.encode())
        return child.wait()
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_job_that_published_nothing_is_refused(place: Place) -> None:
    text = READ.format(name="nowhere")
    job = place.live.run(text)
    assert job.state == job_pb2.Job.STATE_FAILED
    refused = place.run("jobs", "rollback", job.uid, "--yes")
    assert "NOTHING_PUBLISHED" in refused.stderr
    assert refused.returncode == 1


@pytest.mark.parametrize(("mode", "says"), [("delete_insert", "deleted"), ("scd2", "end it")])
def test_a_plan_says_what_is_guaranteed(place: Place, mode: str, says: str) -> None:
    loads = Loads(place, f"planned_{mode}", mode, ", keys: [id]")
    place.file(f"{loads.name}.csv", "id,v\n1,a\n")
    place.file(f"{loads.name}.yaml", loads.text)
    shown = place.run("plan", f"{loads.name}.yaml")
    assert shown.returncode == 0, shown.stderr
    table = shown.stdout[shown.stdout.index("table (postgres)") :]
    assert "exactly once" in table
    assert says in table
