"""What the engine writes into files, read back by others."""

from __future__ import annotations

import csv
import json
import math
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import EtlError
from tests.conformance.publish.engine import Bench, bench_in

NOWHERE = ResolvedConnection("local", "postgres", {"host": "127.0.0.1", "port": "1"})


@pytest.fixture
def bench() -> Iterator[Bench]:
    with bench_in(NOWHERE) as made:
        yield made


def pipeline(sink: str) -> str:
    return (
        "api: etlplus/v1\nname: p\nsources: {rows: {stream: {}}}\n"
        f"sinks: {{out: {{from: rows, {sink}}}}}\n"
    )


ROWS = pa.table(
    {
        "i": pa.array([1, None, -(2**63)], pa.int64()),
        "t": pa.array(['a "b", c\r\nd', "", None], pa.string()),
        "d": pa.array([Decimal("9.90"), None, Decimal("-0.01")], pa.decimal128(12, 2)),
        "f": pa.array([0.1, None, 1e300], pa.float64()),
        "b": pa.array([True, None, False]),
        "y": pa.array([date(2026, 1, 2), None, date(1, 1, 1)]),
        "s": pa.array(
            [datetime(2026, 1, 2, 3, 4, 5, 6, UTC), None, None], pa.timestamp("us", "UTC")
        ),
        "k": pa.array(["x", "y", None], pa.string()).dictionary_encode(),
    }
)


@pytest.mark.parametrize("compression", ["zstd", "snappy", "lz4", "none"])
@pytest.mark.parametrize("threads", [1, 3])
def test_parquet_holds_the_rows(bench: Bench, compression: str, threads: int) -> None:
    text = pipeline(f"parquet: {{uri: deep/er/out.parquet, compression: {compression}}}")
    finished = bench.run(text, {"rows": ROWS}, threads=threads)
    found = pq.read_table(bench.folder / "deep/er/out.parquet")
    assert found.to_pylist() == ROWS.to_pylist()
    assert finished.outcome.sinks[0].rows == 3
    assert [path.name for path in (bench.folder / "deep/er").iterdir()] == ["out.parquet"]


def test_parquet_of_nested_columns(bench: Bench) -> None:
    kind = pa.struct([("a", pa.list_(pa.int64())), ("b", pa.struct([("c", pa.string())]))])
    rows = pa.table(
        {
            "x": pa.array([{"a": [1, None], "b": {"c": "d"}}, None], kind),
            "y": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())),
            "z": [1, 2],
        }
    )
    bench.run(pipeline("parquet: out.parquet"), {"rows": rows}, threads=2)
    assert pq.read_table(bench.folder / "out.parquet").to_pylist() == rows.to_pylist()


def test_parquet_of_many_batches_and_row_groups(bench: Bench) -> None:
    count = 1_200_000
    rows = pa.table({"n": pa.array(range(count), pa.int64())})
    bench.run(pipeline("parquet: out.parquet"), {"rows": rows})
    written = pq.ParquetFile(bench.folder / "out.parquet")
    assert written.metadata.num_row_groups == 5
    assert sorted(written.read()["n"].to_pylist()) == list(range(count))


def test_no_rows_make_a_file_with_columns(bench: Bench) -> None:
    bench.run(pipeline("parquet: out.parquet"), {"rows": ROWS.slice(0, 0)})
    found = pq.read_table(bench.folder / "out.parquet")
    assert (found.num_rows, found.column_names) == (0, ROWS.column_names)
    bench.run(pipeline("csv: out.csv"), {"rows": ROWS.slice(0, 0)})
    assert (bench.folder / "out.csv").read_bytes() == b"i,t,d,f,b,y,s,k\r\n"


