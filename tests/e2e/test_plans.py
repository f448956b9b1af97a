"""`etlplus plan` on a running server: what to expect of a run, and what became of it."""

from __future__ import annotations

import json

import pytest

from tests.e2e.folder import Folder
from tests.live import Service

ROWS = 60_000
TEXT = """
api: etlplus/v1
name: expected
sources: {orders: {csv: {uri: expected.csv, columns: {amount: bigint}}}}
steps:
  - {name: large, filter: amount % 2 = 1}
  - {name: checked, validate: {rules: [{name: known, expr: id % 3 <> 1}]}}
sinks: {out: {csv: expected_out.csv}}
"""


@pytest.fixture
def folder(live: Service) -> Folder:
    place = Folder(live)
    rows = (f"{i + 10_000_000},{'none' if i % 4 == 0 else i}\n" for i in range(ROWS))
    place.write("expected.csv", "id,amount\n" + "".join(rows))
    return place


def test_a_plan_says_what_to_expect_and_the_run_agrees(folder: Folder) -> None:
    path = folder.write("expected.yaml", TEXT)
    planned = folder.run("plan", path, "--sample", "1000", "-o", "json")
    assert planned.returncode == 0, planned.stderr
    expectation = json.loads(planned.stdout)["expectation"]
    assert int(expectation["sample_rows"]) == 1000
    ran = folder.run("run", path, "--local", "-o", "json")
    assert ran.returncode == 0, ran.stderr
    (sink,) = json.loads(ran.stdout)["sinks"]
    expected = {node["name"]: int(node["rows"]) for node in expectation["nodes"]}
    assert expected["out"] == pytest.approx(int(sink["books"]["loaded"]), rel=0.1)
    rejects = {each["code"]: each for each in expectation["rejects"]}
    assert int(rejects["CONVERSION_FAILED"]["rows"]) == pytest.approx(ROWS / 4, rel=0.1)
    example = rejects["CONVERSION_FAILED"]["example"]
    assert (example["source"], example["raw"]) == ("expected.csv", "10000000,none")


def test_a_plan_shows_its_sample_or_takes_none(folder: Folder) -> None:
    path = folder.write("expected.yaml", TEXT)
    shown = folder.run("plan", path)
    assert "expected, by the first 10 000 records of each file" in shown.stdout
    assert "about" in shown.stdout
    assert "expected.csv:2: 10000000,none" in shown.stdout
    assert "expected, by" not in folder.run("plan", path, "--sample", "0").stdout
    refused = folder.run("plan", path, "--sample", "100001")
    assert refused.returncode != 0


def test_a_plan_says_of_what_columns_are_computed(folder: Folder) -> None:
    query = "select id, amount * 2 as twice, count(*) over () as n from orders"
    step = f"steps:\n  - {{name: q, sql: '{query}'}}"
    path = folder.write(
        "traced.yaml", TEXT.replace("amount % 2", "twice % 2").replace("steps:", step)
    )
    planned = folder.run("plan", path, "--sample", "0", "-o", "json")
    assert planned.returncode == 0, planned.stderr
    (sink,) = json.loads(planned.stdout)["lineage"]
    origins = {
        each["column"]: [f"{of['source']}.{of['column']}" for of in each.get("origins", [])]
        for each in sink["columns"]
    }
    assert origins == {"id": ["orders.id"], "twice": ["orders.amount"], "n": []}
    shown = folder.run("plan", path, "--sample", "0").stdout
    lines = [line.split() for line in shown[shown.index("out (csv)") :].splitlines()]
    assert ["twice", "bigint", "orders.amount"] in lines
    assert ["n", "bigint", "not", "null", "no", "column"] in lines
