"""Which failures are tried again, how often, after how long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etlplus.domain.codes import DATA, MEANINGS, TRANSIENT, failure_class
from etlplus.domain.retry import Retries


def test_only_failures_that_may_pass_are_tried_again() -> None:
    retries = Retries(most=3)
    tried = {code for code in MEANINGS if retries.delay(code, 0) is not None}
    assert tried == set(TRANSIENT)


def test_each_failure_of_a_run_has_one_class() -> None:
    failures = {code for code, (family, _) in MEANINGS.items() if family == "RunError"}
    assert failures >= TRANSIENT | DATA
    assert not TRANSIENT & DATA
    classes = {failure_class(code) for code in failures}
    assert classes == {"transient", "data", "permanent"}
    assert failure_class("CONNECTION_DENIED") == "permanent"


def test_without_a_word_nothing_is_tried_again() -> None:
    assert Retries().delay("CONNECTION_FAILED", 0) is None


@pytest.mark.parametrize(("retries", "seconds"), [(0, 4), (1, 8), (2, 16), (3, 20), (9, 20)])
def test_the_wait_doubles_up_to_the_longest(retries: int, seconds: float) -> None:
    plan = Retries(most=10, backoff=4, max_backoff=20)
    assert plan.delay("DISK_FULL", retries, share=1) == timedelta(seconds=seconds)
    assert plan.delay("DISK_FULL", retries, share=0) == timedelta(seconds=seconds / 2)


def test_the_last_attempt_is_the_last() -> None:
    assert Retries(most=2).delay("DISK_FULL", 1) is not None
    assert Retries(most=2).delay("DISK_FULL", 2) is None


@given(
    st.integers(0, 10_000), st.floats(0, 1e9, allow_nan=False), st.floats(0, 1e9, allow_nan=False)
)
def test_any_wait_is_within_its_bounds(retries: int, backoff: float, longest: float) -> None:
    wait = Retries(10_001, backoff, longest).delay("DISK_FULL", retries)
    assert wait is not None
    assert timedelta(0) <= wait <= timedelta(seconds=longest)
