"""Orders are real: a sink receives them, and which rows are kept never depends on luck."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property.oneshot import run

HEAD = """\
api: etlplus/v1
name: ordered
sources:
  rows: {csv: {uri: rows.csv, header: true, columns: {id: bigint, key: text, value: bigint}}}
steps:
"""
SINKS = """\
sinks:
  out: {parquet: {uri: out.parquet}}
"""
MANY = 20_000
Record = tuple[int, str, int | None]
RECORD = st.tuples(
    st.integers(0, 3), st.sampled_from(["a", "b", ""]), st.none() | st.integers(-2, 2)
)


def file_of(records: Sequence[Record]) -> bytes:
    lines = (f"{n},{key},{'' if value is None else value}\n" for n, key, value in records)
    return ("id,key,value\n" + "".join(lines)).encode()


def finished(
    steps: str, records: Sequence[Record], threads: int, batch_rows: int = 0
) -> list[dict[str, Any]]:
    found = run(
        HEAD + steps + SINKS,
        {"rows.csv": file_of(records)},
        threads=threads,
        batch_rows=batch_rows,
    )
    [sink] = found.outcome.sinks
    assert sink.books.balance, sink.books
    assert sink.books.loaded == len(found.rows["out"])
    return found.rows["out"]


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize(
    "above",
    [
        pytest.param("", id="last"),
        pytest.param('  - map: {double: "value * 2"}\n', id="map"),
        pytest.param('  - filter: "value % 2 = 0"\n  - drop: [key]\n', id="filter"),
        pytest.param("  - validate: {not_null: [id]}\n", id="validate"),
        pytest.param("  - limit: 15000\n", id="limit"),
    ],
)
def test_a_sink_receives_the_order_through_the_steps_above(above: str, threads: int) -> None:
    records = [(n, "k", (n * 7919) % 1000) for n in range(MANY)]
    steps = "  - sort: [{column: value, desc: true}]\n" + above
    found = [(-row["value"], row["id"]) for row in finished(steps, records, threads, 512)]
    expected = sorted((-value, n) for n, _, value in records)
    if "limit" in above:
        expected = expected[:15000]
    if "filter" in above:
        expected = [pair for pair in expected if pair[0] % 2 == 0]
    assert found == expected


@given(
    records=st.lists(RECORD, max_size=30),
    desc=st.booleans(),
    nulls=st.sampled_from(["first", "last"]),
    threads=st.sampled_from([1, 3]),
    batch_rows=st.sampled_from([0, 1, 5]),
)
def test_sorting_is_stable(
    records: list[Record], desc: bool, nulls: str, threads: int, batch_rows: int
) -> None:
    steps = f"  - sort: [{{column: value, desc: {str(desc).lower()}, nulls: {nulls}}}]\n"
    found = finished(steps, records, threads, batch_rows)
    sign = -1 if desc else 1

    def place(record: Record) -> tuple[bool, int]:
        return (record[2] is None) != (nulls == "first"), sign * (record[2] or 0)

    expected = sorted(records, key=place)
    assert [(row["id"], row["key"] or "", row["value"]) for row in found] == expected


@given(
    records=st.lists(RECORD, max_size=30),
    keep=st.sampled_from(["first", "last"]),
    threads=st.sampled_from([1, 3]),
    batch_rows=st.sampled_from([0, 1, 5]),
)
def test_the_row_that_is_kept_is_always_the_same(
    records: list[Record], keep: str, threads: int, batch_rows: int
) -> None:
    steps = f"  - dedupe: {{keys: [key], order_by: [value], keep: {keep}}}\n"
    found = finished(steps, records, threads, batch_rows)

    def place(record: Record) -> tuple[bool, int]:
        return record[2] is None, record[2] or 0

    kept: dict[str, Record] = {}
    for record in sorted(records, key=place):
        if keep == "last" or record[1] not in kept:
            kept[record[1]] = record
    rows = {row["key"] or "": (row["id"], row["key"] or "", row["value"]) for row in found}
    assert len(found) == len(kept)
    assert rows == kept


@given(records=st.lists(RECORD, max_size=30), threads=st.sampled_from([1, 3]))
def test_groups_are_what_they_are_in_plain_python(records: list[Record], threads: int) -> None:
    steps = """\
  - aggregate:
      by: [key]
      columns: {rows: count(*), total: sum(value), different: sum(distinct value), most: max(id)}
"""
    found = finished(steps, records, threads, 3)
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record[1], []).append(record)

    def expected(rows: list[Record]) -> tuple[int, int | None, int | None, int]:
        values = [row[2] for row in rows if row[2] is not None]
        total = sum(values) if values else None
        different = sum(set(values)) if values else None
        return len(rows), total, different, max(row[0] for row in rows)

    assert {
        row["key"] or "": (row["rows"], row["total"], row["different"], row["most"])
        for row in found
    } == {key: expected(rows) for key, rows in groups.items()}
