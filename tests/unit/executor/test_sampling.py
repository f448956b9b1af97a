"""Samples with the real engine on real files."""

from __future__ import annotations

import gzip
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etlplus.domain.expectation import Expectation, ExpectedRows
from etlplus.engine import RustEngine
from etlplus.executor import sampling
from etlplus.executor.asides import EnginePlanning
from etlplus.executor.threads import Threads
from etlplus.store.memory.stores import MemoryStores
from tests.unit.executor.twins import Target, make_parts, spec_of

Look = Callable[..., Awaitable[Expectation]]

#: Every tenth amount is no number.
LARGE = "id,cust,amount\n" + "".join(
    f"{i:06},{i % 4},{'bad' if i % 10 == 0 else i}\n" for i in range(150_000)
)
SMALL = "cust,name\n0,a\n1,b\n1,twice\nx,c\n"
HEAD = """
api: etlplus/v1
name: orders
sources:
  orders: {csv: {uri: orders.csv, columns: {amount: bigint}}}
  people: {csv: {uri: people.csv, columns: {cust: bigint}}}
"""
OUT = "sinks: {out: {jsonl: out.jsonl}}\n"


@pytest.fixture
async def threads() -> AsyncIterator[Threads]:
    pool = Threads(1, "test-sampling")
    yield pool
    pool.close()


@pytest.fixture
def expect(tmp_path: Path, threads: Threads) -> Look:
    (tmp_path / "orders.csv").write_text(LARGE, encoding="utf-8")
    (tmp_path / "people.csv").write_text(SMALL, encoding="utf-8")
    (tmp_path / "few.csv").write_text(LARGE[:300], encoding="utf-8")
    parts = replace(make_parts(tmp_path, MemoryStores(), Target()), engine=RustEngine())

    async def look(text: str, sample: int = 1000) -> Expectation:
        planning = EnginePlanning(parts, threads)
        found = await planning.plan("default", spec_of(text), {}, sample=sample)
        assert list((tmp_path / "data" / "work").iterdir()) == []
        assert not any(name.endswith(".jsonl") for name in os.listdir(tmp_path))  # noqa: PTH208
        assert found.expectation is not None
        return found.expectation

    return look


def by_name(found: Expectation) -> dict[str, ExpectedRows]:
    return {node.name: node for node in found.nodes}


def near(value: int | None, expected: float) -> bool:
    return value is not None and abs(value - expected) <= expected * 0.1


async def test_a_large_file_is_scaled_and_a_small_one_is_counted(expect: Look) -> None:
    steps = """
steps:
  - {name: even, from: orders, filter: amount % 2 = 0}
  - {name: known, join: {with: people, on: [cust], how: lookup, missing: reject}}
"""
    found = await expect(HEAD + steps + OUT)
    nodes = by_name(found)
    orders, people = nodes["orders"], nodes["people"]
    assert 1000 <= orders.looked_at < 100_000
    assert not orders.exact
    assert near(orders.rows, 135_000)
    assert near(orders.rejected, 15_000)
    assert (people.rows, people.rejected, people.exact) == (3, 1, True)
    assert nodes["even"].looked_at == 1000
    assert near(nodes["even"].rows, 60_000)
    # Even numbers that are no multiples of ten: customers 0, who is known, and 2, who is not.
    assert near(nodes["out"].rows, 30_000)
    assert near(nodes["known"].rejected, 30_000)
    rejects = {(each.step, each.code): each for each in found.rejects}
    bad = rejects["orders", "CONVERSION_FAILED"]
    assert near(bad.rows, 15_000)
    assert bad.example is not None
    assert (bad.example.line, bad.example.raw) == (2, "000000,0,bad")
    assert near(rejects["known", "KEY_NOT_FOUND"].rows, 30_000)
    key = rejects["people", "CONVERSION_FAILED"]
    assert (key.rows, key.exact) == (1, True)
    assert found.faults == ()


@pytest.mark.parametrize(
    "step",
    [
        "aggregate: {by: [cust], columns: {n: count(*)}}",
        "dedupe: [id]",
        "limit: 5",
        "validate: {unique: [id]}",
        "sql: select cust, count(*) as n from orders group by cust",
        "sql: select a.id from orders a join orders b on a.id = b.id",
        "join: {with: people, on: [cust], how: full}",
    ],
)
async def test_what_depends_on_all_rows_is_unknown_of_a_part_and_known_of_the_whole(
    expect: Look, step: str
) -> None:
    text = HEAD + f"steps:\n  - {{name: all, from: orders, {step}}}\n" + OUT
    if "sql:" in step:
        text = HEAD + f"steps:\n  - name: all\n    {step}\n" + OUT
    found = by_name(await expect(text))
    for name in ("all", "out"):
        assert (found[name].rows, found[name].rejected) == (None, None)
        assert "it depends on all rows of orders" in found[name].unknown
    whole = by_name(await expect(text.replace("uri: orders.csv", "uri: few.csv")))
    assert whole["all"].exact
    assert whole["all"].rows is not None
    assert whole["out"].rows == whole["all"].rows


