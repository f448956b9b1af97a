"""Random growth, late commits, failures, rollbacks and resets beside a slow model.

`ETLPLUS_TEST_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
import secrets
from collections import Counter
from dataclasses import dataclass, field

import pytest

from etlplus.v1 import job_pb2, pipeline_pb2
from tests.live import Service

SEED = int(os.environ.get("ETLPLUS_TEST_SEED") or secrets.randbits(32))
STEPS = 45
LOOKBACK = 3
SUCCEEDED = job_pb2.Job.STATE_SUCCEEDED
PIPELINE = """\
api: etlplus/v1
name: {name}
params: {{fail: {{type: int, default: 0}}}}
sources:
  orders: {{postgres: {{connection: local, table: {name}_orders, incremental: {cursor}}}}}
steps:
  - map: {{bad: "case when ${{params.fail}} = 1 then cast('x' as bigint) end"}}
    on_error: fail
sinks:
  one: {{postgres: {{connection: local, table: {name}_one{mode}}}}}
  two: {{postgres: {{connection: local, table: {name}_two{mode}}}}}
"""
Row = tuple[int, int]


@dataclass
class Part:
    """Rows from `lower` to `upper`. `begun`: the first sink has them already."""

    lower: int | None
    upper: int
    before: int | None
    begun: bool = False

    def holds(self, at: int, *, keyed: bool) -> bool:
        return (self.lower is None or at >= self.lower) and (
            at <= self.upper if keyed else at < self.upper
        )


@dataclass
class Model:
    """What the source holds, how far it was read, and what each sink must hold."""

    keyed: bool
    source: dict[int, int] = field(default_factory=dict)
    position: int | None = None
    sinks: dict[str, Counter[Row]] = field(
        default_factory=lambda: {"one": Counter(), "two": Counter()}
    )
    open: Part | None = None
    #: Of each job that can be rolled back: its name, its part, what the sinks held before it.
    loads: list[tuple[str, Part, dict[str, Counter[Row]]]] = field(default_factory=list)

    def part(self) -> Part | None:
        """What the next job reads; None when there is nothing new."""
        if self.open is not None and self.open.begun:
            return self.open
        lower = self.position
        if lower is not None and self.keyed:
            lower -= LOOKBACK
        found = [at for at in self.source.values() if lower is None or at >= lower]
        if not found:
            return None
        upper = max(found)
        return Part(lower, upper, self.position)

    def load(self, part: Part | None, sink: str) -> None:
        held = self.sinks[sink]
        for key, at in self.source.items():
            if part is None or not part.holds(at, keyed=self.keyed):
                continue
            if self.keyed:
                for old in [row for row in held if row[0] == key]:
                    del held[old]
            held[key, at] += 1

    def kept(self) -> dict[str, Counter[Row]]:
        return {sink: held.copy() for sink, held in self.sinks.items()}


class Play:
    """The service beside the model."""

    def __init__(self, live: Service, draw: random.Random, *, keyed: bool) -> None:
        self.live = live
        self.draw = draw
        self.name = "model_keyed" if keyed else "model_added"
        self.model = Model(keyed)
        cursor = f"{{cursor: at, lookback: '{LOOKBACK}'}}" if keyed else "at"
        mode = ", mode: merge, keys: [id]" if keyed else ""
        self.pipeline = live.apply(PIPELINE.format(name=self.name, cursor=cursor, mode=mode)).name
        self.live.query(f"create table {self.name}_orders (id bigint primary key, at bigint)")
        key = " primary key" if keyed else ""
        for sink in ("one", "two"):
            self.live.query(
                f"create table {self.name}_{sink} (id bigint{key}, at bigint, bad bigint)"
            )
        self.clock = 1

    def insert(self) -> None:
        self.clock += self.draw.randint(0, 2)
        self._put(len(self.model.source) + 1, self.clock)

    def late(self) -> None:
        """A row whose value is less than the newest, but nowhere that was read for good."""
        least = self.model.position or 1
        if self.model.open is not None:
            least = max(least, self.model.open.upper)
        if self.model.keyed:
            least = max(1, least - LOOKBACK)
        if least <= self.clock:
            self._put(len(self.model.source) + 1, self.draw.randint(least, self.clock))

    def update(self) -> None:
        if self.model.source:
            self.clock += 1
            self._put(self.draw.choice(list(self.model.source)), self.clock)

    def _put(self, key: int, at: int) -> None:
        self.live.query(
            f"insert into {self.name}_orders values ({key}, {at}) "
            "on conflict (id) do update set at = excluded.at"
        )
        self.model.source[key] = at

    def _run(self, **params: str) -> job_pb2.Job:
        return self.live.wait(self.live.submit(self.pipeline, params))

    def run(self) -> None:
        model = self.model
        before, part = model.kept(), model.part()
        job = self._run()
        assert job.state == SUCCEEDED, job.error
        for sink in ("one", "two"):
            if not (part is not None and part.begun and sink == "one"):
                model.load(part, sink)
        if part is not None and not part.begun:
            model.loads.append((job.name, part, before))
        else:
            model.loads.clear()  # a load that stands on the others, if only as an entry
        if part is not None:
            model.position = max(part.upper, model.position or part.upper)
        model.open = None
        self.check()

    def fail_early(self) -> None:
        part = self.model.part()
        rows = part is not None and any(
            part.holds(at, keyed=self.model.keyed) for at in self.model.source.values()
        )
        job = self._run(fail="1")
        if rows:
            assert job.state == job_pb2.Job.STATE_FAILED
        else:
            assert job.state == SUCCEEDED, job.error
            self.model.loads.clear()
            self.model.open = None
            if part is not None:
                self.model.position = max(part.upper, self.model.position or part.upper)
        self.check()

    def fail_between(self) -> None:
        """The first sink has the load, the second one refuses it."""
        model = self.model
        if model.open is not None:
            return
        part = model.part()
        reads = part is not None and any(
            part.holds(at, keyed=model.keyed) for at in model.source.values()
        )
        if part is None or not reads:
            return
        table = f"{self.name}_two"
        self.live.query(f"alter table {table} add constraint never check (id is null) not valid")
        job = self._run()
        self.live.query(f"alter table {table} drop constraint never")
        assert job.state == job_pb2.Job.STATE_FAILED
        model.load(part, "one")
        part.begun = True
        model.open = part
        self.check()

    def roll_back(self) -> None:
        if not self.model.loads or self.model.open is not None:
            return
        name, part, before = self.model.loads.pop()
        self.model.loads.clear()  # one generation is kept of a merge
        request = job_pb2.RollbackJobRequest(name=name)
        self.live.jobs.RollbackJob(request, metadata=self.live.metadata, timeout=60)
        self.model.sinks, self.model.position = before, part.before
        self.check()

    def reset(self) -> None:
        value = self.draw.choice([None, self.draw.randint(1, self.clock)])
        request = pipeline_pb2.ResetPipelineStateRequest(name=self.pipeline)
        if value is not None:
            if self.model.position is None:
                return
            request.source, request.value = "orders", str(value)
        self.live.pipelines.ResetPipelineState(request, metadata=self.live.metadata, timeout=60)
        self.model.position, self.model.open = value, None
        self.model.loads.clear()

    def check(self) -> None:
        for sink, held in self.model.sinks.items():
            found = self.live.query(f"select id, at from {self.name}_{sink}")
            assert Counter(found) == held, f"seed {SEED}: {sink}"


@pytest.mark.parametrize("keyed", [False, True])
def test_the_sinks_hold_what_the_model_says(live: Service, *, keyed: bool) -> None:
    print(f"seed {SEED}")
    draw = random.Random(SEED)
    play = Play(live, draw, keyed=keyed)
    acts = [
        *([play.insert] * 5),
        *([play.late] * 2),
        *([play.update] * 2),
        *([play.run] * 4),
        *([play.fail_early] * 1),
        *([play.fail_between] * 2),
        *([play.roll_back] * 2),
        *([play.reset] * 1),
    ]
    play.insert()
    play.insert()
    play.run()
    for _ in range(STEPS):
        draw.choice(acts)()
    play.run()
    play.check()
