"""The example on real data, through the command, against a computation that shares no code."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etlplus.v1 import job_pb2
from tests.e2e.flights_oracle import COLUMNS, Oracle, Row, Value, compute, sort_key, unpack
from tests.live import ETLPLUS, WORKSPACE, Service

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "flights" / "pipeline.yaml"


@dataclass(frozen=True)
class Flights:
    """A finished run of the example and what it should have come to."""

    job: job_pb2.Job
    oracle: Oracle
    folder: Path


@pytest.fixture(scope="module")
def flights(live: Service) -> Flights:
    folder = live.root / "flights"
    unpack(folder)
    command: list[str | Path] = [ETLPLUS, "run", EXAMPLE, "--param", f"folder={folder}"]
    environ = {**live.environ, "ETLPLUS_SERVER": live.address}
    result = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    request = job_pb2.ListJobsRequest(parent=WORKSPACE, filter='pipeline = "flights"')
    [job] = live.jobs.ListJobs(request, metadata=live.metadata).jobs
    return Flights(job, compute(folder), folder)


def plain(columns: Iterable[Sequence[Value]]) -> list[Row]:
    """Return rows of the target's columns as the oracle writes them, in its order."""
    return sorted(zip(*map(simple, columns), strict=True), key=sort_key)


def simple(column: Sequence[Value]) -> Sequence[Value]:
    """Return a column with plain numbers, and times in UTC."""
    first = next((value for value in column if value is not None), None)
    if isinstance(first, Decimal):
        return [None if value is None else float(value) for value in column]  # type: ignore[arg-type]
    if isinstance(first, datetime):
        return [in_utc(value) for value in column]
    return column


def values(column: pa.ChunkedArray) -> list[Value]:
    """Return a column's values; times come without their zone, which makes them slow to read."""
    plain_time = pa.types.is_timestamp(column.type)
    found: list[Value] = (column.cast(pa.timestamp("us")) if plain_time else column).to_pylist()
    return found


def in_utc(value: Value) -> Value:
    """Return a time in UTC; one without a zone is in UTC already."""
    if not isinstance(value, datetime):
        return value
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def first_difference(found: list[Row], expected: list[Row]) -> str:
    """Return the first pair of rows that differ, or nothing."""
    for one, other in zip(found, expected, strict=False):
        if one != other:
            return f"found {one}\nexpected {other}"
    return "" if len(found) == len(expected) else f"{len(found)} rows, expected {len(expected)}"


def test_the_table_equals_the_oracle_row_for_row(live: Service, flights: Flights) -> None:
    rows = live.query(f"select {', '.join(COLUMNS)} from flights")
    assert first_difference(plain(zip(*rows, strict=True)), flights.oracle.rows) == ""


def test_the_table_has_the_columns_in_the_order_of_the_pipeline(
    live: Service, flights: Flights
) -> None:
    assert flights.job.state == job_pb2.Job.STATE_SUCCEEDED
    found = live.query(
        "select column_name from information_schema.columns where table_name = 'flights'"
        " and table_schema = 'public' order by ordinal_position"
    )
    assert tuple(name for (name,) in found) == COLUMNS


def test_the_parquet_file_equals_the_oracle_row_for_row(flights: Flights) -> None:
    table = pq.read_table(flights.folder / "flights.parquet")
    assert tuple(table.column_names) == COLUMNS
    columns = (values(table[name]) for name in COLUMNS)
    assert first_difference(plain(columns), flights.oracle.rows) == ""


def test_the_books_balance(flights: Flights) -> None:
    oracle = flights.oracle
    assert [sink.name for sink in flights.job.sinks] == ["table", "file"]
    for sink in flights.job.sinks:
        books = sink.books
        assert books.read == oracle.read
        assert books.loaded == len(oracle.rows)
        assert books.rejected == len(oracle.rejects)
        assert books.filtered == oracle.filtered
        gone = books.loaded + books.rejected + books.filtered + books.merged_away
        assert books.read + books.expanded == gone


def test_every_reject_has_its_line_and_every_reason(live: Service, flights: Flights) -> None:
    found = {
        reject.line: sorted((reason.column, reason.code) for reason in reject.reasons)
        for reject in live.rejects(flights.job)
    }
    assert found == flights.oracle.rejects
    lines = (flights.folder / "flights.csv").read_text().splitlines()
    for reject in live.rejects(flights.job)[:100]:
        assert reject.raw.rstrip("\r\n") == lines[reject.line - 1]
        assert reject.source.endswith("flights.csv")
