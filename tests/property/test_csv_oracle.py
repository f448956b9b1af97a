"""The CSV reader against Python's `csv`: same records, same values, whatever is in the fields."""

from __future__ import annotations

import csv
import io
from typing import Final, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property.oneshot import run

PIPELINE = """\
api: etlplus/v1
name: text
sources:
  file:
    csv:
      uri: file.csv
      header: false
      names: [{names}]
      columns: {{{columns}}}
      delimiter: "{delimiter}"
      null_values: ["\\\\N"]
sinks:
  out: {{parquet: {{uri: out.parquet}}}}
"""

Quoting = Literal[0, 1]
MINIMAL: Final = csv.QUOTE_MINIMAL
ALL: Final = csv.QUOTE_ALL

QUOTING: st.SearchStrategy[Quoting] = st.sampled_from([MINIMAL, ALL])

# Everything that a CSV file may hold in a field, with what splits records and fields more often.
FIELD = st.text(
    st.one_of(
        st.sampled_from(list(',;"\n\r\t ')),
        st.characters(codec="utf-8", exclude_characters="\x00"),
    ),
    max_size=12,
).filter(lambda text: text != "\\N")


@st.composite
def records(draw: st.DrawFn) -> list[list[str]]:
    width = draw(st.integers(1, 5))
    found = draw(st.lists(st.lists(FIELD, min_size=width, max_size=width), min_size=1, max_size=20))
    # One empty unquoted field alone would be a blank line, which is no record to either reader.
    return [record for record in found if record != [""]] or [["x"] * width]


def written(rows: list[list[str]], delimiter: str, quoting: Quoting, end: str) -> bytes:
    if any("\r" in field for row in rows for field in row):
        # The writer leaves a lone CR bare, and every reader ends a record there.
        quoting = ALL
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerows(rows)
    return buffer.getvalue().encode()


def pipeline(width: int, delimiter: str) -> str:
    names = [f"c{number}" for number in range(width)]
    return PIPELINE.format(
        names=", ".join(names),
        columns=", ".join(f"{name}: text" for name in names),
        delimiter=delimiter,
    )


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";"])
@given(
    rows=records(),
    quoting=QUOTING,
    last_end=st.booleans(),
    batch_rows=st.sampled_from([0, 1, 3]),
)
def test_it_reads_what_pythons_csv_wrote(
    delimiter: str,
    end: str,
    rows: list[list[str]],
    quoting: Quoting,
    last_end: bool,
    batch_rows: int,
) -> None:
    content = written(rows, delimiter, quoting, end)
    if not last_end:
        content = content.removesuffix(end.encode())
    text = pipeline(len(rows[0]), delimiter)
    finished = run(text, {"file.csv": content}, batch_rows=batch_rows)
    assert finished.rejects == []
    found = [list(row.values()) for row in finished.rows["out"]]
    reader = csv.reader(io.StringIO(content.decode(), newline=""), delimiter=delimiter)
    expected = [[value or None for value in record] for record in reader]
    assert [[value or None for value in row] for row in found] == expected


@given(rows=records(), noise=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255))))
def test_every_record_of_a_damaged_file_is_read_or_rejected(
    rows: list[list[str]], noise: list[tuple[int, int]]
) -> None:
    content = bytearray(written(rows, ",", MINIMAL, "\n"))
    for place, byte in noise:
        content[place % len(content)] = byte
    finished = run(pipeline(len(rows[0]), ","), {"file.csv": bytes(content)})
    [sink] = finished.outcome.sinks
    assert sink.books.balance
    assert sink.books.loaded == len(finished.rows["out"]) == sink.rows
    assert sink.books.rejected == len(finished.rejects)
    lines = content.count(b"\n") + content.count(b"\r") + 1
    for reject in finished.rejects:
        assert reject.line is not None
        assert 1 <= reject.line <= lines
        assert reject.byte_offset is not None
        assert 0 <= reject.byte_offset < len(content)
