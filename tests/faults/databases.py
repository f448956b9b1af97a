"""F03, F04, F05: the databases die, restart, or end the sessions of their clients."""

from __future__ import annotations

import threading
import time

from tests.faults.cluster import Cluster
from tests.faults.fault import Fault, Strike
from tests.faults.link import Rule
from tests.faults.oracle import Verdict, judge
from tests.faults.points import COMMIT, COPY


def metadata_killed(strike: Strike) -> Verdict:
    """The service's own database dies in mid-load; the server and its workers live on."""
    scene = strike.scene
    load = scene.load(strike.mode, files=True)
    worker = scene.hand()
    job = scene.submit(load)
    scene.await_running(job)
    _wait(strike)
    struck = time.monotonic()
    _end(scene.metadata, strike.number)
    verdict = judge(scene, load, job, struck)
    dead = [what for what in (worker, scene.live.server) if not what.alive]
    return verdict.noting(*(f"{each.command} has ended" for each in dead))


def target_killed(strike: Strike) -> Verdict:
    """The target dies in mid-COPY or in mid-publication, or at a random instant."""
    scene = strike.scene
    load = scene.load(strike.mode)
    scene.hand()
    died: list[float] = []

    def act() -> bool:
        died.append(time.monotonic())
        _end(scene.target, strike.number)
        return True

    statement = (COPY, COMMIT, None)[strike.number % 3]
    rule = Rule(statement, act, more=100_000 if statement is COPY else 0) if statement else None
    if rule is not None:
        scene.mart.rules.append(rule)
    job = scene.submit(load)
    if rule is None:
        scene.await_running(job)
        _wait(strike)
        act()
    elif not rule.met.wait(60):
        return Verdict(notes=(f"{load.name}: the statement never came",))
    scene.heal()
    scene.target.await_ready()
    # Rows that were staged are gone with the server: no run survives that, but the next one does.
    return judge(scene, load, job, died[0] if died else time.monotonic(), may_fail=True)


def terminated(strike: Strike) -> Verdict:
    """All sessions of both databases are ended five times a second while a load runs."""
    scene = strike.scene
    load = scene.load(strike.mode)
    scene.hand()
    struck = time.monotonic()
    job = scene.submit(load)
    cuts = 0
    for number in range(5):
        cluster = (scene.metadata, scene.target)[(strike.number + number) % 2]
        is_own = cluster is scene.metadata
        endpoint = cluster.endpoint
        cuts += cluster.terminate(endpoint.metadata if is_own else endpoint.warehouse)
        threading.Event().wait(0.2 * strike.draw.random())
    verdict = judge(scene, load, job, struck, may_fail=True)
    return verdict if cuts else verdict.noting("no session was ended")


def _end(cluster: Cluster, number: int) -> None:
    """Every fifth time the server is stopped in order, which ends its sessions too."""
    if number % 5 == 4:
        cluster.restart()
    else:
        cluster.kill()


def _wait(strike: Strike) -> None:
    threading.Event().wait(strike.draw.uniform(0, strike.scene.seconds))


FAULTS = (
    Fault("F03", "the service's PostgreSQL is killed or restarted", metadata_killed, 1, 100),
    Fault("F04", "the target's PostgreSQL is killed or restarted", target_killed, 2, 100),
    Fault("F05", "sessions of both databases are terminated", terminated, 1, 20),
)
