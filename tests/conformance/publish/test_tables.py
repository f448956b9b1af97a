"""Values come back from PostgreSQL as they went in: every type, missing values and extremes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etlplus.domain.errors import EtlError
from tests.conformance.publish.conftest import Session
from tests.conformance.publish.engine import Bench

INTO = """
api: etlplus/v1
name: p
sources: {rows: {stream: {}}}
sinks: {out: {from: rows, postgres: {connection: local, table: t}}}
"""
FROM = """
api: etlplus/v1
name: p
sources: {rows: {postgres: {connection: local, table: t}}}
sinks: {out: {from: rows, parquet: {uri: out.parquet}}}
"""


def naive(
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0, micro: int = 0
) -> datetime:
    """A time of the wall clock, of no zone."""
    zoned = datetime(year, month, day, hour, minute, second, micro, tzinfo=UTC)
    return zoned.replace(tzinfo=None)


MICROS = timedelta(microseconds=1)
WIDE = Decimal(12345678901234567890123456789012345678)

#: An Arrow type, the type of a table made for it, and values.
MADE: dict[str, tuple[pa.DataType, str, list[Any]]] = {
    "bool": (pa.bool_(), "boolean", [True, False]),
    "int8": (pa.int8(), "smallint", [-128, 127]),
    "int16": (pa.int16(), "smallint", [-32768, 32767]),
    "int32": (pa.int32(), "integer", [-(2**31), 2**31 - 1]),
    "int64": (pa.int64(), "bigint", [-(2**63), 2**63 - 1, 0]),
    "uint8": (pa.uint8(), "smallint", [0, 255]),
    "uint16": (pa.uint16(), "integer", [0, 65535]),
    "uint32": (pa.uint32(), "bigint", [0, 2**32 - 1]),
    "uint64": (pa.uint64(), "numeric(20,0)", [0, 2**64 - 1]),
    "float32": (pa.float32(), "real", [0.5, -0.0, float("inf")]),
    "float64": (pa.float64(), "double precision", [0.1, 5e-324, 1.7976931348623157e308]),
    "decimal": (
        pa.decimal128(12, 2),
        "numeric(12,2)",
        [Decimal("9.90"), Decimal("-0.01"), Decimal("9999999999.99"), Decimal("0.00")],
    ),
    "wide": (pa.decimal128(38, 0), "numeric(38,0)", [WIDE, -WIDE, Decimal(10000)]),
    "fine": (pa.decimal128(38, 37), "numeric(38,37)", [WIDE.scaleb(-37), Decimal("1e-37")]),
    "text": (pa.string(), "text", ["", "ä \U0001f600 \n\t\"'\\", "x" * 100_000]),
    "large": (pa.large_string(), "text", ["a", ""]),
    "view": (pa.string_view(), "text", ["a", "longer than twelve bytes"]),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), "text", ["a", "b", "a"]),
    "binary": (pa.binary(), "bytea", [b"", b"\0\xff"]),
    "fixed": (pa.binary(3), "bytea", [b"abc"]),
    "date": (pa.date32(), "date", [date(1, 1, 1), date(9999, 12, 31), date(2000, 1, 1)]),
    "time": (pa.time64("us"), "time without time zone", [time(0), time(23, 59, 59, 999999)]),
    "millis": (pa.time32("ms"), "time without time zone", [time(1, 2, 3, 4000)]),
    "timestamp": (
        pa.timestamp("us"),
        "timestamp without time zone",
        [naive(1, 1, 1), naive(9999, 12, 31, 23, 59, 59, 999999)],
    ),
    "seconds": (pa.timestamp("s"), "timestamp without time zone", [naive(1969, 12, 31)]),
    "instant": (
        pa.timestamp("us", "UTC"),
        "timestamp with time zone",
        [datetime(1999, 12, 31, 23, 59, 59, 999999, UTC)],
    ),
    "duration": (pa.duration("us"), "interval", [timedelta(days=-3) + MICROS]),
    "nested": (
        pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))]),
        "jsonb",
        [{"a": 1, "b": ["x", None]}],
    ),
}


def table(column: pa.Array) -> dict[str, object]:
    return {"rows": pa.table({"v": column, "n": pa.array(range(len(column)))})}


def read_back(session: Session) -> list[object]:
    return [value for (value,) in session.execute("SELECT v FROM t ORDER BY n")]


@pytest.mark.parametrize("name", MADE)
def test_a_made_table_holds_the_values(session: Session, bench: Bench, name: str) -> None:
    arrow, sql, values = MADE[name]
    expected = [*values, None]
    finished = bench.run(INTO, table(pa.array(expected, arrow)))
    assert finished.rejects == ()
    assert read_back(session) == expected
    made = session.execute(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = 't'::regclass AND attname = 'v'"
    )
    assert made.fetchone() == (sql,)


@pytest.mark.parametrize("name", sorted(set(MADE) - {"duration", "nested", "fixed", "uint64"}))
def test_a_table_is_read_as_it_was_written(session: Session, bench: Bench, name: str) -> None:
    arrow, _, values = MADE[name]
    bench.run(INTO, table(pa.array([*values, None], arrow)))
    finished = bench.run(FROM)
    rows = pq.read_table(bench.folder / "out.parquet").sort_by("n")
    assert rows["v"].to_pylist() == [*values, None]
    assert finished.published[0].books.loaded == len(values) + 1
    assert session.execute("SELECT count(*) FROM t").fetchone() == (len(values) + 1,)


#: A column's type, an Arrow type, and for each value what is stored; `...` for a reject.
FITS: list[tuple[str, pa.DataType, dict[Any, Any]]] = [
    ("smallint", pa.int64(), {5: 5, 32767: 32767, 32768: ..., -32769: ...}),
    ("integer", pa.decimal128(20, 2), {Decimal("7.00"): 7, Decimal("7.10"): ...}),
    ("bigint", pa.uint64(), {2**63 - 1: 2**63 - 1, 2**63: ...}),
    ("real", pa.int32(), {2**24: 2.0**24, 2**24 + 1: ...}),
    ("double precision", pa.int64(), {2**53: 2.0**53, 2**53 + 1: ...}),
    ("double precision", pa.float32(), {0.5: 0.5}),
    (
        "numeric",
        pa.float64(),
        {0.1: Decimal("0.1"), 1e23: Decimal("1e23"), -2.5e-7: Decimal("-2.5e-7")},
    ),
    ("numeric(6,2)", pa.int64(), {9999: Decimal(9999), 10000: ...}),
    (
        "numeric(6,2)",
        pa.decimal128(12, 4),
        {Decimal("1.2500"): Decimal("1.25"), Decimal("1.2345"): ..., Decimal("12345.0000"): ...},
    ),
    ("numeric(3,-2)", pa.int64(), {12300: Decimal(12300), 12345: ..., 100000: ...}),
    ("varchar(3)", pa.string(), {"äöü": "äöü", "abcd": ..., "abc ": ...}),
    ("character(3)", pa.string(), {"ab": "ab ", "abcd": ...}),
    ("text", pa.string(), {"a": "a", "a\0b": ...}),
    ("text", pa.int64(), {5: "5"}),
    ("text", pa.decimal128(6, 2), {Decimal("1.50"): "1.50"}),
    ("text", pa.bool_(), {True: "true"}),
    ("text", pa.date32(), {date(2026, 1, 2): "2026-01-02"}),
    ("json", pa.string(), {'{"a": 1}': {"a": 1}, "{": ..., "": ...}),
    ("jsonb", pa.string(), {"[1, 2]": [1, 2], '"\\u0000"': ..., "nope": ...}),
    ("date", pa.date64(), {date(2026, 1, 2): date(2026, 1, 2)}),
    ("timestamp", pa.date32(), {date(2026, 1, 2): naive(2026, 1, 2)}),
    (
        "timestamp(3)",
        pa.timestamp("us"),
        {
            naive(2026, 1, 2, 3, 4, 5, 6000): naive(2026, 1, 2, 3, 4, 5, 6000),
            naive(2026, 1, 2, 3, 4, 5, 6001): ...,
        },
    ),
    ("mood", pa.string(), {"ok": "ok", "bad": ...}),
    ("positive", pa.int64(), {5: 5}),
]


@pytest.mark.parametrize(
    "case", range(len(FITS)), ids=lambda case: f"{FITS[case][1]}-{FITS[case][0]}"
)
def test_values_fit_or_are_rejected(session: Session, bench: Bench, case: int) -> None:
    sql, arrow, values = FITS[case]
    session.execute("CREATE TYPE mood AS ENUM ('ok', 'fine')")
    session.execute("CREATE DOMAIN positive AS integer CHECK (value > 0)")
    session.execute(f"CREATE TABLE t (n bigint, v {sql})".encode())
    finished = bench.run(INTO, table(pa.array(list(values), arrow)))
    assert read_back(session) == [each for each in values.values() if each is not ...]
    refused = [each for each in values.values() if each is ...]
    assert [reject.code for reject in finished.rejects] == ["TARGET_REFUSED"] * len(refused)
    assert all(reject.column == "v" and reject.step == "out" for reject in finished.rejects)
    assert finished.published[0].books.rejected == len(refused)


def test_a_uuid_is_read_from_text(session: Session, bench: Bench) -> None:
    session.execute("CREATE TABLE t (n bigint, v uuid)")
    good = "123e4567-e89b-12d3-a456-426614174000"
    finished = bench.run(INTO, table(pa.array([good, good.upper(), "123"])))
    assert [str(value) for value in read_back(session)] == [good, good]
    assert [reject.message for reject in finished.rejects] == [
        "'123' does not fit uuid of the target: it is not a UUID"
    ]


def test_a_needed_value_that_is_missing_is_a_reject(session: Session, bench: Bench) -> None:
    session.execute("CREATE TABLE t (n bigint, v text NOT NULL)")
    finished = bench.run(INTO, table(pa.array(["a", None])))
    assert read_back(session) == ["a"]
    assert [(reject.code, reject.column) for reject in finished.rejects] == [("MISSING_VALUE", "v")]


#: A target, and what the refusal of text and bigint columns `v`, `n` must say.
REFUSED = {
    "v integer, n bigint": (
        "TARGET_MISMATCH",
        "'v' is text, the target's is integer",
        "v: integer",
    ),
    "v timestamptz, n text": ("TARGET_MISMATCH", "timestamp with time zone", "v: timestamptz"),
    "v inet, n bigint": ("TARGET_MISMATCH", "cannot be sent in binary", ""),
    "v text": ("TARGET_MISMATCH", "has no column 'n'", "Add the column"),
    "v text, n bigint, m int NOT NULL": ("TARGET_MISMATCH", "needs a value in 'm'", "default"),
    "v text, n bigint GENERATED ALWAYS AS (1) STORED": ("TARGET_MISMATCH", "computes", "Drop"),
}


@pytest.mark.parametrize("columns", REFUSED)
def test_what_cannot_fit_is_refused_before_any_row(
    session: Session, bench: Bench, columns: str
) -> None:
    code, message, hint = REFUSED[columns]
    session.execute(f"CREATE TABLE t ({columns})".encode())
    with pytest.raises(EtlError) as refused:
        bench.run(INTO, table(pa.array(["a"])))
    assert refused.value.code == code
    assert message in refused.value.message
    assert hint in (refused.value.hint or "")
    staged = session.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'stage%%'")
    assert staged.fetchone() == (0,)
