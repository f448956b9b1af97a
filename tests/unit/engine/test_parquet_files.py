"""How Parquet files are encoded and compressed, as another reader finds them."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etlplus import language
from tests.property.oneshot import folder_with, start

ROWS = 20_000
PIPELINE = """\
api: etlplus/v1
name: encoded
sources:
  rows: {{csv: {{uri: rows.csv, header: true, columns: {{
    id: bigint, price: "decimal(12,2)", wide: "decimal(30,4)", day: date, code: text, note: text,
    flag: boolean, ratio: double}}}}}}
sinks:
  out: {{parquet: {{uri: out.parquet, {options}}}}}
"""
DELTA = "DELTA_BINARY_PACKED"


def some_rows(count: int) -> list[tuple[object, ...]]:
    """Return rows of many kinds of values; every seventh note is missing."""
    chance = random.Random(7)
    day = dt.date(1992, 1, 1)
    rows: list[tuple[object, ...]] = []
    for number in range(count):
        price = Decimal(chance.randrange(10**9)) / 100
        moved = day + dt.timedelta(days=chance.randrange(2500))
        code = chance.choice(["MAIL", "SHIP", "RAIL"])
        note = f"{chance.random()} says little" if number % 7 else None
        wide = price * 10**15
        rows.append((number, price, wide, moved, code, note, number % 3 == 0, chance.random()))
    return rows


def csv(rows: list[tuple[object, ...]]) -> bytes:
    """Return the rows as a CSV file."""
    lines = ["id,price,wide,day,code,note,flag,ratio"]
    lines += [",".join("" if each is None else str(each) for each in row) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def written(options: str, rows: list[tuple[object, ...]], folder: Path) -> pq.ParquetFile:
    """Run the pipeline over the rows and open the file that it staged."""
    outcome = start(PIPELINE.format(options=options), folder).wait()
    assert outcome.sinks[0].books.loaded == len(rows)
    return pq.ParquetFile(outcome.sinks[0].files[0].staged_path)


def encodings(file: pq.ParquetFile) -> dict[str, set[str]]:
    """Return the encodings of each column in the first row group."""
    group = file.metadata.row_group(0)
    columns = [group.column(index) for index in range(group.num_columns)]
    return {column.path_in_schema: set(column.encodings) for column in columns}


def test_columns_are_encoded_by_what_they_hold_and_read_back_unchanged() -> None:
    rows = some_rows(ROWS)
    with folder_with({"rows.csv": csv(rows)}) as folder:
        file = written("compression: zstd", rows, folder)
        found = encodings(file)
        table = file.read()
    assert all(DELTA in found[name] for name in ("id", "price"))
    assert all("RLE_DICTIONARY" in found[name] for name in ("day", "code"))
    for plain in ("wide", "note", "ratio"):
        assert found[plain].isdisjoint({"RLE_DICTIONARY", DELTA})
    assert [tuple(row.values()) for row in table.to_pylist()] == rows


def test_too_few_rows_to_judge_keep_the_usual_encodings() -> None:
    rows = some_rows(100)
    with folder_with({"rows.csv": csv(rows)}) as folder:
        file = written("compression: zstd", rows, folder)
        assert DELTA not in encodings(file)["id"]
        assert [tuple(row.values()) for row in file.read().to_pylist()] == rows


def test_no_rows_are_a_file_with_its_columns() -> None:
    with folder_with({"rows.csv": csv([])}) as folder:
        file = written("compression: zstd", [], folder)
        assert file.read().num_rows == 0
        assert file.schema_arrow.field("price").type == pa.decimal128(12, 2)


def test_a_higher_level_makes_a_smaller_file() -> None:
    rows = some_rows(ROWS)
    sizes = {}
    for level in (1, 19):
        with folder_with({"rows.csv": csv(rows)}) as folder:
            file = written(f"compression_level: {level}", rows, folder)
            group = file.metadata.row_group(0)
            sizes[level] = group.column(5).total_compressed_size
            assert group.column(0).compression == "ZSTD"
    assert sizes[19] < sizes[1]


@pytest.mark.parametrize("codec", ["snappy", "lz4", "none"])
def test_a_codec_without_levels_takes_none(codec: str) -> None:
    parsed = language.parse(PIPELINE.format(options=f"compression: {codec}, compression_level: 3"))
    (problem,) = parsed.problems
    assert f"`compression: {codec}` has no levels" in problem.message
    assert problem.path == "sinks.out.parquet.compression_level"
