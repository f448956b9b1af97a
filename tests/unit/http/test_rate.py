"""The limit of requests of one address."""

from __future__ import annotations

import pytest

from etlplus.http import rate
from etlplus.http.rate import Rate


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_minute_holds_so_many_and_fills_evenly() -> None:
    clock = Clock()
    limit = Rate(60, clock)
    assert [limit.wait("192.0.2.1") for _ in range(60)] == [0.0] * 60
    assert limit.wait("192.0.2.1") == pytest.approx(1.0)
    assert limit.wait("192.0.2.2") == 0.0
    clock.now = 1.0
    assert limit.wait("192.0.2.1") == 0.0
    assert limit.wait("192.0.2.1") > 0.0
    clock.now = 1000.0
    assert [limit.wait("192.0.2.1") > 0 for _ in range(61)] == [False] * 60 + [True]


def test_the_addresses_of_one_network_count_together() -> None:
    limit = Rate(1, Clock())
    assert limit.wait("2001:db8::1") == 0.0
    assert limit.wait("2001:db8::2%eth0") > 0.0
    assert limit.wait("2001:db8:0:1::1") == 0.0
    assert limit.wait("") == 0.0


def test_memory_is_bounded_and_the_newest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate, "_MOST_ADDRESSES", 2)
    limit = Rate(1, Clock())
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
        assert limit.wait(address) == 0.0
    assert limit.wait("192.0.2.3") > 0.0
    assert limit.wait("192.0.2.1") == 0.0
