"""F02: a worker is killed before and after each named point of a load."""

from __future__ import annotations

import re
import signal
import time
from dataclasses import dataclass
from functools import partial

from tests.faults.fault import Fault, Strike
from tests.faults.link import Rule
from tests.faults.load import MODES
from tests.faults.oracle import Verdict, is_whole, judge
from tests.faults.scene import PATIENCE, Scene
from tests.live import Process

_RUN = "etlplus.executor.run:JobRun."
_TABLES = "etlplus.connectors.postgres."
_FILES = "etlplus.connectors.files:"
_STORE = "etlplus.store."
#: Statements, as they go to the target.
COMMIT = re.compile(rb"Q\x00\x00\x00\x0bCOMMIT\x00")
COPY = re.compile(rb"COPY \"?etlplus\"?\.\"?stage_")


@dataclass(frozen=True, slots=True)
class Point:
    """A named point of a load.

    Attributes:
        place: `MODULE:NAME` of the function that passes it, or the statement that does.
        more: bytes after the statement.
    """

    name: str
    place: str | re.Pattern[bytes]
    more: int = 0


POINTS = (
    Point("claim", f"{_STORE}jobs:PostgresJobs.claim"),
    Point("definition read", f"{_STORE}pipelines:PostgresPipelines.get_version"),
    Point("engine start", "etlplus.engine:RustEngine.start"),
    Point("staging create", re.compile(rb"CREATE (UNLOGGED )?TABLE \"?etlplus\"?\.\"?stage_")),
    Point("COPY start", COPY),
    Point("mid COPY", COPY, more=200_000),
    Point("COPY end", re.compile(rb"\xff\xffc\x00\x00\x00\x04")),
    Point("reject flush", f"{_RUN}_keep_rejects"),
    Point("books check", "etlplus.executor.publication:check_books"),
    Point("lease check", f"{_STORE}jobs:PostgresJobs.is_current"),
    Point("fence lock", f"{_TABLES}ledger:fence"),
    Point("ledger look-up", f"{_TABLES}ledger:get"),
    Point("count verify", f"{_TABLES}staging:verify"),
    Point("target change", f"{_TABLES}tables:apply"),
    Point("ledger insert", f"{_TABLES}ledger:add"),
    Point("undo kept", f"{_TABLES}undo:forget"),
    Point("staging drop", f"{_TABLES}staging:drop_tables"),
    Point("COMMIT", COMMIT),
    Point("file rename", f"{_FILES}_rename"),
    Point("directory fsync", f"{_FILES}sync_folder"),
    Point("file ledger", f"{_STORE}loads:PostgresLoads.record"),
    Point("journal flush", "etlplus.executor.journal:Journal.flush"),
    Point("metadata finish", f"{_STORE}jobs:PostgresJobs.settle"),
    Point("clear up", f"{_RUN}_clear_up"),
)
#: The points that a load does not pass today.
ABSENT = {
    "decompress boundary": "inside the compiled engine, and the sources here are not compressed",
    "transform batch": "inside the compiled engine; random instants of F01 fall there",
    "temp file write, file fsync": "inside the compiled engine; random instants of F01 fall there",
    "rollback half-way": "tests of its own: killed and cut rollbacks of tables and of files",
    "next-run insert": "F14 strikes there",
    "position write": "tests of its own in `tests/faults/test_incremental_killed.py`",
    "history move": "jobs stay in one table",
    "slot release": "it is the statement of the metadata finish, and F15 strikes there",
}


def struck(when: str, strike: Strike) -> Verdict:
    """Kills a worker at the point whose turn it is, and lets another one take over."""
    scene = strike.scene
    point = POINTS[strike.number * 7 % len(POINTS)]
    mode = MODES[strike.number // len(POINTS) % len(MODES)]
    load = scene.load(mode, files=True)
    scene.dismiss()
    doomed = _doomed(scene, point, when)
    job = scene.submit(load)
    code = doomed.popen.wait(PATIENCE)
    died = time.monotonic()
    scene.heal()
    if code != -signal.SIGKILL:
        return Verdict(notes=(f"{point.name}: the worker did not die there, but by {code}",))
    whole = is_whole(scene, load)
    scene.worker()
    verdict = judge(scene, load, job, died)
    if not whole:
        verdict = verdict.noting(f"{load.name}: half a load was visible")
    return verdict if verdict.is_clean else verdict.noting(f"{when} {point.name}, {mode.name}")


def _doomed(scene: Scene, point: Point, when: str) -> Process:
    """A worker that dies at a point."""
    if isinstance(point.place, str):
        return scene.worker(f"kill:{when}:{point.place}")
    worker = scene.worker()
    scene.mart.rules.append(_deadly(worker, point, when))
    return worker


def _deadly(worker: Process, point: Point, when: str) -> Rule:
    def act() -> bool:
        worker.popen.kill()
        worker.popen.wait()
        return True

    assert isinstance(point.place, re.Pattern)
    # Rows are not answered one by one: after them are twice as many.
    after = when == "after" and not point.more
    return Rule(point.place, act, after, point.more * (2 if when == "after" else 1))


#: Each point in each mode.
_EACH = len(POINTS) * len(MODES)
FAULTS = (
    Fault("F02", "a worker is killed before each named point", partial(struck, "before"), 2, _EACH),
    Fault("F02", "a worker is killed after each named point", partial(struck, "after"), 2, _EACH),
)
