"""Files that start runs, by the command, against a real server with a worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.folder import Folder
from tests.live import Service

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "arrivals" / "pipeline.yaml"


class Place(Folder):
    """The folder, with a pipeline that watches it."""

    def deliver(self, name: str, text: str) -> None:
        """A file that is complete as soon as it is there."""
        path = Path(self.live.root) / "deliveries" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.with_name(f".{path.name}")
        written.write_text(text)
        written.rename(path)

    def json(self, *arguments: str) -> Any:  # noqa: ANN401 as the command says
        result = self.run(*arguments, "-o", "json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def ended(self, count: int) -> list[dict[str, Any]]:
        """The jobs of the pipeline as soon as so many have started, oldest first, all ended."""
        listing = ("jobs", "list", "--pipeline", "deliveries")
        while len(found := self.json(*listing)) < count:
            pass  # each turn is a command, which takes a while
        for job in found:
            self.run("jobs", "watch", job["name"])
        shown = [self.json("jobs", "show", job["name"]) for job in reversed(found)]
        assert [job["state"] for job in shown] == ["SUCCEEDED"] * len(shown), shown
        return shown


@pytest.fixture(scope="module")
def place(live: Service) -> Place:
    return Place(live)


def test_deliveries_are_loaded_when_they_arrive(place: Place) -> None:
    text = EXAMPLE.read_text().replace("settle: 5s", "settle: 0s")
    stored = place.run("apply", place.write("deliveries.yaml", text))
    assert stored.returncode == 0, stored.stderr
    place.deliver("monday/a.csv", "id,amount\n1,1.00\n2,2.00\n")
    (first,) = place.ended(1)
    assert [Path(path).name for path in first["arrived_files"]] == ["a.csv"]
    assert (first["author"], first["sinks"][0]["books"]["loaded"]) == ("trigger", 2)
    # The same content under another name starts nothing, other content does.
    place.deliver("tuesday/again.csv", "id,amount\n1,1.00\n2,2.00\n")
    place.deliver("tuesday/b.csv", "id,amount\n3,3.00\n")
    (_, second) = place.ended(2)
    assert [Path(path).name for path in second["arrived_files"]] == ["b.csv"]
    shown = place.run("jobs", "show", second["uid"]).stdout
    assert "arrived    " in shown
    assert "tuesday/b.csv" in shown
    (line,) = [
        line
        for line in place.run("triggers", "list").stdout.splitlines()
        if line.startswith("deliveries")
    ]
    assert line.split()[1:4] == ["deliveries/**/*.csv", "2", "0"]
    assert second["uid"] in line
    resumed = place.run("schedule", "resume", "deliveries")
    assert resumed.stdout == "deliveries waits for what starts it\n", resumed.stderr
