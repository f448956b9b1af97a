"""Rows that a program hands in: iterators of Arrow batches and whatever offers an Arrow stream."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from etlplus.domain.errors import Cancelled, EtlError
from tests.property.oneshot import Finished, run, start

TABLE = pa.table({"id": [1, 2, 3, 4], "name": ["a", "b", None, "d"]})
ROWS = TABLE.to_pylist()
BATCHES = TABLE.to_batches(max_chunksize=1)


def pipeline(steps: str = "", columns: str = "") -> str:
    return (
        "api: etlplus/v1\nname: p\n"
        f"sources: {{rows: {{stream: {{{columns}}}}}}}\n{steps}"
        "sinks: {out: {parquet: out.parquet}}\n"
    )


def loaded(given: object, text: str = pipeline(), *, batch_rows: int = 0) -> Finished:
    """Runs a pipeline over a stream and checks that its books balance."""
    finished = run(text, {}, {"rows": given}, batch_rows=batch_rows)
    [sink] = finished.outcome.sinks
    assert sink.books.balance, sink.books
    assert sink.books.loaded == len(finished.rows["out"])
    return finished


@dataclass
class Offer:
    """Nothing but the Arrow stream protocol."""

    table: pa.Table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(lambda: TABLE, id="table"),
        pytest.param(TABLE.to_reader, id="reader"),
        pytest.param(lambda: Offer(TABLE), id="protocol"),
        pytest.param(lambda: BATCHES, id="list"),
        pytest.param(lambda: iter(BATCHES), id="iterator"),
        pytest.param(lambda: (batch for batch in BATCHES), id="generator"),
        pytest.param(lambda: [BATCHES[0].slice(0, 0), *TABLE.to_batches()], id="empty_batch_first"),
        pytest.param(lambda: [TABLE.to_batches()[0].slice(n, 1) for n in range(4)], id="slices"),
    ],
)
@pytest.mark.parametrize("batch_rows", [0, 3])
def test_every_form_gives_the_same_rows(given: object, batch_rows: int) -> None:
    assert callable(given)
    finished = loaded(given(), batch_rows=batch_rows)
    assert finished.rows["out"] == ROWS
    assert finished.outcome.sinks[0].books.read == len(ROWS)


TYPES = {
    "string_view": pa.array(["a", None, "x" * 40], pa.string_view()),
    "large_string": pa.array(["a", None, ""], pa.large_string()),
    "dictionary": pa.array(["a", None, "a"]).dictionary_encode(),
    "dictionary_of_numbers": pa.array([7, None, 7]).dictionary_encode(),
    "run_ends": pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), ["a", None]),
    "binary_view": pa.array([b"\x00\xff", None, b""], pa.binary_view()),
    "large_binary": pa.array([b"\x00\xff", None, b""], pa.large_binary()),
    "fixed_binary": pa.array([b"ab", None, b"cd"], pa.binary(2)),
    "unsigned": pa.array([2**64 - 1, None, 0], pa.uint64()),
    "half": pa.array([1.5, None, -0.0], pa.float16()),
    "decimal32": pa.array([Decimal("1.50"), None, Decimal("-999.99")], pa.decimal32(5, 2)),
    "decimal256": pa.array([None, 10**50, 1], pa.decimal256(60, 0)),
    "instant": pa.array([0, None, 1], pa.timestamp("us", "Europe/Berlin")),
    "list": pa.array([[1, None], None, []]),
    "large_list": pa.array([[1, None], None, []], pa.large_list(pa.int64())),
    "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": None}]),
    "null": pa.nulls(3),
}


@pytest.mark.parametrize("kind", TYPES)
def test_values_of_every_type_arrive_unchanged(kind: str) -> None:
    table = pa.table({"id": [1, 2, 3], "value": TYPES[kind]})
    assert loaded(table).rows["out"] == table.to_pylist()


@pytest.mark.parametrize("kind", ["string_view", "large_string", "dictionary"])
def test_expressions_read_text_in_every_layout(kind: str) -> None:
    table = pa.table({"value": TYPES[kind]})
    steps = "steps: [{map: {upper: upper(value)}}, {filter: \"value = 'a'\"}]\n"
    finished = loaded(table, pipeline(steps))
    many = [value for value in table["value"].to_pylist() if value == "a"]
    assert finished.rows["out"] == [{"value": "a", "upper": "A"}] * len(many)
    assert finished.outcome.sinks[0].books.filtered == 3 - len(many)


@pytest.mark.parametrize(
    "given", [TABLE.slice(0, 0), TABLE.slice(0, 0).to_reader(), [BATCHES[0].slice(0, 0)], []]
)
def test_an_empty_stream_is_an_empty_load(given: object) -> None:
    finished = loaded(given)
    assert finished.rows["out"] == []
    assert finished.outcome.sinks[0].books.read == 0


@pytest.mark.parametrize("batch_rows", [0, 1, 3])
def test_rejects_say_which_row_of_the_stream_they_were(batch_rows: int) -> None:
    steps = "steps: [{validate: {not_null: [name]}}, {map: {part: 12 / (id - 4)}}]\n"
    finished = loaded(BATCHES, pipeline(steps), batch_rows=batch_rows)
    found = [(reject.line, reject.step, reject.code) for reject in finished.rejects]
    assert sorted(found) == [
        (3, "validate_1", "MISSING_VALUE"),
        (4, "map_2", "DIVISION_BY_ZERO"),
    ]
    assert finished.outcome.sinks[0].books.rejected == 2
    assert [row["id"] for row in finished.rows["out"]] == [1, 2]


class OwnError(Exception):
    """What only the program that feeds a run knows."""


def failing(after: int, error: BaseException) -> Iterator[pa.RecordBatch]:
    yield from BATCHES[:after]
    raise error


@pytest.mark.parametrize("after", [0, 1, 3])
@pytest.mark.parametrize("error", [OwnError("by me"), SystemExit(3)], ids=["mine", "exit"])
def test_what_an_iterator_raises_comes_out_unchanged(after: int, error: BaseException) -> None:
    with pytest.raises(type(error)) as raised:
        loaded(failing(after, error))
    assert raised.value is error


def test_what_a_reader_raises_is_told_with_its_source(tmp_path: Path) -> None:
    reader = pa.RecordBatchReader.from_batches(TABLE.schema, failing(2, OwnError("by me")))
    with pytest.raises(EtlError) as raised:
        start(pipeline(), tmp_path, {"rows": reader}).wait()
    assert raised.value.code == "SOURCE_RAISED"
    assert "by me" in raised.value.message
    assert raised.value.place == "rows"
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize(
    ("given", "columns", "place", "message"),
    [
        (TABLE, "id: text", "rows, columns.id", "'id' is bigint, not text"),
        (TABLE, "id: bigint, more: date", "rows, columns.more", "'more' is missing, not date"),
        ([BATCHES[0], BATCHES[1].select(["id"])], "", "rows", "other columns"),
        ([BATCHES[0], pa.record_batch({"id": ["1"], "name": ["a"]})], "", "rows", "other columns"),
        ([BATCHES[0], BATCHES[1].select(["name", "id"])], "", "rows", "other columns"),
    ],
    ids=["type", "missing", "fewer_later", "type_later", "order_later"],
)
def test_columns_that_do_not_fit_are_named(
    given: Iterable[pa.RecordBatch], columns: str, place: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(EtlError) as refused:
        start(pipeline("", f"columns: {{{columns}}}"), tmp_path, {"rows": given}).wait()
    assert refused.value.code == "SOURCE_MISMATCH"
    assert refused.value.place == place
    assert message in refused.value.message
    assert not (tmp_path / "out.parquet").exists()


def test_declared_columns_that_fit() -> None:
    columns = "columns: {name: text, id: bigint}"
    assert loaded(BATCHES, pipeline("", columns)).rows["out"] == ROWS


def test_a_stream_that_nobody_handed_in_is_named(tmp_path: Path) -> None:
    with pytest.raises(EtlError) as refused:
        start(pipeline(), tmp_path, {"other": TABLE})
    assert refused.value.code == "SOURCE_NOT_PROVIDED"
    assert refused.value.place == "rows"
    assert refused.value.hint


def test_two_streams_are_joined() -> None:
    text = pipeline("steps: [{name: both, from: rows, join: {with: others, on: [id]}}]\n")
    text = text.replace("sources: {", "sources: {others: {stream: {}}, ")
    others = pa.table({"id": [2, 4, 4], "extra": ["x", "y", "z"]})
    finished = run(text, {}, {"rows": iter(BATCHES), "others": others})
    found = sorted((row["id"], row["extra"]) for row in finished.rows["out"])
    assert found == [(2, "x"), (4, "y"), (4, "z")]
    assert finished.outcome.sinks[0].books.balance


@pytest.mark.parametrize("stuck", [False, True], ids=["flowing", "stuck"])
def test_a_cancelled_run_ends_whatever_its_iterator_does(tmp_path: Path, stuck: bool) -> None:
    flowing, release = threading.Event(), threading.Event()

    def endless() -> Iterator[pa.RecordBatch]:
        while True:
            yield BATCHES[0]
            flowing.set()
            if stuck:
                release.wait()

    running = start(pipeline(), tmp_path, {"rows": endless()})
    assert flowing.wait(60)
    running.cancel()
    with pytest.raises(Cancelled):
        running.wait()
    release.set()
    assert not (tmp_path / "out.parquet").exists()
