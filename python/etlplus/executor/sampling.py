"""Runs a plan over the first records of its files, to say what to expect of all of them.

Each source is read by itself first, so that it is known whether its end was reached. Then the steps
to which the sample carries run over these records; what they write is counted and thrown away.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from etlplus.app.ports import EngineRun
from etlplus.domain.errors import Cancelled, EtlError
from etlplus.domain.expectation import (
    Expectation,
    Node,
    Sampled,
    expected_rejects,
    expected_rows,
    reach,
)
from etlplus.domain.run import NodeCounters, Progress, RejectCount, RejectRow, RejectSummary
from etlplus.executor.parts import Parts
from etlplus.executor.preparation import Claim, Prepared, make_folder

#: Seconds that all of a sample may take. What is not there by then stays unknown.
SECONDS: Final = 10.0
#: Rejects of a sample that are looked through for examples.
_MOST_REJECTS: Final = 100_000
Key = tuple[str, str, str]


@dataclass(slots=True)
class _Taken:
    """What the runs of a sample found."""

    sources: dict[str, Sampled] = field(default_factory=dict)
    counters: dict[str, NodeCounters] = field(default_factory=dict)
    counts: list[RejectCount] = field(default_factory=list)
    examples: dict[Key, RejectRow] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


class Sampling:
    """Takes one sample of one plan. Blocks, for `SECONDS` at the most and what stopping takes."""

    def __init__(self, parts: Parts, prepared: Prepared, claim: Claim, folder: Path) -> None:
        """Works in a folder of its own, which the caller removes."""
        self._parts = parts
        self._language = parts.language
        self._plan = prepared.plan
        self._claim = claim
        self._folder = folder
        self._ends = time.monotonic() + SECONDS
        self._taken = _Taken()

    def expect(self, rows: int) -> Expectation:
        """What to expect of a run, from the first `rows` records of each file source."""
        nodes = self._language.nodes(self._plan)
        taken = self._taken
        for node in nodes:
            if node.role == "source" and not node.unread:
                taken.sources[node.name] = self._source(node, rows)
        reached = reach(nodes, taken.sources)
        known = [node for node in nodes if not reached[node.name].unknown]
        if any(node.role != "source" for node in known):
            self._steps(known, rows)
        return Expectation(
            sample=rows,
            nodes=expected_rows(nodes, reached, taken.sources, taken.counters),
            rejects=expected_rejects(taken.counts, reached, taken.sources, taken.examples),
            faults=tuple(taken.faults),
        )

    def _source(self, node: Node, rows: int) -> Sampled:
        """Reads the first records of a source."""
        with self._place(measures=True) as (folder, runtime):
            plan = self._language.sampled_source(self._plan, node.name, rows, str(folder))
            progress, whole = self._run(plan, runtime, {node.name}, node.name)
        counters = {each.name: each for each in progress.nodes}
        read = counters.get(self._language.read_as(node.name))
        passed = counters.get(node.name)
        if read is None or passed is None or (not whole and not read.rows_in):
            return Sampled(unread="its first records could not be read in time")
        found = Sampled(read.rows_in, read.rows_out, passed.rows_out)
        if whole and passed.rows_out < rows:
            return Sampled(*(found.read, found.good, found.passed), whole=True)
        total = self._total(node.name, read, progress)
        return Sampled(found.read, found.good, found.passed, total=total)

    def _total(self, source: str, read: NodeCounters, progress: Progress) -> float | None:
        """About how many records a source has: what its files say, or by their size."""
        with self._place() as (folder, runtime):
            plan = self._language.sampled_total(self._plan, source, str(folder))
            if plan:
                counted, whole = self._run(plan, runtime, set(), source)
                found = [each.rows_in for each in counted.nodes if each.name == source]
                return float(found[0]) if whole and found else None
        if not read.bytes or not progress.bytes_total:
            return None
        return max(read.rows_in * progress.bytes_total / read.bytes, read.rows_in)

    def _steps(self, known: Sequence[Node], rows: int) -> None:
        """Runs the steps over the first records of their sources."""
        names = {node.name for node in known}
        with self._place() as (folder, runtime):
            plan = self._language.sampled(self._plan, names, rows, str(folder))
            steps = {node.name for node in known if node.role == "step"}
            progress, whole = self._run(plan, runtime, steps, "the steps")
        if whole:
            self._taken.counters = {each.name: each for each in progress.nodes}

    @contextmanager
    def _place(self, *, measures: bool = False) -> Iterator[tuple[Path, bytes]]:
        """A folder for what a run writes, and the runtime that lets it; removed at the end."""
        folder = self._folder.resolve() / "sample"
        out = folder / "out"
        make_folder(out)
        runtime = self._parts.preparation.sample_runtime(
            self._claim, folder, out, measures=measures
        )
        try:
            yield out, runtime
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _run(self, plan: bytes, runtime: bytes, of: set[str], what: str) -> tuple[Progress, bool]:
        """Runs a plan and keeps the rejects of some nodes.

        Returns:
            Its counters, and whether it came to its end.
        """
        left = self._ends - time.monotonic()
        if left <= 0:
            self._taken.faults.append(f"{what}: no time was left")
            return Progress(), False
        try:
            run = self._parts.engine.start(plan, runtime)
        except EtlError as error:
            self._taken.faults.append(self._plain(error))
            return Progress(), False
        with _ending(run, left):
            try:
                outcome = run.wait()
            except Cancelled:
                self._taken.faults.append(f"{what}: stopped after {SECONDS:.0f} seconds in all")
            except EtlError as error:
                self._taken.faults.append(f"The sample failed: {self._plain(error)}")
            else:
                self._keep(outcome.rejects, of)
                return outcome.progress, True
        progress = run.progress()
        if what in of:
            self._keep(run.rejects(), of)
        return progress, False

    def _plain(self, error: EtlError) -> str:
        return str(error).partition("\n")[0].replace(self._language.read_as(""), "")

    def _keep(self, rejects: RejectSummary, of: set[str]) -> None:
        read_as = {self._language.read_as(name): name for name in of}
        own = {**{name: name for name in of}, **read_as}
        for count in rejects.counts:
            if count.step in own:
                kept = RejectCount(own[count.step], count.column, count.code, count.rows)
                self._taken.counts.append(kept)
        if rejects.path:
            wanted = sum(1 for count in rejects.counts if count.step in own)
            self._exemplify(rejects.path, own, wanted)

    def _exemplify(self, path: str, own: Mapping[str, str], wanted: int) -> None:
        """Keeps the first reject of each reason."""
        found: dict[Key, RejectRow] = {}
        looked_at = 0
        for batch in self._parts.engine.read_rejects(path):
            for row in batch:
                if row.step in own:
                    found.setdefault((own[row.step], row.column, row.code), row)
            looked_at += len(batch)
            if len(found) >= wanted or looked_at >= _MOST_REJECTS:
                break
        self._taken.examples.update(found)


@contextmanager
def _ending(run: EngineRun, seconds: float) -> Iterator[None]:
    """Cancels a run that takes longer."""
    timer = threading.Timer(seconds, run.cancel)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
