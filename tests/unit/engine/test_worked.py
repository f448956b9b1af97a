"""How long each source, step and sink worked is in the figures of a run."""

from __future__ import annotations

import pytest

from tests.property.oneshot import Finished, run

PIPELINE = """\
api: etlplus/v1
name: worked
sources:
  rows: {csv: rows.csv}
  names: {csv: names.csv}
steps:
  - name: some
    from: rows
    filter: id % 10 <> 0
  - name: doubled
    map: {twice: id * 2}
  - name: named
    join: {with: names, on: [word]}
  - name: by_word
    aggregate: {by: [word], columns: {rows: count(*), most: max(twice)}}
  - name: ordered
    sort: [most]
  - name: asked
    sql: select word, sum(most) over () as total from ordered
sinks:
  out: {parquet: out.parquet}
"""
ROWS = 50_000
WORDS = 500


@pytest.fixture(scope="module")
def finished() -> Finished:
    rows = "".join(f"{number},w{number % WORDS}\n" for number in range(ROWS))
    names = "".join(f"w{number},name {number}\n" for number in range(WORDS))
    files = {"rows.csv": b"id,word\n" + rows.encode(), "names.csv": b"word,name\n" + names.encode()}
    return run(PIPELINE, files, threads=2)


@pytest.mark.parametrize(
    "name",
    ["rows", "names", "some", "doubled", "named", "by_word", "ordered", "asked", "out"],
)
def test_whatever_took_part_has_worked(finished: Finished, name: str) -> None:
    [node] = [node for node in finished.outcome.progress.nodes if node.name == name]
    assert node.rows_in > 0
    assert node.worked_micros > 0
