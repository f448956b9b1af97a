"""Writes what was found to `docs/faults.md`, with the machine and the counts that really ran."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.catalogue import ABSENT, FAULTS
from tests.faults.oracle import Verdict
from tests.faults.record import OURS, Record, build

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
HEAD = """\
# Faults

`make faults` strikes a running service with the faults below, and writes this page. An oracle
decides every strike: it compares the target, the files, the rejects, the ledger and what the job
says with the rows of the source, each of which carries a number and a checksum. After every ten
strikes nothing may be left: no staging, no work folder, no lock, no job that has not ended.

- **lost**, **doubled**: rows. **untrue**: jobs whose state, figures or rejects are not what the
  target holds, among them every false success. **left**: things left behind. **broke**: strikes
  with any of these or another broken promise, such as half a load being visible.
- **failed**: jobs that said that they failed, had changed nothing, and were right when run again.
- **recovery**: from the strike to the job's end, with a lease of 1 s; start of a new worker
  included where one died.

{strikes} strikes of {aims}. Seeds {seeds}; machine: {machine}, {cores} cores, {memory:.0f} GiB,
shared with other work; Python {python}; {day}. `ETLPLUS_FAULTS_MINUTES` ends a sitting and the next
one goes on where it stopped, so counts below their aim are those of a run that was ended by time.
They struck {builds} builds of the service and of these tests, the present ones {present} times.
Strikes that broke older ones are struck again and count by what comes of it: {mended} so far.
{broken}
| fault | runs | aim | lost | doubled | untrue | left | broke | failed | recovery p50 | max |
|---|---|---|---|---|---|---|---|---|---|---|
"""
RIVALS = """
## Rivals

The same strikes by the same scripts against other programs that people use for this, run as their
manuals say. A rival's run is judged by the rows of its target alone. A script with dlt that dies is
run again until it ends well, as a scheduler would, also where it died after its rows were in; a job
of procrastinate whose worker has been silent for 5 s is queued again. Few runs say what can happen,
not how often.

| fault | contender | runs | lost | doubled | runs with either | recovery p50 | max |
|---|---|---|---|---|---|---|---|
"""
NOT_YET = """
## What does not strike here

| fault | why |
|---|---|
"""


def render(record: Record) -> str:
    """The page."""
    rows = [(fault, record.of(fault.name, OURS)) for fault in FAULTS]
    lines = [
        f"| {fault.name} | {len(found)} | {fault.long} | {_sums(found)} | {_times(found)} |"
        for fault, found in rows
    ]
    rivals = sorted({(each.fault, each.contender) for each in record.found} - _own(record))
    page = _head(record) + "\n".join(lines) + "\n"
    if rivals:
        ours = sorted({(fault, OURS) for fault, _ in rivals if record.of(fault, OURS)})
        page += RIVALS + "\n".join(
            _rival(fault, contender, record.of(fault, contender))
            for fault, contender in sorted([*rivals, *ours])
        )
        page += "\n"
    return page + NOT_YET + "".join(f"| {what} | {why} |\n" for what, why in ABSENT.items())


def write(record: Record) -> None:
    """Writes the page."""
    PAGE.write_text(render(record), encoding="utf-8")


def _own(record: Record) -> set[tuple[str, str]]:
    return {(each.fault, each.contender) for each in record.found if each.contender == OURS}


def _head(record: Record) -> str:
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line for line in info if line.startswith("model name")), platform.machine())
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    own = [each for each in record.found if each.contender == OURS]
    return HEAD.format(
        strikes=len(own),
        aims=sum(fault.long for fault in FAULTS),
        seeds=", ".join(map(str, record.seeds)),
        machine=model.split(":")[-1].strip(),
        cores=os.cpu_count(),
        memory=pages / 2**30,
        python=platform.python_version(),
        day=datetime.now(UTC).date(),
        broken=_broken(record),
        mended=record.mended,
        builds=len({each.build for each in own}),
        present=sum(each.build == build() for each in own),
    )


def _broken(record: Record) -> str:
    """What each fault that broke a promise was seen to do, by the first note of the first one."""
    first: dict[str, str] = {}
    for each in record.found:
        if each.contender == OURS and not each.verdict.is_clean:
            words = " ".join(" ".join(each.verdict.notes).split()).replace("|", "/")
            first.setdefault(each.fault, f"- {each.fault}, strike {each.number}: {words[:300]}")
    return "\nBroken, the first of each:\n\n" + "\n".join(first.values()) + "\n" if first else ""


def _sums(found: Sequence[Verdict]) -> str:
    if not found:
        return "not run" + " | " * 5
    names = ("lost", "duplicated", "false_success", "left")
    sums = [sum(getattr(each, name) for each in found) for name in names]
    sums += [sum(not each.is_clean for each in found), sum(each.failed for each in found)]
    return " | ".join(map(str, sums))


def _times(found: Sequence[Verdict]) -> str:
    seconds = [each.recovery for each in found if each.recovery]
    if not seconds:
        return " | "
    return f"{statistics.median(seconds):.1f} s | {max(seconds):.1f} s"


def _rival(fault: str, contender: str, found: Sequence[Verdict]) -> str:
    lost = sum(each.lost for each in found)
    doubled = sum(each.duplicated for each in found)
    bad = sum(bool(each.lost or each.duplicated) for each in found)
    return (
        f"| {fault} | {contender} | {len(found)} | {lost} | {doubled} | {bad} | {_times(found)} |"
    )
