"""The long form: strikes until every fault has had its count, or the time is over.

`ETLPLUS_FAULTS_MINUTES` ends a sitting (by default there is no end), `ETLPLUS_FAULTS_SEED` repeats
one, `ETLPLUS_FAULTS_SCALE` multiplies every count, `ETLPLUS_FAULTS_JOBS` is the number of scenes
that are struck side by side. What was found is kept in the file that `ETLPLUS_FAULTS_RECORD` names,
and the next sitting goes on from there. Arguments are numbers of faults; all when there are none.
"""

from __future__ import annotations

import math
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.conformance.database import enterable_folder
from tests.faults import table
from tests.faults.catalogue import FAULTS
from tests.faults.fault import Fault, Strike
from tests.faults.oracle import Verdict, leftovers
from tests.faults.record import OURS, Found, Record, build
from tests.faults.rivals import sitting
from tests.faults.scene import Scene, measured, scene

#: Rows of strikes that are still to do.
Turns = Iterable[tuple[Fault, Sequence[int]]]
#: The part of a sitting that is left for rivals.
_SHARE = 0.2
#: Strikes of one fault in a row; after each row the scene must be as tidy as before it.
_ROW = 10
_FIRST = 3
#: Tells a scene which of how many it is, as `2/4`.
_SHARE_OF = "ETLPLUS_FAULTS_SHARE"


@dataclass(frozen=True, slots=True)
class Share:
    """Of the strikes of every fault, those of one of several scenes.

    Attributes:
        index: from 0.
        of: how many scenes there are.
    """

    index: int = 0
    of: int = 1

    def numbers(self, count: int) -> range:
        """Its strikes among the first `count` of a fault."""
        return range(self.index, count, self.of)


def turns(
    faults: Sequence[Fault], record: Record, scale: float, share: Share
) -> Iterator[tuple[Fault, Sequence[int]]]:
    """Rows of strikes: a few of each fault first, then in proportion to what each lacks."""
    aims = {fault: share.numbers(math.ceil(fault.long * scale)) for fault in faults}
    todo = {fault: len(aims[fault]) for fault in faults}
    struck = {fault: record.numbers(fault.name) for fault in faults}
    left = {fault: [n for n in aims[fault] if n not in struck[fault]] for fault in faults}
    done = {fault: todo[fault] - len(left[fault]) for fault in faults}
    while lacking := [fault for fault in faults if done[fault] < todo[fault]]:
        fault = min(lacking, key=lambda each: (done[each] >= _FIRST, done[each] / todo[each]))
        size = _FIRST if done[fault] < _FIRST else _ROW
        row, left[fault] = left[fault][:size], left[fault][size:]
        done[fault] += len(row)
        yield fault, row


def strike(place: Scene, fault: Fault, number: int, seed: int) -> Verdict:
    """One strike; what breaks the harness itself counts against the product."""
    draw = random.Random(f"{seed} {fault.id} {number}")
    try:
        return fault.strike(Strike(place, draw, number))
    except Exception as error:  # noqa: BLE001 one strike must not end a long run
        return Verdict(notes=(f"{type(error).__name__}: {error}",))


def sit(place: Scene, turned: Turns, record: Record, seed: int, end: float) -> None:
    """Strikes until all is done or the time is over."""
    present = build()
    for fault, row in turned:
        row_found = []
        for number in row:
            if time.monotonic() > end:
                break
            row_found.append((number, strike(place, fault, number, seed)))
        left = leftovers(place) if row_found else []
        for index, (number, verdict) in enumerate(row_found):
            is_last = index == len(row_found) - 1
            kept = replace(verdict, left=len(left)).noting(*left) if is_last else verdict
            record.add(Found(fault.name, OURS, number, seed, kept, present))
            if not kept.is_clean:
                print(f"{fault.id} {number}: {kept}", flush=True)
        print(f"{fault.id} {fault.what}: {len(record.of(fault.name, OURS))}", flush=True)
        if time.monotonic() > end:
            return


def strike_share(faults: Sequence[Fault], record: Record, share: Share, end: float) -> None:
    """Strikes one share of all strikes in a scene of its own."""
    seed = int(os.environ.get("ETLPLUS_FAULTS_SEED") or secrets.randbits(32))
    print(f"seed {seed}", flush=True)
    scale = float(os.environ.get("ETLPLUS_FAULTS_SCALE", "1"))
    with scene() as place:
        measured(place)
        sit(place, turns(faults, record, scale, share), record, seed, end)


def strike_side_by_side(jobs: int) -> None:
    """Strikes every share in a process of its own; they append to one record."""
    shares = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.faults", *sys.argv[1:]],
            env={**os.environ, _SHARE_OF: f"{index}/{jobs}"},
            start_new_session=True,
        )
        for index in range(jobs)
    ]
    try:
        for each in shares:
            each.wait()
    finally:
        # Asked once, and not by the terminal as well: each has servers to stop.
        for each in shares:
            each.send_signal(signal.SIGINT)
        for each in shares:
            each.wait()


def opened() -> Record:
    """The record, without what an older build broke."""
    record = Record(Path(os.environ.get("ETLPLUS_FAULTS_RECORD") or ".faults/record.jsonl"))
    record.strike_again(build())
    return record


def main() -> int:
    """Strike, write the table, and return 1 when a promise was broken."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # Also where a shell started this in the background, which ignores the former.
        signal.signal(number, signal.default_int_handler)
    start = time.monotonic()
    minutes = float(os.environ.get("ETLPLUS_FAULTS_MINUTES") or math.inf)
    ours = start + (1 - _SHARE) * 60 * minutes
    wanted = set(sys.argv[1:])
    faults = [fault for fault in FAULTS if not wanted or fault.id in wanted]
    if share := os.environ.get(_SHARE_OF):
        strike_share(faults, opened(), Share(*map(int, share.split("/"))), ours)
        return 0
    jobs = int(os.environ.get("ETLPLUS_FAULTS_JOBS") or 1)
    try:
        if jobs > 1:
            strike_side_by_side(jobs)
        else:
            strike_share(faults, opened(), Share(), ours)
        if not wanted:
            with enterable_folder() as folder:
                sitting.sit(opened(), secrets.randbits(32), folder, start + 60 * minutes)
    finally:
        record = opened()
        table.write(record)
    print(table.render(record))
    return int(not all(each.verdict.is_clean for each in record.found if each.contender == OURS))


if __name__ == "__main__":
    sys.exit(main())
