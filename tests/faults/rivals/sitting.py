"""The strikes F01, F03 and F06 against rivals, beside the same target and by the same means."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from tests.faults.cluster import Cluster
from tests.faults.link import Rule, linked
from tests.faults.load import BAD_EVERY, ROWS, write_source
from tests.faults.oracle import Verdict
from tests.faults.points import COMMIT
from tests.faults.record import Found, Record
from tests.faults.rivals.contenders import PYTHON, Contender, Dlt, Place, Procrastinate

#: Does something to a running load. The instant of it, or None when the load was done before.
Blow = Callable[[Contender, random.Random, int], float | None]
_COUNT = 20
_COMPARE = """
with expected as (select n as id from generate_series(1, {rows}) n where n % {bad} <> 0)
select count(*) filter (where t.id is null), count(t.id) - count(distinct t.id)
from expected e full join {table} t on t.id = e.id"""


def kill(rival: Contender, draw: random.Random, number: int) -> float | None:
    """Its process dies at a random instant."""
    del number
    rival.go_on(draw.uniform(0, rival.seconds))
    if rival.is_done():
        return None
    rival.kill()
    return time.monotonic()


def end_server(rival: Contender, draw: random.Random, number: int) -> float | None:
    """The server with its queue and its target dies."""
    del number
    rival.go_on(draw.uniform(0, rival.seconds))
    if rival.is_done():
        return None
    struck = time.monotonic()
    rival.place.cluster.kill()
    return struck


def cut(rival: Contender, draw: random.Random, number: int) -> float | None:
    """One of the first commits is cut on one side."""
    link = rival.place.link
    rule = Rule(COMMIT, lambda: True, after=bool(number % 2))
    before = range(draw.randrange(rival.commits))
    link.rules.extend([*(Rule(COMMIT, lambda: False) for _ in before), rule])
    while not rule.met.wait(0.05):
        if rival.is_done():
            return None
    return time.monotonic()


BLOWS: Mapping[str, Blow] = {
    "F01 a worker is killed at a random instant": kill,
    "F03 the service's PostgreSQL is killed or restarted": end_server,
    "F06 a COMMIT of the target is cut by a proxy": cut,
}


def sit(record: Record, seed: int, folder: Path, end: float) -> None:
    """Strikes every rival as often as `ETLPLUS_FAULTS_RIVALS` says (20), or until the end."""
    if not PYTHON.exists():
        print(f"no rivals are installed in {PYTHON.parent.parent}; `make faults` does it")
        return
    count = int(os.environ.get("ETLPLUS_FAULTS_RIVALS") or _COUNT)
    with ExitStack() as stack:
        cluster = Cluster(folder / "rivals")
        stack.callback(cluster.stop)
        link = stack.enter_context(linked(cluster.endpoint.host, cluster.endpoint.port))
        source = folder / "rivals.csv"
        write_source(source, ROWS)
        rivals = [kind(Place(cluster, link, source, folder)) for kind in (Dlt, Procrastinate)]
        for rival in rivals:
            stack.callback(rival.kill)
            rival.prepare()
            # The second load finds a worker that has started already.
            measure(rival)
            measure(rival)
        for number in range(count):
            for fault, blow in BLOWS.items():
                for rival in rivals:
                    if time.monotonic() > end:
                        return
                    if len(record.of(fault, rival.name)) > number:
                        continue
                    draw = random.Random(f"{seed} {fault} {number}")
                    verdict = strike(rival, blow, draw, number)
                    record.add(Found(fault, rival.name, number, seed, verdict))
                    print(f"{rival.name} {fault}: {verdict}", flush=True)


def measure(rival: Contender) -> None:
    """How long an undisturbed load takes; its rows must be right."""
    start = time.monotonic()
    rival.start()
    rival.finish()
    rival.seconds = time.monotonic() - start
    lost, doubled = compare(rival)
    assert (lost, doubled) == (0, 0), f"{rival.name}: {lost} lost, {doubled} doubled undisturbed"


def strike(rival: Contender, blow: Blow, draw: random.Random, number: int) -> Verdict:
    """One load with one blow, and what is in the target when the rival says that it is done."""
    place = rival.place
    while True:
        rival.start()
        struck = blow(rival, draw, number)
        if struck is not None:
            break
        # It was done before the blow fell, which is then no strike.
        place.link.heal()
        rival.finish()
    place.cluster.await_ready()
    is_done = rival.finish()
    recovery = time.monotonic() - struck
    place.link.heal()
    lost, doubled = compare(rival)
    notes = () if is_done else (f"{rival.name} never said that it was done",)
    return Verdict(lost, doubled, int(bool(is_done and (lost or doubled))), 0, 0, recovery, notes)


def compare(rival: Contender) -> tuple[int, int]:
    """Rows that are lost, and rows that are there too often."""
    if rival.query(f"select to_regclass('{rival.table}') is null") == [(True,)]:
        return ROWS - ROWS // BAD_EVERY, 0
    statement = _COMPARE.format(rows=ROWS, bad=BAD_EVERY, table=rival.table)
    [(lost, doubled)] = rival.query(statement)
    return int(lost), int(doubled)
