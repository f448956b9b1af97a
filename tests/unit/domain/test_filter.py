"""What filters mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from etlplus.domain.filter import All, AnyOf, Comparison, Not, Operator, Value, matches

NOW = datetime(2026, 1, 31, tzinfo=UTC)
ROW: dict[str, Value | None] = {
    "state": "FAILED",
    "version": 3,
    "create_time": NOW,
    "end_time": None,
}


@pytest.mark.parametrize(
    ("operator", "smaller", "equal", "larger"),
    [
        (Operator.EQ, False, True, False),
        (Operator.NE, True, False, True),
        (Operator.LT, False, False, True),
        (Operator.LE, False, True, True),
        (Operator.GT, True, False, False),
        (Operator.GE, True, True, False),
    ],
)
def test_values_are_compared_in_their_order(
    operator: Operator, smaller: bool, equal: bool, larger: bool
) -> None:
    second = timedelta(seconds=1)
    for field, values in (
        ("version", (2, 3, 4)),
        ("create_time", (NOW - second, NOW, NOW + second)),
        ("state", ("CANCELLED", "FAILED", "RUNNING")),
    ):
        found = tuple(matches(Comparison(field, operator, value), ROW) for value in values)
        assert found == (smaller, equal, larger), field


@pytest.mark.parametrize("operator", list(Operator))
def test_a_missing_value_differs_from_every_value_and_is_nothing_else(operator: Operator) -> None:
    assert matches(Comparison("end_time", operator, NOW), ROW) is (operator is Operator.NE)


def test_texts_contain_in_any_case() -> None:
    assert matches(Comparison("state", Operator.HAS, "fail"), ROW)
    assert not matches(Comparison("state", Operator.HAS, "run"), ROW)


def test_parts_are_joined() -> None:
    yes, no = Comparison("version", Operator.EQ, 3), Comparison("version", Operator.EQ, 4)
    assert matches(All((yes, yes)), ROW)
    assert not matches(All((yes, no)), ROW)
    assert matches(AnyOf((no, yes)), ROW)
    assert not matches(AnyOf((no, no)), ROW)
    assert matches(Not(no), ROW)
