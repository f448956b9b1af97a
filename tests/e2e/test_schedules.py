"""Schedules by the command, against a real server with a worker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.folder import Folder
from tests.live import Service

PIPELINE = """\
api: etlplus/v1
name: {name}
schedule: {schedule}
params: {{day: {{type: date, default: "${{run.scheduled_date}}"}}}}
sources: {{people: {{csv: scheduled.csv}}}}
sinks: {{out: {{jsonl: "{name}-${{params.day}}.jsonl"}}}}
"""
NIGHTLY = '{cron: "15 2 * * *", timezone: Europe/Berlin}'


class Place(Folder):
    """The folder, with a source and pipelines over it."""

    def __init__(self, live: Service) -> None:
        super().__init__(live)
        self.write("scheduled.csv", "id\n1\n2\n")

    def store(self, name: str, schedule: str = NIGHTLY) -> str:
        path = self.write(f"{name}.yaml", PIPELINE.format(name=name, schedule=schedule))
        result = self.run("apply", path)
        assert result.returncode == 0, result.stderr
        return path


@pytest.fixture(scope="module")
def place(live: Service) -> Place:
    return Place(live)


def test_what_comes_next_of_a_file_and_of_what_is_stored(place: Place) -> None:
    path = place.store("nightly")
    of_file = place.run("schedule", "next", path, "3")
    assert of_file.returncode == 0, of_file.stderr
    assert of_file.stdout == place.run("schedule", "next", "nightly", "3").stdout
    assert len(of_file.stdout.splitlines()) == 4
    assert "T02:15:00+0" in of_file.stdout


def test_a_schedule_is_listed_paused_and_resumed(place: Place) -> None:
    place.store("paused")
    assert place.run("schedule", "pause", "paused").stdout == "paused next run: paused\n"
    lines = place.run("schedule", "list").stdout.splitlines()
    (line,) = [line for line in lines if line.startswith("paused")]
    assert line.split()[1:9] == [*["cron", "15", "2", "*", "*", "*", "Europe/Berlin", "paused"]]
    resumed = place.run("schedule", "resume", "paused")
    assert resumed.returncode == 0
    assert resumed.stdout.startswith("paused next run: 20")
    assert place.run("schedule", "pause", "nobody").returncode != 0


def test_a_backfill_runs_each_instant_once(place: Place) -> None:
    place.store("filled")
    range_ = ("--from", "2026-03-28", "--to", "2026-03-30")
    listed = place.run("backfill", "filled", *range_, "--dry-run")
    assert [line.split()[-1] for line in listed.stdout.splitlines()[1:]] == [
        "2026-03-28T02:15:00+01:00",
        "2026-03-29T03:00:00+02:00",
        "2026-03-30T02:15:00+02:00",
    ]
    first = place.run("backfill", "filled", *range_, "--parallel", "2", "-o", "json")
    assert first.returncode == 0, first.stderr
    jobs = json.loads(first.stdout)
    assert [job["scheduled_time"] for job in jobs] == [
        "2026-03-28T01:15:00Z",
        "2026-03-29T01:00:00Z",
        "2026-03-30T00:15:00Z",
    ]
    for day in (28, 29, 30):
        written = Path(place.live.root) / f"filled-2026-03-{day}.jsonl"
        assert len(written.read_text().splitlines()) == 2
    again = json.loads(place.run("backfill", "filled", *range_, "-o", "json").stdout)
    assert [job["uid"] for job in again] == [job["uid"] for job in jobs]


def test_a_bad_range_is_refused(place: Place) -> None:
    place.store("ranged")
    for bad in (("2026-03-28", "2026-03-27"), ("soon", "2026-03-27")):
        result = place.run("backfill", "ranged", "--from", bad[0], "--to", bad[1])
        assert result.returncode == 2, result.stderr
