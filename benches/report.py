"""Writes what was measured to `benches/README.md`, with the machine it was measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benches.measure import Result, Row

README = Path(__file__).parent / "README.md"
PEERS = ("duckdb", "polars", "adbc-driver-postgresql")
HEAD = """\
# Benchmarks

`make bench` runs every work beside its peers, in turns, in one run, and writes this file.
`make bench WORKS="b1 b7"` runs some and replaces their sections. `ETLPLUS_BENCH_RUNS` sets how
often each contender runs, `ETLPLUS_BENCH_SCALE` the scale factor of the data.

Figures are medians. Ratios count, seconds belong to the machine: {machine}; {cores} cores,
{memory:.0f} GiB of memory, Python {python}, {peers}; {day}.
ETL Plus was built with the profile of tests and local use (no link-time optimisation).
"""


def render(results: Sequence[Result]) -> str:
    """Return the tables and promises as Markdown."""
    return "\n".join(_section(result) for result in results)


def write(result: Result) -> None:
    """Write the result's section and the machine; sections of other works stay as they are."""
    kept = README.read_text(encoding="utf-8") if README.exists() else ""
    sections = {text.partition("\n")[0]: text.strip("\n") for text in kept.split("\n## ")[1:]}
    sections[result.title] = _section(result).removeprefix("## ").strip("\n")
    bodies = (f"## {sections[title]}\n" for title in sorted(sections))
    README.write_text("\n".join([_head(), *bodies]), encoding="utf-8")


def _head() -> str:
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line for line in info if line.startswith("model name")), platform.machine())
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return HEAD.format(
        machine=model.split(":")[-1].strip(),
        cores=os.cpu_count(),
        memory=pages / 2**30,
        python=platform.python_version(),
        peers=", ".join(f"{name} {version(name)}" for name in PEERS),
        day=datetime.now(UTC).date(),
    )


def _section(result: Result) -> str:
    lines = [f"## {result.title}", "", result.what, ""]
    lines += ["| contender | time | memory, peak | runs |", "|---|---|---|---|"]
    lines += [_row(row) for row in result.rows]
    lines += [""]
    lines += [
        f"- {goal.promise}: **{goal.found}**, {'kept' if goal.kept else 'not kept'}"
        for goal in result.goals
    ]
    return "\n".join([*lines, ""])


def _row(row: Row) -> str:
    seconds, peak = row.sample.seconds, row.sample.peak_bytes
    shown = f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
    memory = f"{peak / 2**20:.0f} MiB" if peak else ""
    return f"| {row.contender} | {shown if seconds else ''} | {memory} | {row.runs} |"
