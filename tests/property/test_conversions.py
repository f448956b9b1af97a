"""Conversions of text against a slow oracle: the exact value, or a reject, and nothing between."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property.oneshot import run

PIPELINE = """\
api: etlplus/v1
name: conversions
sources:
  file:
    csv:
      uri: file.csv
      header: true
      columns: {{n: bigint, value: "{declared}"}}
      null_values: ["NA"]
{steps}
sinks:
  out: {{parquet: {{uri: out.parquet}}}}
"""
CAST = 'steps:\n  - cast: {{value: "{kind}"}}'

Value = int | Decimal | date
Oracle = Callable[[str], Value | None]


def integer(bits: int) -> Oracle:
    """Return the oracle of a signed integer type."""

    def convert(text: str) -> Value | None:
        if not re.fullmatch(r"[+-]?\d+", text, re.ASCII):
            return None
        value = int(text)
        return value if -(2 ** (bits - 1)) <= value < 2 ** (bits - 1) else None

    return convert


def decimal(precision: int, scale: int) -> Oracle:
    """Return the oracle of `decimal(precision, scale)`: no digit may be lost."""

    def convert(text: str) -> Value | None:
        if not re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)", text, re.ASCII):
            return None
        value = Decimal(text)
        shifted = value.scaleb(scale)
        exact = shifted == shifted.to_integral_value()
        return value if exact and abs(shifted) < 10**precision else None

    return convert


def day(text: str) -> date | None:
    """Return a date written as YYYY-MM-DD, or refuse it."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def moment(text: str) -> datetime | None:
    """Return a timestamp without zone written as `YYYY-MM-DD HH:MM:SS`, or refuse it."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}", text, re.ASCII):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def number(least: int, most: int) -> st.SearchStrategy[str]:
    """Return texts that look like numbers around these bounds."""
    near = st.integers(least - 5, least + 5) | st.integers(most - 5, most + 5)
    return st.one_of(
        st.integers(least, most).map(str),
        near.map(str),
        st.integers(0, most).map(lambda value: f"+{value}"),
        st.integers(0, 99).map(lambda value: f"00{value}"),
    )


BROKEN = st.sampled_from(["", " ", "1e5", "0x10", "1_000", "1,5", "--1", "1.", "nan", "ten", "1 2"])
DIGITS = st.from_regex(r"\A-?[0-9]{1,12}(\.[0-9]{0,4})?\Z")
CASES: dict[str, tuple[st.SearchStrategy[str], Oracle]] = {
    "bigint": (number(-(2**63), 2**63 - 1) | BROKEN.filter(str.strip), integer(64)),
    "integer": (number(-(2**31), 2**31 - 1) | BROKEN.filter(str.strip), integer(32)),
    "decimal(9,2)": (DIGITS, decimal(9, 2)),
    "decimal(38,10)": (DIGITS, decimal(38, 10)),
    "date": (
        st.dates().map(str)
        | st.sampled_from(["2023-02-29", "2024-02-29", "2023-13-01", "2023-00-10", "today"]),
        day,
    ),
    "timestamp": (
        st.datetimes().map(lambda at: at.isoformat(" ", "seconds"))
        | st.sampled_from(["2023-02-29 00:00:00", "2023-01-01 24:00:00", "2023-01-01 10:60:00"]),
        moment,
    ),
}


def check(kind: str, texts: list[str], text: str, batch_rows: int) -> None:
    """Check that a pipeline kept exactly the values that the oracle accepts."""
    oracle = CASES[kind][1]
    rows = "".join(f'{number},"{value}"\n' for number, value in enumerate(texts))
    finished = run(text, {"file.csv": f"n,value\n{rows}".encode()}, batch_rows=batch_rows)
    expected = {number: oracle(value) for number, value in enumerate(texts)}
    found = {row["n"]: row["value"] for row in finished.rows["out"]}
    assert found == {n: value for n, value in expected.items() if value is not None}
    refused = sorted(n for n, value in expected.items() if value is None)
    assert sorted(int(reject.raw.split(",")[0]) for reject in finished.rejects) == refused
    assert all(reject.column == "value" for reject in finished.rejects)


@pytest.mark.parametrize("kind", CASES)
@given(data=st.data(), batch_rows=st.sampled_from([0, 2]))
def test_a_source_converts_exactly_or_rejects(
    kind: str, data: st.DataObject, batch_rows: int
) -> None:
    texts = data.draw(st.lists(CASES[kind][0], min_size=1, max_size=12))
    check(kind, texts, PIPELINE.format(declared=kind, steps=""), batch_rows)


@pytest.mark.parametrize("kind", CASES)
@given(data=st.data())
def test_a_cast_converts_exactly_or_rejects(kind: str, data: st.DataObject) -> None:
    texts = data.draw(st.lists(CASES[kind][0], min_size=1, max_size=12))
    steps = CAST.format(kind=kind)
    check(kind, texts, PIPELINE.format(declared="text", steps=steps), 0)
