"""Three replicas, one queue, a clock that only the test moves: no order of events breaks a rule.

The store is the twin in memory, which passes the conformance suite of the real one. Replicas do
what workers do, in any order, and also what a stopped one does that comes back: write with a stale
epoch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from etlplus.domain.job import Job, JobError, JobState, Lease, NewJob, Settlement
from etlplus.domain.names import new_job_id
from etlplus.domain.pipeline import PipelineDraft
from etlplus.domain.queueing import Queueing
from etlplus.domain.run import Progress
from etlplus.store.memory.stores import MemoryStores

Result = TypeVar("Result")

LEASE = timedelta(seconds=30)
LIMITS = {"eu": 1, "us": 2}
STARTS, PER = 3, timedelta(minutes=1)
LOST = 3
REPLICAS = [UUID(int=number) for number in (1, 2, 3)]
DONE = Settlement(JobState.SUCCEEDED)
FAILURE = Settlement(JobState.FAILED, error=JobError("DISK_FULL", "full"))

replicas = st.sampled_from(REPLICAS)
picks = st.integers(0, 99)


class QueueMachine(RuleBasedStateMachine):
    """What each replica believes it runs is kept apart from what the store knows."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.stores = MemoryStores(lambda: self.now)
        self.made: dict[UUID, str] = {}
        self.epochs: dict[UUID, int] = {}
        self.starts: list[datetime] = []
        self.final: dict[UUID, Job] = {}
        #: Every claim that was ever made, whose it was, and whether its holder has let it go.
        self.held: list[tuple[UUID, Lease]] = []

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run(work)

    @initialize()
    def store_a_pipeline(self) -> None:
        draft = PipelineDraft(spec=b"", source_text="", author="me", message="")
        self.do(self.stores.pipelines.create("default", "p", draft))

    @rule(key=st.sampled_from(["eu", "us", "free", "slow"]), priority=st.integers(0, 100))
    def submit(self, key: str, priority: int) -> None:
        how = Queueing(
            priority=priority,
            most_running=LIMITS.get(key),
            key=key,
            most_starts=STARTS if key == "slow" else None,
            starts_per=PER if key == "slow" else None,
        )
        job = NewJob("default", new_job_id(), "p", 1, {}, "me", queueing=how)
        self.do(self.stores.jobs.create(job))
        self.made[job.uid] = key

    @rule(replica=replicas, limit=st.integers(1, 4))
    def claim(self, replica: UUID, limit: int) -> None:
        for job in self.do(self.stores.jobs.claim(replica, lease=LEASE, limit=limit)):
            assert job.epoch > max(self.epochs.values(), default=0)
            assert job.uid not in self.final
            self.epochs[job.uid] = job.epoch
            self.held.append((replica, Lease(job.uid, job.epoch)))
            if self.made[job.uid] == "slow":
                self.starts.append(self.now)

    @rule(seconds=st.integers(1, 40))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(replica=replicas)
    def heartbeat(self, replica: UUID) -> None:
        mine = [lease for owner, lease in self.held if owner == replica]
        beats = self.do(self.stores.jobs.heartbeat(mine, lease=LEASE))
        for lease in mine:
            if self.is_stale(lease):
                # An answer about this job, if there is one, is about a later claim of its own.
                assert lease.job not in beats or self.own_later(replica, lease)

    @rule(pick=picks, how=st.sampled_from(["settle", "retry", "release", "progress"]))
    def write(self, pick: int, how: str) -> None:
        """A holder writes; also one whose claim is long over."""
        if not self.held:
            return
        _, lease = self.held[pick % len(self.held)]
        before = self.job(lease.job)
        stale = self.is_stale(lease)
        jobs = self.stores.jobs
        if how == "settle":
            done = self.do(jobs.settle(lease, DONE))
        elif how == "retry":
            done = self.do(jobs.retry(lease, FAILURE, delay=timedelta(seconds=pick)))
        elif how == "release":
            done = self.do(jobs.release(lease))
        else:
            done = self.do(jobs.progress(lease, Progress(rows_read=pick)))
        assert done is not stale
        if stale:
            assert self.job(lease.job) == before

    @rule()
    def rescue(self) -> None:
        self.do(self.stores.jobs.rescue(max_lost=LOST))

    @rule()
    def awaken(self) -> None:
        self.do(self.stores.queue.awaken())

    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        if self.made:
            uid = list(self.made)[pick % len(self.made)]
            self.do(self.stores.jobs.request_cancel("default", uid))

    def job(self, uid: UUID) -> Job:
        return self.do(self.stores.jobs.get("default", uid))

    def is_stale(self, lease: Lease) -> bool:
        job = self.job(lease.job)
        return job.state is not JobState.RUNNING or job.epoch != lease.epoch

    def own_later(self, replica: UUID, lease: Lease) -> bool:
        return any(
            owner == replica and other.job == lease.job and other.epoch > lease.epoch
            for owner, other in self.held
        )

    @invariant()
    def no_job_is_lost_and_what_ended_stays(self) -> None:
        jobs = {job.uid: job for job in self.do(self.stores.jobs.list("default", limit=1000))}
        assert set(jobs) == set(self.made)
        for uid, ended in self.final.items():
            assert jobs[uid] == ended
        self.final = {uid: job for uid, job in jobs.items() if job.state.is_final}

    @invariant()
    def a_job_runs_in_its_latest_epoch_alone(self) -> None:
        live = self.do(self.stores.jobs.live_leases())
        assert len({lease.job for lease in live}) == len(live)
        for lease in live:
            assert lease.epoch == self.epochs[lease.job]

    @invariant()
    def limits_hold(self) -> None:
        running = [self.made[lease.job] for lease in self.do(self.stores.jobs.live_leases())]
        for key, most in LIMITS.items():
            assert running.count(key) <= most
        for first, last in zip(self.starts, self.starts[STARTS:], strict=False):
            assert last - first >= PER

    def teardown(self) -> None:
        """Left to one worker that loses nothing, every job comes to its end."""
        for _ in range(4 * len(self.made) + 4):
            self.now += timedelta(minutes=2)
            self.do(self.stores.queue.awaken())
            self.do(self.stores.jobs.rescue(max_lost=LOST))
            for job in self.do(self.stores.jobs.claim(REPLICAS[0], lease=LEASE, limit=9)):
                assert self.do(self.stores.jobs.settle(Lease(job.uid, job.epoch), DONE))
        for uid in self.made:
            assert self.job(uid).state.is_final


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(max_examples=40, stateful_step_count=60, deadline=None)
