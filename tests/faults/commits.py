"""F06: connections are lost around COMMIT, so that nobody is told whether it happened."""

from __future__ import annotations

import re
import time

from tests.faults.fault import Fault, Strike
from tests.faults.link import Link, Rule
from tests.faults.oracle import Verdict, judge
from tests.faults.points import COMMIT

#: What changes a job in the service's database, where each statement commits by itself.
_SETTLE = re.compile(rb"end_time = clock_timestamp\(\),\s+progress")
_CLAIM = re.compile(rb"with open_lane as materialized")


def target_cut(strike: Strike) -> Verdict:
    """The target's COMMIT is cut before the server sees it, or before its answer is seen."""
    return _run(strike, strike.scene.mart, COMMIT)


def metadata_cut(strike: Strike) -> Verdict:
    """The statement that claims or settles a job is cut, on either side of its commit."""
    return _run(strike, strike.scene.control, (_SETTLE, _CLAIM)[strike.number // 2 % 2])


def _run(strike: Strike, link: Link, statement: re.Pattern[bytes]) -> Verdict:
    scene = strike.scene
    load = scene.load(strike.mode, rows=2000)
    scene.hand()
    rules = [Rule(statement, lambda: True, after=after) for after in _sides(strike)]
    # Not before: an idle worker looks for jobs too, and that cut would be no strike.
    link.rules.extend(rules)
    struck = time.monotonic()
    verdict = judge(scene, load, scene.submit(load), struck)
    cuts = sum(rule.met.is_set() for rule in rules)
    scene.heal()
    return verdict if cuts else verdict.noting(f"{statement.pattern!r} never came")


def _sides(strike: Strike) -> list[bool]:
    """After for each cut in a row; mostly one."""
    count = 2 if strike.draw.random() < 0.25 else 1
    return [bool((strike.number + each) % 2) for each in range(count)]


FAULTS = (
    Fault("F06", "a COMMIT of the target is cut by a proxy", target_cut, 3, 500),
    Fault("F06", "a commit of the service's database is cut", metadata_cut, 4, 500),
)