async def test_queries_that_look_at_one_row_at_a_time_are_scaled(expect: Look) -> None:
    query = "select id, upper(cast(cust as text)) as cust from orders where amount % 2 = 0"
    found = by_name(await expect(HEAD + f"steps:\n  - {{name: q, sql: {query!r}}}\n" + OUT))
    assert near(found["q"].rows, 60_000)


async def test_outputs_of_a_route_have_figures_of_their_own(expect: Look) -> None:
    text = """
steps:
  - {name: parted, from: orders, route: {outputs: {some: cust = 1}, default: rest}}
sinks: {some: {from: parted.some, csv: s.csv}, bad: {from: rejects, csv: b.csv}}
"""
    found = by_name(await expect(HEAD.replace("amount: bigint", "cust: bigint") + text))
    assert near(found["some"].rows, 37_500)
    assert near(found["parted"].rows, 150_000)
    assert found["bad"].unknown == "it writes the rejects of the run"


async def test_expectations_about_all_rows_do_not_end_a_sample(expect: Look) -> None:
    step = "{name: v, from: orders, validate: {rules: [{name: r, expr: amount > 100}], "
    step += "expect: {min_rows: 100000, max_reject_ratio: 0}}}"
    found = await expect(HEAD + f"steps: [{step}]\nlimits: {{rejects: 0}}\n" + OUT)
    assert by_name(found)["v"].looked_at == 1000
    assert [each.code for each in found.rejects if each.step == "v"] == ["RULE_BROKEN"]
    assert found.faults == ()


async def test_a_compressed_file_has_no_known_size(expect: Look, tmp_path: Path) -> None:
    (tmp_path / "orders.csv.gz").write_bytes(gzip.compress(LARGE.encode()))
    text = HEAD.replace("uri: orders.csv", "uri: orders.csv.gz")
    found = by_name(await expect(text + OUT.replace("{jsonl", "{from: orders, jsonl")))
    assert found["orders"].looked_at >= 1000
    assert (found["orders"].rows, found["out"].rows) == (None, None)
    assert found["out"].unknown == "nobody can tell how many records orders has"


async def test_parquet_files_say_how_many_rows_they_have(expect: Look, tmp_path: Path) -> None:
    table = pa.table({"id": list(range(50_000))})
    pq.write_table(table, tmp_path / "orders.parquet", row_group_size=5000)
    text = "api: etlplus/v1\nname: p\nsources: {orders: {parquet: orders.parquet}}\n"
    found = by_name(await expect(text + "steps: [filter: id % 2 = 0]\n" + OUT))
    assert found["orders"].rows == 50_000
    assert found["out"].rows == 25_000


async def test_a_sample_that_takes_too_long_is_given_up(
    expect: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "SECONDS", 0.0)
    found = await expect(HEAD + OUT.replace("{jsonl", "{from: orders, jsonl"))
    assert {node.rows for node in found.nodes} == {None}
    assert found.faults == ("orders: no time was left", "people: no time was left")


async def test_a_step_that_ends_runs_is_told(expect: Look) -> None:
    step = "{name: m, from: orders, on_error: fail, map: {b: 1 / (cust - 1)}}"
    text = HEAD.replace("amount: bigint", "cust: bigint") + f"steps: [{step}]\n" + OUT
    found = await expect(text)
    (fault,) = found.faults
    assert fault.startswith("The sample failed: ROW_FAILED")
    assert "etlplus_sample" not in fault
    assert by_name(found)["out"].unknown == "the sample did not get there"


async def test_a_source_of_which_only_new_files_are_read_is_unknown(expect: Look) -> None:
    text = HEAD.replace("uri: people.csv,", "uri: people.csv, incremental: only_new,")
    out = (
        "sinks: {a: {from: people, csv: {uri: a/, mode: append}}, b: {from: orders, csv: b.csv}}\n"
    )
    found = by_name(await expect(text + out))
    assert found["people"].unknown == "a run reads only files that are new to it"
    assert found["a"].rows is None
    assert near(found["b"].rows, 135_000)
