"""Rows of a preview."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from etlplus.cli import arrow


def stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def test_rows_of_a_stream() -> None:
    table = pa.table({"id": [1, None], "word": ["a", "b"], "cents": [Decimal("1.20"), None]})
    names, rows = arrow.read(stream(table))
    assert names == ["id", "word", "cents"]
    assert rows == [(1, "a", Decimal("1.20")), (None, "b", None)]


def test_a_stream_without_rows_has_columns() -> None:
    assert arrow.read(stream(pa.table({"id": pa.array([], pa.int64())}))) == (["id"], [])


def test_no_stream_is_no_rows() -> None:
    assert arrow.read(b"") == ([], [])


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Decimal("1.20"), "1.20"),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, tzinfo=UTC), "2026-01-31T00:00:00+00:00"),
        (time(1, 2), "01:02:00"),
        (timedelta(seconds=1), "0:00:01"),
        (b"\x00\xff", "00ff"),
        ({"a": [Decimal(1)]}, {"a": ["1"]}),
        (True, True),
        (None, None),
    ],
)
def test_values_as_data(value: object, plain: object) -> None:
    assert arrow.plain(value) == plain


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "·"), ("", ""), (True, "true"), ([1, 2], "[1, 2]"), ("a\nb", "a\\nb")],
)
def test_values_in_tables(value: object, shown: str) -> None:
    assert arrow.shown(value, 20) == shown