def test_csv_is_as_rfc_4180_says(bench: Bench) -> None:
    bench.run(pipeline("csv: out.csv"), {"rows": ROWS.select(["i", "t", "d", "b", "y", "k"])})
    assert (bench.folder / "out.csv").read_bytes() == (
        b"i,t,d,b,y,k\r\n"
        b'1,"a ""b"", c\r\nd",9.90,true,2026-01-02,x\r\n'
        b',"",,,,y\r\n'
        b"-9223372036854775808,,-0.01,false,0001-01-01,\r\n"
    )
    with (bench.folder / "out.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) == 4


def test_csv_can_be_read_again_without_change(bench: Bench) -> None:
    texts = ["NA", "", None, " a ", "1,5", "x;y", "\n", '"', "null"]
    rows = pa.table({"n": pa.array(range(len(texts))), "t": pa.array(texts)})
    bench.run(pipeline("csv: {uri: one.csv, delimiter: ';'}"), {"rows": rows})
    again = (
        "api: etlplus/v1\nname: p\n"
        "sources: {rows: {csv: {uri: one.csv, columns: {n: bigint, t: text}}}}\n"
        "sinks: {out: {from: rows, parquet: two.parquet}}\n"
    )
    bench.run(again)
    assert pq.read_table(bench.folder / "two.parquet").to_pylist() == rows.to_pylist()


def test_jsonl_has_a_line_a_row_with_every_column(bench: Bench) -> None:
    columns = ["i", "t", "d", "f", "b", "y", "k"]
    bench.run(pipeline("jsonl: out.jsonl"), {"rows": ROWS.select(columns)})
    lines = (bench.folder / "out.jsonl").read_text().splitlines()
    found = [json.loads(line, parse_float=Decimal) for line in lines]
    assert [list(line) for line in found] == [columns] * 3
    assert found[0] == {
        "i": 1, "t": 'a "b", c\r\nd', "d": Decimal("9.90"), "f": Decimal("0.1"), "b": True,
        "y": "2026-01-02", "k": "x",
    }  # fmt: skip
    assert found[1] == {**dict.fromkeys(columns), "t": "", "k": "y"}


@pytest.mark.parametrize(
    "bad", [[math.nan], [None, -math.inf]], ids=["not a number", "within a list"]
)
def test_what_json_lacks_is_a_reject(bench: Bench, bad: list[float | None]) -> None:
    rows = pa.table({"n": [1, 2], "v": pa.array([[0.5], bad], pa.list_(pa.float64()))})
    finished = bench.run(pipeline("jsonl: out.jsonl"), {"rows": rows})
    assert (bench.folder / "out.jsonl").read_text() == '{"n":1,"v":[0.5]}\n'
    assert [reject.code for reject in finished.rejects] == ["TARGET_REFUSED"]


def test_the_checksum_does_not_depend_on_order_or_form(bench: Bench) -> None:
    def checksum(rows: pa.Table, sink: str, batch_rows: int) -> str:
        text = pipeline(sink)
        finished = bench.run(text, {"rows": rows}, batch_rows=batch_rows)
        return finished.outcome.sinks[0].checksum

    rows = pa.table({"n": pa.array(range(1000)), "t": pa.array([str(n) for n in range(1000)])})
    views = pa.table({"n": rows["n"], "t": rows["t"].cast(pa.string_view())})
    shuffled = rows.take(pa.array(list(range(500, 1000)) + list(range(500))))
    sums = {
        checksum(rows, "parquet: a.parquet", 100),
        checksum(shuffled, "csv: a.csv", 1000),
        checksum(views, "jsonl: a.jsonl", 7),
    }
    assert len(sums) == 1
    other = pa.table({"n": rows["n"], "t": rows["t"].take(pa.array([1, 0, *range(2, 1000)]))})
    assert checksum(other, "parquet: a.parquet", 100) not in sums


@pytest.mark.parametrize(
    ("sink", "code", "message"),
    [
        ("parquet: /etc/out.parquet", "PATH_REFUSED", "outside"),
        ("parquet: ../out.parquet", "PATH_REFUSED", "outside"),
        ("csv: link/out.csv", "PATH_REFUSED", "outside"),
        ("csv: file/out.csv", "SINK_UNWRITABLE", "a part of its path is a file"),
        ("csv: folder", "SINK_UNWRITABLE", "is a folder"),
        ("csv: file/", "SINK_UNWRITABLE", "is a file"),
        ("csv: {uri: out.csv, mode: append}", "PLAN_INVALID", "half a load"),
        ("parquet: s3://bucket/out.parquet", "PLAN_INVALID", "not the path"),
    ],
)
def test_what_cannot_be_written_is_refused(
    bench: Bench, sink: str, code: str, message: str
) -> None:
    (bench.folder / "file").write_text("kept")
    (bench.folder / "folder").mkdir()
    (bench.folder / "link").symlink_to("/var")
    with pytest.raises(EtlError) as refused:
        bench.run(pipeline(sink), {"rows": ROWS})
    assert refused.value.code == code
    assert message in refused.value.message
    assert (bench.folder / "file").read_text() == "kept"


def test_a_failed_run_leaves_no_staged_file(bench: Bench) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield ROWS.to_batches()[0]
        raise RuntimeError("the source broke")

    reader = pa.RecordBatchReader.from_batches(ROWS.schema, batches())
    with pytest.raises((EtlError, RuntimeError)):
        bench.run(pipeline("parquet: out/out.parquet"), {"rows": reader})
    folder = bench.folder / "out"
    pause = threading.Event()
    for _ in range(100):
        if not folder.exists() or not list(folder.iterdir()):
            break
        pause.wait(0.1)
    assert not folder.exists() or list(folder.iterdir()) == []
