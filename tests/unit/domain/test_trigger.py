"""Which runs waiting successes start, and which pipelines may wait for which."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from etlplus.domain.errors import InvalidInput
from etlplus.domain.trigger import Success, check_upstreams, firings

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def success(upstream: str, number: int, hours: int = 0) -> Success:
    return Success(upstream, UUID(int=number), NOON + timedelta(hours=hours), "UTC")


def test_each_success_of_one_upstream_starts_a_run() -> None:
    waiting = [success("a", 1), success("a", 2)]
    assert [firing.successes for firing in firings(["a"], waiting)] == [(one,) for one in waiting]
    assert firings(["a"], []) == ()


def test_of_several_all_must_be_there_and_all_are_used() -> None:
    waiting = [success("a", 1), success("a", 2, hours=5), success("b", 3, hours=5)]
    assert firings(["a", "b"], waiting[:2]) == ()
    (firing,) = firings(["a", "b"], waiting)
    assert firing.successes == tuple(waiting)
    assert firing.newest == waiting[1]


def test_what_is_not_named_any_more_starts_nothing() -> None:
    assert firings(["a"], [success("z", 1)]) == ()
    (firing,) = firings(["a", "b"], [success("z", 1), success("a", 2), success("b", 3)])
    assert len(firing.successes) == 2


@pytest.mark.parametrize(
    ("after", "graph", "shown"),
    [
        (["b"], {"b": ["a"]}, "a after b after a"),
        (["x", "b"], {"b": ["x", "c"], "c": ["a"], "x": []}, "a after b after c after a"),
        (["a"], {}, "a after a"),
    ],
)
def test_a_cycle_is_named(after: list[str], graph: dict[str, list[str]], shown: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_upstreams("a", after, ["b", "c", "x"], graph)
    assert caught.value.code == "TRIGGER_CYCLE"
    assert f": {shown}. " in str(caught.value)


def test_a_cycle_of_others_and_a_diamond_are_no_cycle() -> None:
    graph = {"b": ["d"], "c": ["d"], "y": ["z"], "z": ["y"]}
    check_upstreams("a", ["b", "c", "y"], ["b", "c", "d", "y", "z"], graph)


def test_what_is_not_stored_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        check_upstreams("a", ["b", "zz"], ["b"], {})
    assert caught.value.code == "UPSTREAM_UNKNOWN"
    assert "'zz'" in str(caught.value)
