"""The example of an incremental merge by a schedule, with totals after it, on a real server."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.folder import Folder
from tests.live import Service

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "incremental"
MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)


class Place(Folder):
    """The folder, with the files of the shop."""

    def deliver(self, name: str) -> None:
        """What the shop has written is in its table."""
        (Path(self.live.root) / "orders").mkdir(exist_ok=True)
        self.write(f"orders/{name}", next(EXAMPLE.rglob(name)).read_text())
        ran = self.run("run", self.write("shop.yaml", (EXAMPLE / "shop.yaml").read_text()))
        assert ran.returncode == 0, ran.stderr

    def apply(self, name: str) -> str:
        """What went wrong when a pipeline of the example was stored; empty when nothing did."""
        # As it is, but for the five minutes, which nobody waits for here.
        text = (EXAMPLE / name).read_text().replace("{every: 5m,", "{every: 1s,")
        stored = self.run("apply", self.write(name, text))
        return stored.stderr if stored.returncode else ""

    def json(self, *arguments: str) -> Any:  # noqa: ANN401 as the command says
        result = self.run(*arguments, "-o", "json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def orders(self) -> dict[int, Decimal]:
        """Amounts of the mart; each order is there once."""
        found = self.live.query("select order_id, amount from mart.orders order by 1")
        assert len(dict(found)) == len(found)
        return dict(found)

    def totals(self) -> list[tuple[Any, ...]]:
        return self.live.query("select ordered, orders, revenue from mart.daily_totals order by 1")

    def next_chain(self, seen: set[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The first run of the orders that is not seen, and that of the totals after it."""
        listing = ("jobs", "list", "--pipeline", "mart_orders")
        while not (fresh := [job for job in self.json(*listing) if job["uid"] not in seen]):
            pass  # each turn is a command, which takes a while
        first = fresh[-1]["uid"]
        self.run("jobs", "watch", first)
        while not (after := self.json("jobs", "show", first).get("downstream_jobs")):
            pass  # as above
        self.run("jobs", "watch", after[0])
        told = self.json("jobs", "show", first), self.json("jobs", "show", after[0])
        assert [job["state"] for job in told] == ["SUCCEEDED"] * 2, told
        return told


@pytest.fixture(scope="module")
def place(live: Service) -> Place:
    return Place(live)


def test_the_readme_names_the_files_and_commands_that_there_are() -> None:
    text = (EXAMPLE / "README.md").read_text()
    for path in sorted(EXAMPLE.glob("*.*")):
        assert path.name == "README.md" or path.name in text
    assert {path.name for path in EXAMPLE.glob("*.yaml")} == {
        "shop.yaml",
        "orders.yaml",
        "totals.yaml",
    }


def test_orders_are_merged_by_the_clock_and_totals_follow(place: Place) -> None:
    place.deliver("monday.csv")
    assert "UPSTREAM_UNKNOWN" in place.apply("totals.yaml")
    assert not place.apply("orders.yaml")
    assert not place.apply("totals.yaml")
    resumed = place.run("schedule", "resume", "mart_orders")
    assert resumed.returncode == 0, resumed.stderr
    try:
        seen = {job["uid"] for job in place.json("jobs", "list", "--pipeline", "mart_orders")}
        run, after = place.next_chain(seen)
        assert run["author"] == "schedule"
        assert after["upstream_jobs"] == [run["name"]]
        assert after["scheduled_time"] == run["scheduled_time"]
        assert place.orders() == {1: Decimal("10.00"), 2: Decimal("20.50"), 4: Decimal("5.25")}
        assert place.totals() == [(MONDAY, 2, Decimal("30.50")), (TUESDAY, 1, Decimal("5.25"))]

        paused = place.run("schedule", "pause", "mart_orders")
        assert paused.returncode == 0, paused.stderr
        for job in place.json("jobs", "list", "--pipeline", "mart_orders"):
            if job["state"] in {"PENDING", "RUNNING"}:
                place.run("jobs", "watch", job["uid"])
        place.deliver("tuesday.csv")
        seen = {job["uid"] for job in place.json("jobs", "list", "--pipeline", "mart_orders")}
        assert place.run("schedule", "resume", "mart_orders").returncode == 0
        run, _ = place.next_chain(seen)
        # Rows of ten minutes before the last position, and those that came; not the whole table.
        assert "updated_at" in run["windows"][0]["summary"]
        assert place.orders() == {
            1: Decimal("10.00"),
            2: Decimal("21.50"),
            3: Decimal("1.00"),
            4: Decimal("5.25"),
            5: Decimal("4.75"),
        }
        assert place.totals() == [(MONDAY, 3, Decimal("32.50")), (TUESDAY, 2, Decimal("10.00"))]
        assert run["sinks"][0]["books"]["read"] == 4
    finally:
        place.run("schedule", "pause", "mart_orders")
