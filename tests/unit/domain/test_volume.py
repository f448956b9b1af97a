"""Which volumes of rows are unusual, and which end a run."""

from __future__ import annotations

import pytest

from etlplus.domain.run import NodeCounters, Progress
from etlplus.domain.volume import Volume, judge, refusal

ONE = ("out",)


def counted(**rows: int) -> Progress:
    return Progress(tuple(NodeCounters(name, "csv", rows_out=many) for name, many in rows.items()))


def keys(volume: Volume, rows: int, *earlier: int) -> list[tuple[str, bool]]:
    found = judge(volume, counted(out=rows), [counted(out=each) for each in earlier])
    return [(each.key, each.fails) for each in found]


@pytest.mark.parametrize(
    ("rows", "found"), [(9, ["min_rows"]), (10, []), (20, []), (21, ["max_rows"])]
)
def test_bounds_are_included(rows: int, found: list[str]) -> None:
    assert [key for key, _ in keys(Volume(ONE, least=10, most=20), rows)] == found


@pytest.mark.parametrize(("rows", "is_usual"), [(49, False), (50, True), (150, True), (151, False)])
def test_a_change_is_measured_from_the_median(rows: int, is_usual: bool) -> None:
    found = keys(Volume(ONE, change=0.5), rows, 100, 1, 100_000)
    assert found == ([] if is_usual else [("change", True)])


def test_a_change_needs_three_runs_or_as_many_as_are_asked_for() -> None:
    assert keys(Volume(ONE, change=0.5), 1, 100, 100) == []
    assert keys(Volume(ONE, change=0.5, runs=1), 1, 100) == [("change", True)]
    assert keys(Volume(ONE, change=0.5, runs=3), 1, 1, 1, 1, 100, 100, 100, 100) == []


def test_no_rows_are_unusual_where_one_earlier_run_had_some() -> None:
    assert keys(Volume(ONE), 0, 0, 5, 0) == [("empty", True)]
    assert keys(Volume(ONE), 0, 0, 0) == []
    assert keys(Volume(ONE), 0) == []
    assert keys(Volume(ONE, empty=None, change=0.5), 0, 5, 5, 5) == []


def test_each_finding_has_its_own_weight() -> None:
    volume = Volume(ONE, least=1, fails=True, empty=False)
    assert keys(volume, 0, 5) == [("empty", False), ("min_rows", True)]
    error = refusal(judge(volume, counted(out=0), [counted(out=5)]))
    assert (error.code, error.place) == ("VOLUME_UNUSUAL", "limits.volume.min_rows")
    assert error.message == "out: 0 rows, and 1 are the fewest allowed"


def test_a_sink_that_earlier_runs_lacked_is_not_compared() -> None:
    earlier = [counted(other=5)] * 3
    assert judge(Volume(("out", "other"), change=0.5), counted(out=0, other=5), earlier) == []
