"""F15: as many runs of one key at once as its limit allows, whatever happens to those that run."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from uuid import uuid4

from tests.faults.fault import Fault, Strike
from tests.faults.oracle import Verdict
from tests.faults.scene import LEASE_SECONDS, Scene
from tests.live import WORKSPACE, Process

_KEYS = ("eu", "us")
_MOST = 2
_RUNS_EACH = 6
_BLOWS = 3
_ROWS = 50_000
_LIMITED = """\
api: etlplus/v1
name: {name}
params: {{region: string}}
limits: {{concurrency: {{max: {most}, key: "${{params.region}}"}}}}
sources: {{rows: {{csv: {{uri: "{source}", columns: {{id: bigint}}}}}}}}
steps: [{{map: {{region: "${{params.region}}"}}}}]
sinks: {{table: {{postgres: {{connection: mart, table: {name}, mode: append}}}}}}
"""
_RUNNING = """
select concurrency_key, count(*) from etlplus_control.every_job
where pipeline = '{name}' and state = 'RUNNING' group by 1"""
_STATES = (
    "select state, count(*) from etlplus_control.every_job where pipeline = '{name}' group by 1"
)
_PLACES = """
select coalesce(sum(cardinality(lane.running)), 0) from etlplus_control.lane
where name in (select lane from etlplus_control.every_job where pipeline = '{name}')"""


def crowded(strike: Strike) -> Verdict:
    """Workers die or sleep past their leases while runs of two keys want more than their places.

    Each is looked at as often as this can be asked; all runs must have their turn in the end, and
    leave no place taken.
    """
    scene = strike.scene
    name = f"limited_{uuid4().hex[:12]}"
    most = 1 + strike.number % _MOST
    source = scene.live.root / f"limited_{_ROWS}.csv"
    if not source.exists():
        source.write_text("id\n" + "".join(f"{n}\n" for n in range(1, _ROWS + 1)))
    scene.live.apply(_LIMITED.format(name=name, source=source, most=most))
    scene.dismiss()
    workers = [scene.worker(worker_slots="4") for _ in range(2)]
    for number in range(_RUNS_EACH * len(_KEYS)):
        region = {"region": _KEYS[number % len(_KEYS)]}
        scene.live.submit(f"{WORKSPACE}/pipelines/{name}", region)
    struck = time.monotonic()
    samples = _Samples(scene, name, most)
    for blow in range(_BLOWS):
        scene.until(samples.are_busy, "a run takes a place")
        pause = time.monotonic() + strike.draw.uniform(0, scene.seconds)
        while time.monotonic() < pause:
            samples.take()
        victim = workers[(strike.number + blow) % len(workers)]
        replacement = _strike(scene, victim, samples, sleeps=blow % 2 == 1)
        workers[workers.index(victim)] = replacement
    scene.until(samples.have_ended, "all runs have had their turn")
    return _judge(scene, samples, struck)


def _strike(scene: Scene, victim: Process, samples: _Samples, *, sleeps: bool) -> Process:
    """Kills a worker, or lets it sleep until its lease is over; who works in its place then."""
    if not sleeps:
        victim.kill()
        scene.workers.remove(victim)
        return scene.worker(worker_slots="4")
    os.kill(victim.popen.pid, signal.SIGSTOP)
    try:
        over = time.monotonic() + 3 * LEASE_SECONDS
        scene.until(lambda: samples.take() and time.monotonic() > over, "the lease is over")
    finally:
        with suppress(ProcessLookupError):
            os.kill(victim.popen.pid, signal.SIGCONT)
    return victim


class _Samples:
    """What is seen of a pipeline's runs.

    Attributes:
        taken: how often it was looked at while something ran.
        full: how often a key had as many runs as it may.
        too_many: what was seen beyond the limit.
    """

    def __init__(self, scene: Scene, name: str, most: int) -> None:
        self.name = name
        self.taken = 0
        self.full = 0
        self.too_many: list[str] = []
        self._scene = scene
        self._most = most

    def take(self) -> bool:
        """Looks once. Always true, for conditions that go on."""
        running = self._scene.ask(_RUNNING.format(name=self.name))
        self.taken += bool(running)
        self.full += any(count == self._most for _, count in running)
        self.too_many += [
            f"{count} runs of {key!r} at once, {self._most} allowed"
            for key, count in running
            if count > self._most
        ]
        return True

    def are_busy(self) -> bool:
        """Whether something runs, or nothing will any more."""
        before = self.taken
        self.take()
        return self.taken > before or self.have_ended()

    def have_ended(self) -> bool:
        """Whether no run is waiting or running."""
        self.take()
        states = self._scene.ask(_STATES.format(name=self.name))
        return not {state for state, _ in states} & {"PENDING", "RUNNING"}


def _judge(scene: Scene, samples: _Samples, struck: float) -> Verdict:
    runs = _RUNS_EACH * len(_KEYS)
    notes = list(dict.fromkeys(samples.too_many))
    states = dict(scene.ask(_STATES.format(name=samples.name)))
    if states != {"SUCCEEDED": runs}:
        notes.append(f"{samples.name}: runs ended {states}")
    if not samples.full:
        notes.append(f"{samples.name}: no key was ever seen at its limit")
    if (places := scene.ask(_PLACES.format(name=samples.name))) != [(0,)]:
        notes.append(f"{samples.name}: places still taken: {places}")
    [(rows, pairs)] = scene.query(
        f"select count(*), count(distinct (id, region)) from {samples.name}"
    )
    lost, doubled = max(0, runs * _ROWS - rows), max(0, rows - runs * _ROWS)
    if pairs != len(_KEYS) * _ROWS:
        notes.append(f"{samples.name}: {pairs} different rows")
    scene.query(f"drop table {samples.name}")
    recovery = time.monotonic() - struck
    return Verdict(lost, doubled, int(bool(lost or doubled)), recovery=recovery, notes=tuple(notes))


FAULTS = (Fault("F15", "workers die under a limit of runs for each key", crowded, 1, 20),)
