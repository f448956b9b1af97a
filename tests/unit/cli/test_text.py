"""Values as people read them."""

from __future__ import annotations

import pytest

from etlplus.cli import text


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain", "plain"),
        ("Zürich 東京", "Zürich 東京"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("left\u202eright", "left\\u202eright"),
        ("bell\x07", "bell\\x07"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_nothing_that_steers_a_terminal_is_printed(given: str, shown: str) -> None:
    assert text.printable(given) == shown


def test_a_table_sets_each_column_as_wide_as_it_must_be() -> None:
    shown = text.table(("NAME", "ROWS"), [("a", "1"), ("longer", "1 000")], right=" >")
    assert shown == "NAME     ROWS\na           1\nlonger  1 000\n"


def test_a_table_keeps_a_row_on_its_line() -> None:
    assert text.table(("A",), [("one\ntwo",)]).splitlines()[1] == "one\\ntwo"


def test_wide_signs_take_two_cells() -> None:
    shown = text.table(("A", "B"), [("東京", "x"), ("ab", "y")])
    assert [line.index(last) for line, last in zip(shown.splitlines(), "Bxy", strict=True)] == [
        6,
        4,
        6,
    ]


@pytest.mark.parametrize(
    ("cells", "shown"), [(10, "abcdef"), (6, "abcdef"), (5, "abcd…"), (1, "…")]
)
def test_what_is_cut_says_so(cells: int, shown: str) -> None:
    assert text.cut("abcdef", cells) == shown


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 << 40, "3.0 TiB")]
)
def test_sizes(count: int, shown: str) -> None:
    assert text.size(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (200, "3 min 20 s")]
)
def test_durations(seconds: float, shown: str) -> None:
    assert text.duration(seconds) == shown


def test_numbers_have_groups() -> None:
    assert text.number(336776) == "336 776"
