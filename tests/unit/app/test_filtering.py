"""Filters as people write them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etlplus.app.filtering import parse_job_filter
from etlplus.domain.errors import InvalidInput
from etlplus.domain.filter import All, AnyOf, Comparison, Expr, Not, Operator

FAILED = Comparison("state", Operator.EQ, "FAILED")
MINE = Comparison("author", Operator.EQ, "me")
LATE = Comparison("create_time", Operator.GT, datetime(2026, 1, 31, 8, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "expr"),
    [
        ("", None),
        ("  ", None),
        ("state = FAILED", FAILED),
        ('state="failed"', FAILED),
        ("state = STATE_FAILED", FAILED),
        ("author = 'me'", MINE),
        ("state = FAILED AND author = me", All((FAILED, MINE))),
        ("state = FAILED OR author = me", AnyOf((FAILED, MINE))),
        # OR binds tighter than AND, as AIP-160 has it.
        (
            "author = me AND state = FAILED OR author = me",
            All((MINE, AnyOf((FAILED, MINE)))),
        ),
        (
            "(author = me AND state = FAILED) OR author = me",
            AnyOf((All((MINE, FAILED)), MINE)),
        ),
        ("NOT state = FAILED", Not(FAILED)),
        ("-state = FAILED", Not(FAILED)),
        ("NOT (state = FAILED)", Not(FAILED)),
        ('create_time > "2026-01-31T08:00:00Z"', LATE),
        ("create_time > 2026-01-31T08:00:00Z", LATE),
        ("create_time > 2026-01-31T08:00:00+00:00", LATE),
        ("create_time > '2026-01-31 08:00'", LATE),
        ("version >= 3", Comparison("version", Operator.GE, 3)),
        ("pipeline:ord", Comparison("pipeline", Operator.HAS, "ord")),
        ("pipeline != orders-daily", Comparison("pipeline", Operator.NE, "orders-daily")),
        ('author = "a \\"b\\" \\\\ c"', Comparison("author", Operator.EQ, 'a "b" \\ c')),
        ('author = "x\' OR 1=1; --"', Comparison("author", Operator.EQ, "x' OR 1=1; --")),
    ],
)
def test_filters_are_read(text: str, expr: Expr | None) -> None:
    assert parse_job_filter(text) == expr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nobody = 1", "names 'nobody' at character 1"),
        ("state", "ends where an operator belongs"),
        ("state =", "ends where a value belongs"),
        ("state = =", "where a value belongs"),
        ("= FAILED", "where a field belongs"),
        ("state = SLEEPING", "compares state with 'SLEEPING'"),
        ("version = three", "no whole number"),
        ("version = 99999999999999999999", "no whole number"),
        ("create_time > yesterday", "no time"),
        ("create_time : 2026", "not a text"),
        ("(state = FAILED", "not closed"),
        ("state = FAILED)", "where AND or OR belongs"),
        ("state = FAILED author = me", "where AND or OR belongs"),
        ("state = FAILED AND", "ends where a field belongs"),
        ('author = "me', "unreadable at character 10"),
        ("(" * 9 + "state = FAILED" + ")" * 9, "nested deeper"),
        ("author = " + "x" * 2048, "longer than 2048"),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_job_filter(text)
    assert caught.value.code == "FILTER_INVALID"
    assert said in caught.value.message


@given(text=st.text(alphabet="stae =<>!:()'\"\\-ANDORT19\n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(InvalidInput):
        found = parse_job_filter(text)
        assert found is not None or not text.strip()
