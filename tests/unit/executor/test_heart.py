"""Leases of running jobs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from etlplus.domain.errors import Cancelled, Unavailable
from etlplus.domain.job import Beat, Lease
from etlplus.executor.heart import Heart
from etlplus.executor.stopping import Reason, Switch

LEASE = timedelta(seconds=30)
ONE = Lease(UUID(int=1), 7)
TWO = Lease(UUID(int=2), 8)


class Answers:
    """A store that answers what a test says."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.beats: dict[UUID, Beat] = {ONE.job: Beat(False, LEASE), TWO.job: Beat(False, LEASE)}
        self.asked = asyncio.Event()
        self.prolonged: list[Lease] = []

    async def heartbeat(self, leases: Sequence[Lease], *, lease: timedelta) -> Mapping[UUID, Beat]:
        assert lease == LEASE
        self.asked.set()
        self.prolonged.extend(leases)
        if self.error is not None:
            raise self.error
        return {each.job: self.beats[each.job] for each in leases if each.job in self.beats}


class Patient:
    """A heart with two runs and a clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.store = Answers()
        self.heart = Heart(self.store, LEASE, lambda: self.now)
        self.one, self.two = Switch(), Switch()
        self.heart.add(ONE, self.one, 0.0)
        self.heart.add(TWO, self.two, 0.0)


@pytest.fixture
def patient() -> Patient:
    return Patient()


async def test_answered_leases_go_on(patient: Patient) -> None:
    for _ in range(10):
        patient.now += 15
        await patient.heart.beat()
    assert (patient.one.reason, patient.two.reason) == (None, None)


async def test_a_request_to_cancel_arrives(patient: Patient) -> None:
    patient.store.beats[ONE.job] = Beat(True, LEASE)
    await patient.heart.beat()
    assert (patient.one.reason, patient.two.reason) == (Reason.CANCEL, None)


async def test_a_job_that_is_missing_in_the_answer_is_lost(patient: Patient) -> None:
    del patient.store.beats[TWO.job]
    await patient.heart.beat()
    assert (patient.one.reason, patient.two.reason) == (None, Reason.LOST)


@pytest.mark.parametrize("error", [Unavailable("away"), TimeoutError()])
async def test_without_answers_runs_stop_after_two_thirds_of_the_lease(
    patient: Patient, error: Exception
) -> None:
    patient.store.error = error
    patient.now = 20.0
    await patient.heart.beat()
    assert reason_of(patient.one) is None
    patient.now = 20.1
    await patient.heart.beat()
    assert {patient.one.reason, patient.two.reason} == {Reason.LOST}


async def test_an_answer_counts_from_when_it_was_asked_for(patient: Patient) -> None:
    patient.now = 10.0
    await patient.heart.beat()
    patient.store.error = Unavailable("away")
    patient.now = 30.0
    await patient.heart.beat()
    assert reason_of(patient.one) is None
    patient.now = 30.1
    await patient.heart.beat()
    assert reason_of(patient.one) is Reason.LOST


async def test_runs_that_ended_are_let_go(patient: Patient) -> None:
    patient.heart.remove(ONE)
    patient.heart.remove(TWO)
    patient.now = 100.0
    await patient.heart.beat()
    # Who renews by itself between beats hears that nothing is left to renew.
    assert patient.store.asked.is_set()
    assert patient.store.prolonged == []
    assert (patient.one.reason, patient.two.reason) == (None, None)


async def test_beats_go_on_after_a_fault(patient: Patient) -> None:
    stop = asyncio.Event()
    heart = Heart(patient.store, LEASE)
    heart.add(ONE, patient.one, heart_clock())
    patient.store.error = ZeroDivisionError()
    task = asyncio.create_task(heart.keep(stop))
    await patient.store.asked.wait()
    patient.store.error = None
    patient.store.asked.clear()
    await patient.store.asked.wait()
    stop.set()
    await task
    assert patient.one.reason is None


def heart_clock() -> float:
    """Now, by the clock that hearts use by default."""
    return asyncio.get_running_loop().time()


def test_the_first_reason_counts_but_a_lost_lease_replaces_it() -> None:
    switch = Switch()
    switch.throw(Reason.DRAIN)
    switch.throw(Reason.CANCEL)
    assert reason_of(switch) is Reason.DRAIN
    switch.throw(Reason.LOST)
    assert reason_of(switch) is Reason.LOST


def reason_of(switch: Switch) -> Reason | None:
    """A look that the type checker does not remember."""
    return switch.reason


def test_once_publishing_only_cancelling_and_a_lost_lease_stop() -> None:
    switch = Switch()
    switch.begin_publishing()
    for reason in (Reason.DRAIN, Reason.TIMEOUT):
        switch.throw(reason)
        assert reason_of(switch) is None
    switch.throw(Reason.CANCEL)
    assert reason_of(switch) is Reason.CANCEL


def test_once_published_only_a_lost_lease_stops() -> None:
    switch = Switch()
    switch.begin_publishing()
    switch.throw(Reason.CANCEL)
    switch.keep()
    for reason in (Reason.CANCEL, Reason.DRAIN, Reason.TIMEOUT):
        switch.throw(reason)
        assert reason_of(switch) is None
    switch.throw(Reason.LOST)
    switch.keep()
    assert reason_of(switch) is Reason.LOST


def test_what_blocks_is_interrupted_once_the_run_is_to_stop() -> None:
    switch, acted = Switch(), threading.Event()
    with switch.interrupting(acted.set):
        assert not acted.is_set()
        switch.throw(Reason.CANCEL)
        assert acted.wait(60)
    late = threading.Event()
    with pytest.raises(Cancelled), switch.interrupting(late.set):
        pytest.fail("it is not to begin")
    switch.throw(Reason.LOST)
    assert not late.is_set()


async def test_the_lease_of_a_run_that_was_given_up_runs_out(patient: Patient) -> None:
    patient.one.throw(Reason.LOST)
    patient.store.prolonged.clear()
    await patient.heart.beat()
    assert patient.store.prolonged == [TWO]
