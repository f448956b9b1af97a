"""Where streams begin and end: what is not taken, what is empty, how types are told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date, time
from pathlib import Path

import pyarrow as pa
import pytest

from etlplus.domain.errors import Cancelled
from tests.property.oneshot import run, start
from tests.unit.engine.test_streams import BATCHES, TABLE, loaded, pipeline


def test_a_limit_leaves_the_rest_unread() -> None:
    finished = loaded(BATCHES, pipeline("steps: [{limit: 2}]\n"))
    assert finished.rows["out"] == TABLE.to_pylist()[:2]


def test_a_join_whose_one_side_is_empty() -> None:
    text = pipeline("steps: [{name: both, from: rows, join: {with: others, on: [id]}}]\n")
    text = text.replace("sources: {", "sources: {others: {stream: {}}, ")
    others = pa.table({"id": [2, 4, 4], "extra": ["x", "y", "z"]}).to_batches(max_chunksize=1)
    finished = run(text, {}, {"rows": TABLE.slice(0, 0), "others": iter(others)})
    assert finished.outcome.sinks[0].books.balance


def test_an_empty_iterator_has_the_declared_columns() -> None:
    assert loaded([], pipeline("", "columns: {id: bigint}")).rows["out"] == []


def test_whether_a_column_may_be_null_does_not_matter() -> None:
    firm = pa.schema([pa.field("id", pa.int64(), nullable=False)])
    batches = [
        pa.record_batch([[1]], schema=firm),
        pa.record_batch({"id": pa.array([None], pa.int64())}),
    ]
    assert loaded(batches).rows["out"] == [{"id": 1}, {"id": None}]


@pytest.mark.parametrize(
    "array",
    [
        pa.array([date(2026, 1, 2)], pa.date64()),
        pa.array([1_767_312_000], pa.timestamp("s")),
        pa.array([time(1, 2, 3)], pa.time32("s")),
    ],
    ids=["date64", "timestamp_s", "time32"],
)
def test_dates_and_times_stay_dates_and_times(array: pa.Array) -> None:
    assert loaded(pa.table({"v": array})).rows["out"] == [{"v": array[0].as_py()}]


def test_a_null_of_a_run_is_null_in_csv(tmp_path: Path) -> None:
    array = pa.RunEndEncodedArray.from_arrays(pa.array([1, 2], pa.int32()), ["a", None])
    text = pipeline().replace("parquet: out.parquet", "csv: out.csv")
    outcome = start(text, tmp_path, {"rows": pa.table({"v": array})}).wait()
    lines = Path(outcome.sinks[0].files[0].staged_path).read_text().splitlines()
    assert lines[2] != '""', "an empty text is no null"


def test_unsigned_arithmetic() -> None:
    table = pa.table({"v": pa.array([2**64 - 1], pa.uint64())})
    assert (
        loaded(table, pipeline("steps: [{map: {more: v + 1}}]\n")).rows["out"][0]["more"] == 2**64
    )


@pytest.mark.parametrize("attempt", range(10))
def test_a_cancelled_run_clears_up_before_it_ends(tmp_path: Path, attempt: int) -> None:
    del attempt  # whether it is in time is chance
    flowing, closed = threading.Event(), threading.Event()

    def endless() -> Iterator[pa.RecordBatch]:
        try:
            while True:
                yield BATCHES[0]
                flowing.set()
        finally:
            closed.set()

    running = start(pipeline(), tmp_path, {"rows": endless()})
    assert flowing.wait(60)
    running.cancel()
    with pytest.raises(Cancelled):
        running.wait()
    assert list(tmp_path.glob(".out*")) == []
    assert closed.wait(10)
