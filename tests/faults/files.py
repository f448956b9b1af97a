"""F22, F32: calls of the file system that fail, and sources that change while they are read."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace

from tests.faults.doomed import MET
from tests.faults.fault import Fault, Strike
from tests.faults.link import Rule
from tests.faults.load import ROWS, write_source
from tests.faults.oracle import Verdict, judge
from tests.faults.points import COPY
from tests.live import FINAL

#: The functions that make files visible, with the n-th call that fails.
CALLS = (
    ("pathlib:Path.replace", 1),
    ("os:fsync", 1),
    ("etlplus.connectors.files:sync_folder", 1),
    ("etlplus.connectors.files:stamp", 1),
    ("shutil:move", 1),
)


def call_failed(strike: Strike) -> Verdict:
    """The n-th call that makes a file visible fails with EIO."""
    scene = strike.scene
    place, number = CALLS[strike.number % len(CALLS)]
    load = scene.load(strike.mode, files=True)
    scene.dismiss()
    log = scene.live.data / "worker.log"
    before = log.read_text().count(MET) if log.exists() else 0
    scene.worker(f"fail:{number}:{place}")
    job = scene.submit(load)
    struck = time.monotonic()
    scene.until(lambda: scene.live.get(job).state in FINAL, "the job ends")
    recovery = time.monotonic() - struck
    scene.dismiss()
    scene.hand()
    verdict = replace(judge(scene, load, job, struck, may_fail=True), recovery=recovery)
    if log.read_text().count(MET) == before:
        return verdict.noting(f"{load.name}: no call of {place} failed")
    return verdict


def source_changed(strike: Strike) -> Verdict:
    """The source is cut, replaced or added to while it is read; the run must notice."""
    scene = strike.scene
    load = scene.load(strike.mode, rows=10 * ROWS)
    own = load.source.with_name(f"{load.name}.csv")
    own.write_bytes(load.source.read_bytes())
    load = replace(load, source=own)
    scene.live.apply(load.text)
    scene.hand()
    reached, go_on = threading.Event(), threading.Event()

    def wait() -> bool:
        reached.set()
        go_on.wait(60)
        return False

    # The target takes no rows for now, so that most of the source is still to be read.
    scene.mart.rules.append(Rule(COPY, wait))
    job = scene.submit(load)
    if not reached.wait(60):
        return Verdict(notes=(f"{load.name}: no COPY came",))
    struck = time.monotonic()
    change = strike.number % 3
    if change == 0:
        os.truncate(own, own.stat().st_size * 3 // 4)
    elif change == 1:
        fresh = own.with_suffix(".new")
        write_source(fresh, ROWS)
        fresh.replace(own)
    else:
        with own.open("a") as file:
            file.write(f"{load.rows + 1},1.00,late,late\n")
    go_on.set()
    ended = scene.live.wait(job)
    scene.heal()
    own.write_bytes(load.source.with_name(f"numbers_{load.rows}.csv").read_bytes())
    verdict = judge(scene, load, job, struck, may_fail=True)
    own.unlink()
    if ended.error.code not in {"SOURCE_UNREADABLE", "SOURCE_CORRUPT"}:
        return verdict.noting(f"{load.name}: change {change} was not noticed: {ended.error}")
    return verdict


FAULTS = (
    Fault("F22", "the first call that makes files visible fails", call_failed, 2, 20),
    Fault("F32", "a source changes while it is read", source_changed, 1, 20),
)
