"""F07 to F10: links that hold, break, crawl, or come back when it is too late."""

from __future__ import annotations

import threading
import time

from tests.faults.fault import Fault, Strike
from tests.faults.link import Rule
from tests.faults.oracle import Verdict, judge
from tests.faults.points import COMMIT, COPY
from tests.faults.scene import LEASE_SECONDS
from tests.live import FINAL

_EPOCH = "select epoch from etlplus_control.every_job where uid = '{uid}'"


def held(strike: Strike) -> Verdict:
    """A link passes nothing for a while, and no side is told; then all of it goes on."""
    scene = strike.scene
    load = scene.load(strike.mode, files=True)
    scene.hand()
    link = (scene.control, scene.mart)[strike.number % 2]
    job = scene.submit(load)
    scene.await_running(job)
    threading.Event().wait(strike.draw.uniform(0, scene.seconds))
    struck = time.monotonic()
    link.hold()
    threading.Event().wait(strike.draw.uniform(0.5, 3) * LEASE_SECONDS)
    link.heal()
    return judge(scene, load, job, struck)


def broken(strike: Strike) -> Verdict:
    """Links end without a word, after some bytes of rows, or pass one byte at a time."""
    scene = strike.scene
    load = scene.load(strike.mode, rows=2000)
    scene.hand()
    variant = strike.number % 3
    rule = Rule(COPY, lambda: True, more=strike.draw.randrange(1, 60_000))
    if variant == 0:
        scene.mart.rules.append(rule)
    if variant == 1:
        scene.mart.piece = 1
    job = scene.submit(load)
    struck = time.monotonic()
    if variant == 2:
        for _ in range(3):
            threading.Event().wait(strike.draw.uniform(0, scene.seconds / 2))
            scene.mart.cut()
            scene.control.cut()
    # A COPY that breaks takes its rows along; the run says so, and the next one is right.
    verdict = judge(scene, load, job, struck, may_fail=variant != 1)
    scene.heal()
    if variant == 0 and not rule.met.is_set():
        return verdict.noting(f"{load.name}: no byte limit was met")
    return verdict


def crawled(strike: Strike) -> Verdict:
    """The target is reached at 64 kbit/s: no lease is lost while rows go on."""
    scene = strike.scene
    load = scene.load(strike.mode, rows=500)
    scene.hand()
    scene.mart.piece, scene.mart.delay = 800, 0.1
    struck = time.monotonic()
    job = scene.submit(load)
    verdict = judge(scene, load, job, struck)
    scene.heal()
    attempt = scene.live.get(job).attempt
    return verdict if attempt == 1 else verdict.noting(f"{load.name} took {attempt} attempts")


def zombie(strike: Strike) -> Verdict:
    """A worker is cut off at its COMMIT until another one has published, then it commits."""
    scene = strike.scene
    load = scene.load(strike.mode)
    scene.dismiss()
    scene.worker()
    reached, go_on = threading.Event(), threading.Event()

    def wait() -> bool:
        scene.control.hold()
        reached.set()
        go_on.wait(60)
        return False

    scene.mart.rules.append(Rule(COMMIT, wait))
    job = scene.submit(load)
    if not reached.wait(60):
        return Verdict(notes=(f"{load.name}: no COMMIT came",))
    struck = time.monotonic()
    before = scene.ask(_EPOCH.format(uid=job.uid))
    scene.until(lambda: _is_expired(strike, job.uid), "the lease runs out")
    scene.control.heal()
    scene.worker()
    scene.until(
        lambda: (
            scene.ask(_EPOCH.format(uid=job.uid)) != before or scene.live.get(job).state in FINAL
        ),
        "another worker takes over",
    )
    go_on.set()
    return judge(scene, load, job, struck)


def _is_expired(strike: Strike, uid: str) -> bool:
    return strike.scene.ask(
        f"select lease_until < clock_timestamp() from etlplus_control.every_job where uid = '{uid}'"
    ) in ([(True,)], [(None,)])


FAULTS = (
    Fault("F07", "a link holds everything for up to three leases", held, 1, 20),
    Fault("F08", "a link breaks, or passes single bytes", broken, 3, 20),
    Fault("F09", "the target is reached at 64 kbit/s", crawled, 0, 20),
    Fault("F10", "a worker that was cut off at its COMMIT commits late", zombie, 1, 20),
)
