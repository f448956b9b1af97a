"""Triggers by the command, against a real server with a worker."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.folder import Folder
from tests.live import Service

PIPELINE = """\
api: etlplus/v1
name: {name}
{extra}
sources: {{people: {{csv: {source}}}}}
sinks: {{out: {{jsonl: "{name}-${{run.scheduled_date}}.jsonl"}}}}
"""
BERLIN = "schedule: {cron: '15 0 * * *', timezone: Europe/Berlin}"


class Place(Folder):
    """The folder, with a source and pipelines over it."""

    def __init__(self, live: Service) -> None:
        super().__init__(live)
        self.write("triggered.csv", "id\n1\n2\n")

    def apply(
        self, name: str, extra: str = "", source: str = "triggered.csv"
    ) -> subprocess.CompletedProcess[str]:
        text = PIPELINE.format(name=name, extra=extra, source=source)
        return self.run("apply", self.write(f"{name}.yaml", text))

    def store(self, name: str, extra: str = "", source: str = "triggered.csv") -> None:
        result = self.apply(name, extra, source)
        assert result.returncode == 0, result.stderr

    def json(self, *arguments: str) -> Any:  # noqa: ANN401 as the command says
        result = self.run(*arguments, "-o", "json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def started(self, job: str) -> dict[str, Any]:
        """The one job that a job's success started, when it has ended."""
        while not (found := self.json("jobs", "show", job).get("downstream_jobs")):
            pass  # each turn is a command, which takes a while
        (name,) = found
        self.run("jobs", "watch", name)
        shown: dict[str, Any] = self.json("jobs", "show", name)
        return shown


@pytest.fixture(scope="module")
def place(live: Service) -> Place:
    return Place(live)


def test_a_chain_follows_a_backfill(place: Place) -> None:
    place.store("source_daily", BERLIN)
    place.store("then_mart", "triggers: {after: [source_daily]}")
    place.store("then_report", "triggers: {after: [then_mart]}")
    range_ = ("--from", "2026-03-28", "--to", "2026-03-28")
    (top,) = place.json("backfill", "source_daily", *range_)
    mart = place.started(top["uid"])
    report = place.started(mart["uid"])
    assert mart["upstream_jobs"] == [top["name"]]
    for job in (mart, report):
        assert job["state"] == "SUCCEEDED", job
        assert job["author"] == "trigger"
        assert job["scheduled_time"] == top["scheduled_time"] == "2026-03-27T23:15:00Z"
    for name in ("then_mart", "then_report"):
        written = Path(place.live.root) / f"{name}-2026-03-28.jsonl"
        assert len(written.read_text().splitlines()) == 2
    chain = place.json("jobs", "list", "--chain", mart["uid"])
    assert [job["uid"] for job in chain] == [report["uid"], mart["uid"], top["uid"]]
    shown = place.run("jobs", "show", mart["uid"]).stdout
    assert top["uid"] in shown
    assert report["uid"] in shown


def test_what_waits_and_why_is_shown(place: Place) -> None:
    place.store("breaks", source="not-there.csv")
    place.store("works")
    place.store("needs_both", "triggers: {after: [breaks, works]}")
    assert place.run("run", "breaks").returncode != 0
    assert place.run("run", "works").returncode == 0
    lines = place.run("triggers", "list").stdout.splitlines()
    waiting = [line.split()[1:4] for line in lines if line.startswith("needs_both")]
    assert waiting == [["breaks", "FAILED", "0"], ["works", "SUCCEEDED", "1"]]
    paused = place.run("schedule", "pause", "needs_both")
    assert paused.stdout == "needs_both paused\n", paused.stderr
    resumed = place.run("schedule", "resume", "needs_both")
    assert resumed.stdout == "needs_both waits for what starts it\n", resumed.stderr


def test_a_cycle_is_refused_when_it_is_stored(place: Place) -> None:
    place.store("left")
    place.store("right", "triggers: {after: [left]}")
    refused = place.apply("left", "triggers: {after: [right]}")
    assert refused.returncode != 0
    assert "left after right after left" in refused.stderr
    unknown = place.apply("left", "triggers: {after: [nobody_knows]}")
    assert "UPSTREAM_UNKNOWN" in unknown.stderr
