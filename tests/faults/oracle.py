"""Decides what a fault did: rows lost or doubled, states that are not true, things left behind."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

import pyarrow.parquet as pq

from etlplus.v1 import job_pb2
from tests.faults.load import BAD_EVERY, Load
from tests.faults.scene import Scene

SUCCEEDED = job_pb2.Job.STATE_SUCCEEDED
#: What a table of the target's ledger holds, for a job.
LEDGER = "select loaded, rejected, read from etlplus.load where job = '{uid}' and sink = 'table'"
STAGED = (
    "select relname from pg_class join pg_namespace n on n.oid = relnamespace"
    " where nspname = 'etlplus' and relname like 'stage%' and relkind = 'r'"
)
LOCKS = (
    "select count(*) from pg_locks l join pg_stat_activity a using (pid)"
    " where a.state like 'idle in transaction%' or l.locktype = 'advisory'"
)
OPEN = "select count(*) from etlplus_control.every_job where state in ('PENDING', 'RUNNING')"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one strike.

    Attributes:
        lost, duplicated: rows, counted in the target and in files.
        false_success: states that the target contradicts.
        left: things left behind.
        failed: whether the job failed, said so and changed nothing, and a later run was right.
        recovery: seconds from the strike to the job's end.
        notes: what was found, in words.
    """

    lost: int = 0
    duplicated: int = 0
    false_success: int = 0
    left: int = 0
    failed: int = 0
    recovery: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.duplicated or self.false_success or self.left or self.notes)

    def noting(self, *notes: str) -> Verdict:
        """The same with more words."""
        return replace(self, notes=(*self.notes, *notes))


def is_whole(scene: Scene, load: Load) -> bool:
    """Whether readers of the target see all of a load or none of it."""
    [(count,)] = scene.query(f"select count(*) from {load.name}")
    return count in {load.mode.before, load.after}


def judge(
    scene: Scene, load: Load, job: job_pb2.Job, struck: float, *, may_fail: bool = False
) -> Verdict:
    """Waits for a job's end and compares all that can be seen with what must be there.

    Args:
        scene: healed.
        load: what was run.
        job: the run that was struck.
        struck: `time.monotonic()` at the strike.
        may_fail: whether the fault is one that no run can survive; then a later one must succeed.
    """
    ended = scene.live.wait(job)
    recovery = time.monotonic() - struck
    if ended.state == SUCCEEDED:
        return replace(_compare(scene, load, ended), recovery=recovery)
    verdict = replace(_untouched(scene, load, ended), recovery=recovery, failed=1)
    if not may_fail:
        return verdict.noting(f"{load.name} did not survive: {ended.error}")
    again = scene.live.wait(scene.submit(load))
    if again.state != SUCCEEDED:
        return verdict.noting(f"{load.name} failed again: {again.error}")
    found = _compare(scene, load, again)
    return replace(found, recovery=recovery, failed=1, notes=(*verdict.notes, *found.notes))


def _compare(scene: Scene, load: Load, ended: job_pb2.Job) -> Verdict:
    """What a run that says that it succeeded has left in the target."""
    [(lost, doubled, foreign, wrong)] = scene.query(load.comparison)
    notes = []
    if foreign or wrong:
        notes.append(f"{load.name}: {foreign} foreign and {wrong} wrong rows")
    if load.files is not None:
        files_lost, files_doubled = _files(load)
        lost, doubled = lost + files_lost, doubled + files_doubled
    if load.mode.has_versions and (found := scene.query(load.ended)) != [(load.mode.ended, 0)]:
        notes.append(f"{load.name}: versions that have ended, true and untrue: {found}")
    sinks = {sink.name: sink.books for sink in ended.sinks}
    books = sinks["table"]
    told = [(books.loaded, books.rejected, books.read)]
    ledger = scene.query(LEDGER.format(uid=ended.uid))
    expected = [(load.good, load.bad, load.rows)]
    if not told == ledger == expected:
        notes.append(f"{load.name}: the job says {told}, the ledger {ledger}, true is {expected}")
    rejected = sorted(reject.line - 1 for reject in scene.live.rejects(ended))
    if rejected != list(range(BAD_EVERY, load.rows + 1, BAD_EVERY)):
        notes.append(f"{load.name}: {len(rejected)} rejects, not {load.bad}")
    is_false = bool(lost or doubled or notes)
    return Verdict(lost, doubled, int(is_false), notes=tuple(notes))


def _files(load: Load) -> tuple[int, int]:
    found = [
        number
        for file in (load.files.glob("*.parquet") if load.files else ())
        for number in pq.read_table(file)["id"].to_pylist()
    ]
    expected = {number for number in range(1, load.rows + 1) if number % BAD_EVERY}
    return len(expected - set(found)), len(found) - len(set(found))


def _untouched(scene: Scene, load: Load, ended: job_pb2.Job) -> Verdict:
    """A run that says that it failed has changed nothing and wrote no ledger."""
    [(count,)] = scene.query(f"select count(*) from {load.name}")
    ledger = scene.query(LEDGER.format(uid=ended.uid)) if _has_ledger(scene) else []
    if count == load.mode.before and not ledger:
        return Verdict()
    note = f"{load.name} ended {ended.state} with {count} rows and the ledger {ledger}"
    return Verdict(false_success=1, notes=(note,))


def _has_ledger(scene: Scene) -> bool:
    return scene.query("select to_regclass('etlplus.load') is not null") == [(True,)]


def leftovers(scene: Scene) -> list[str]:
    """What is still there once a worker that starts now has tidied up."""
    scene.heal()
    scene.dismiss()
    worker = scene.worker()
    try:
        scene.until(lambda: not list(left(scene)), "tidying up")
    except AssertionError:
        return list(left(scene))
    finally:
        worker.stop()
    return []


def left(scene: Scene) -> Iterable[str]:
    """What is there that no ended job should leave."""
    yield from (f"staging table {name}" for (name,) in scene.query(STAGED))
    work = scene.live.data / "work"
    yield from (f"folder {path.name}" for path in (work.iterdir() if work.is_dir() else ()))
    yield from (f"{n} locks of the target" for (n,) in scene.query(LOCKS) if n)
    yield from (f"{n} locks of the service" for (n,) in scene.ask(LOCKS) if n)
    yield from (f"{n} jobs that have not ended" for (n,) in scene.ask(OPEN) if n)
