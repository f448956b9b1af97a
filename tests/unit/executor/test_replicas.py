"""Several workers, one store, one target: whatever dies, stalls or is late, each load counts once.

Every place where a job waits for a thread is a gate that the machine opens, so that each
interleaving is a sequence of rules that Hypothesis can shrink. Time stands still between rules.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ParamSpec, TypeVar
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from etlplus.domain.errors import Unavailable
from etlplus.domain.job import Beat, Job, JobState, Lease
from etlplus.executor.heart import Heart
from etlplus.executor.parts import Parts
from etlplus.executor.run import JobRun
from etlplus.executor.stopping import Reason
from etlplus.executor.threads import Threads
from etlplus.store.memory.stores import MemoryStores
from tests.unit.executor.twins import Target, make_parts, submit

Given = ParamSpec("Given")
Result = TypeVar("Result")

LEASE = timedelta(seconds=30)
REPLICAS = 2
picks = st.integers(min_value=0, max_value=99)


class Gates(Threads):
    """Calls that wait before they are made and before they are answered."""

    def __init__(self) -> None:
        super().__init__(1, "never-used")
        self.waiting: list[asyncio.Event] = []

    async def call(
        self, function: Callable[Given, Result], /, *args: Given.args, **kwargs: Given.kwargs
    ) -> Result:
        await self._gate()
        try:
            return function(*args, **kwargs)
        finally:
            await self._gate()

    async def _gate(self) -> None:
        gate = asyncio.Event()
        self.waiting.append(gate)
        await gate.wait()


class UnsteadyJobs:
    """The part of a job store that a heart needs, reachable or not."""

    def __init__(self, stores: MemoryStores) -> None:
        self._stores = stores
        self.away = False

    async def heartbeat(self, leases: Sequence[Lease], *, lease: timedelta) -> Mapping[UUID, Beat]:
        if self.away:
            raise Unavailable("the store is away")
        return await self._stores.jobs.heartbeat(leases, lease=lease)


@dataclass
class Replica:
    """A worker without its loops: the machine is its clockwork."""

    jobs: UnsteadyJobs
    heart: Heart
    id: UUID = field(default_factory=uuid4)
    runs: list[tuple[JobRun, Gates, asyncio.Task[None]]] = field(default_factory=list)


class Replicas(RuleBasedStateMachine):
    """Rules are what can happen to a service; invariants are what it promises."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.seconds = 0.0
        self.stores = MemoryStores(self.now)
        self.target = Target()
        self.parts: Parts = make_parts(Path(self.folder.name), self.stores, self.target)
        self.replicas = [self.new_replica() for _ in range(REPLICAS)]
        self.abandoned: list[asyncio.Task[None]] = []
        self.submitted: list[Job] = []

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def new_replica(self) -> Replica:
        jobs = UnsteadyJobs(self.stores)
        return Replica(jobs, Heart(jobs, LEASE, lambda: self.seconds))

    def do(self, work: Coroutine[object, object, Result]) -> Result:
        """Runs it, and lets everything that can go on go on."""

        async def run() -> Result:
            result = await work
            for _ in range(20):
                await asyncio.sleep(0)
            return result

        return self.loop.run_until_complete(run())

    def teardown(self) -> None:
        try:
            self.finish()
        finally:
            runs = [task for replica in self.replicas for _, _, task in replica.runs]
            self.loop.run_until_complete(end([*runs, *self.abandoned]))
            self.loop.close()
            self.folder.cleanup()

    # What can happen.

    @precondition(lambda self: len(self.submitted) < 2)
    @rule()
    def submit(self) -> None:
        self.submitted.append(self.do(submit(self.stores)))

    @precondition(lambda self: self.submitted)
    @rule(pick=picks)
    def claim(self, pick: int) -> None:
        self.claim_by(self.replicas[pick % REPLICAS])

    @precondition(lambda self: any(replica.runs for replica in self.replicas))
    @rule(pick=picks, which=picks, gates=st.integers(min_value=1, max_value=8))
    def step(self, pick: int, which: int, gates: int) -> None:
        replica = self.busy(pick)
        for _ in range(gates):
            if replica.runs:
                self.open_gate(replica, which)

    @rule(pick=picks)
    def beat(self, pick: int) -> None:
        self.do(self.replicas[pick % REPLICAS].heart.beat())

    @rule(pick=picks)
    def beat_without_an_answer(self, pick: int) -> None:
        replica = self.replicas[pick % REPLICAS]
        replica.jobs.away = True
        self.do(replica.heart.beat())
        replica.jobs.away = False

    @rule(seconds=st.sampled_from([1, 10, 21, 31]))
    def time_passes(self, seconds: int) -> None:
        self.seconds += seconds

    @precondition(lambda self: self.submitted)
    @rule(seconds=st.sampled_from([0, 31]))
    def rescue(self, seconds: int) -> None:
        self.seconds += seconds
        self.do(self.stores.jobs.rescue())

    @precondition(lambda self: any(replica.runs for replica in self.replicas))
    @rule(pick=picks)
    def kill(self, pick: int) -> None:
        replica = self.replicas[pick % REPLICAS]
        self.abandoned += [task for _, _, task in replica.runs]
        self.replicas[pick % REPLICAS] = self.new_replica()

    @precondition(lambda self: any(replica.runs for replica in self.replicas))
    @rule(pick=picks)
    def drain(self, pick: int) -> None:
        for run, _, _ in self.replicas[pick % REPLICAS].runs:
            run.switch.throw(Reason.DRAIN)

    @precondition(lambda self: self.submitted)
    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        job = self.submitted[pick % len(self.submitted)]
        self.do(self.stores.jobs.request_cancel("default", job.uid))

    # What must hold.

    @invariant()
    def no_sink_is_published_twice(self) -> None:
        counts = Counter((load, sink) for load, sink, _ in self.target.applied)
        assert all(count == 1 for count in counts.values()), counts

    @invariant()
    def no_epoch_publishes_after_a_later_one(self) -> None:
        for load in {load for load, _, _ in self.target.applied}:
            epochs = [epoch for each, _, epoch in self.target.applied if each == load]
            assert epochs == sorted(epochs)
            assert epochs[-1] <= self.target.fences[load]

    @invariant()
    def every_job_is_final_claimable_or_leased(self) -> None:
        leases = {lease.job: lease for lease in self.do(self.stores.jobs.live_leases())}
        for job in map(self.job, self.submitted):
            held = leases.get(job.uid)
            if job.state is JobState.RUNNING:
                assert held == Lease(job.uid, job.epoch)
            else:
                assert held is None

    @invariant()
    def a_success_is_a_published_load(self) -> None:
        for job in map(self.job, self.submitted):
            if job.state is JobState.SUCCEEDED:
                assert [sink.name for sink in job.sinks] == ["one", "two"]
                for sink in job.sinks:
                    assert self.target.ledger[job.uid.hex, sink.name].books == sink.books

    # How the machine does it.

    def busy(self, pick: int) -> Replica:
        """One that runs something."""
        running = [replica for replica in self.replicas if replica.runs]
        return running[pick % len(running)]

    def job(self, job: Job) -> Job:
        return self.do(self.stores.jobs.get("default", job.uid))

    def claim_by(self, replica: Replica) -> None:
        claimed = self.do(self.stores.jobs.claim(replica.id, lease=LEASE))
        for job in claimed:
            gates = Gates()
            run = JobRun(self.parts, gates, job)
            replica.heart.add(run.lease, run.switch, self.seconds)
            task = self.loop.create_task(run.execute())
            replica.runs.append((run, gates, task))
            self.do(asyncio.sleep(0))

    def open_gate(self, replica: Replica, which: int) -> None:
        run, gates, task = replica.runs[which % len(replica.runs)]
        if gates.waiting:
            gates.waiting.pop(0).set()
            self.do(asyncio.sleep(0))
        if task.done():
            task.result()
            replica.heart.remove(run.lease)
            replica.runs.remove((run, gates, task))

    def finish(self) -> None:
        """With the others dead, one healthy worker brings every job to its end."""
        for pick in range(REPLICAS):
            self.kill(pick)
        worker = self.replicas[0]
        for _ in range(10):
            self.seconds += LEASE.total_seconds() + 1
            self.do(self.stores.jobs.rescue())
            for _ in self.submitted:
                self.claim_by(worker)
            while worker.runs:
                self.open_gate(worker, 0)
        assert all(self.job(job).state.is_final for job in self.submitted)
        self.no_sink_is_published_twice()
        self.a_success_is_a_published_load()
        assert self.target.staged.keys() <= self.staged_by_the_dead()

    def staged_by_the_dead(self) -> set[tuple[str, int, str]]:
        """What the sweeps have to find: the staging of claims that were killed or fenced off."""
        last = {job.uid.hex: self.job(job).epoch for job in self.submitted}
        return {key for key in self.target.staged if key[1] < last[key[0]] or self.killed(key[0])}

    def killed(self, load: str) -> bool:
        (job,) = [job for job in map(self.job, self.submitted) if job.uid.hex == load]
        return job.lost_leases > 0


async def end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


TestReplicas = Replicas.TestCase
TestReplicas.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
