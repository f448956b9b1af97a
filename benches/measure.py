"""Times whole processes and their memory, and keeps what was found."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ETLPLUS = Path(sys.executable).parent / "etlplus"
# Python keeps compiled modules unless it is told not to; all contenders are measured as installed.
_ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
}
RUNS = int(os.environ.get("ETLPLUS_BENCH_RUNS", "5"))


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: its wall time and the most memory that was resident."""

    seconds: float
    peak_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """What a contender reached: the medians of its runs, and whether it must be beaten."""

    contender: str
    sample: Sample
    runs: int


@dataclass(frozen=True, slots=True)
class Goal:
    """Something that was promised, what was found, and whether that is enough."""

    promise: str
    found: str
    kept: bool


@dataclass(frozen=True, slots=True)
class Result:
    """A work's table and the promises that it checks."""

    title: str
    what: str
    rows: Sequence[Row]
    goals: Sequence[Goal]


def run(command: Sequence[str | Path], *, environ: Mapping[str, str] | None = None) -> Sample:
    """Run a command to its end and measure it.

    Raises:
        RuntimeError: It did not exit with 0; its output is the message.
    """
    stopwatch = [sys.executable, "-I", "-S", str(Path(__file__).parent / "stopwatch.py")]
    result = subprocess.run(
        [*stopwatch, *map(str, command)],
        cwd=ROOT,
        env={**_ENVIRONMENT, **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(f"{command[0]} exited with {result.returncode}:\n{result.stderr}")
    seconds, peak = result.stdout.split()
    return Sample(float(seconds), int(peak))


def etlplus(pipeline: str, folder: Path, data: Path) -> Callable[[], Sample]:
    """Return what runs a pipeline in a process of its own, without a server.

    Args:
        pipeline: its text.
        folder: for the file, what it writes and what it needs meanwhile.
        data: the folder that it reads from.
    """
    file = folder / "pipeline.yaml"
    file.write_text(pipeline)
    environ = {"ETLPLUS_FILE_ROOTS": f"{folder}:{data}", "ETLPLUS_DATA_DIR": str(folder)}
    return lambda: run([ETLPLUS, "run", "--local", file], environ=environ)


def peer(name: str, *arguments: str | Path) -> list[str | Path]:
    """Return the command that runs a peer in a process of its own."""
    return [sys.executable, "-m", f"benches.peers.{name}", *arguments]


def in_turns(contenders: Mapping[str, Callable[[], Sample]], runs: int = RUNS) -> list[Row]:
    """Run all contenders in turns, so that a slow minute of the machine meets each of them."""
    samples: dict[str, list[Sample]] = {name: [] for name in contenders}
    for _ in range(runs):
        for name, contender in contenders.items():
            samples[name].append(contender())
            print(f"  {name}: {samples[name][-1].seconds:.3f} s", flush=True)
    return [Row(name, median(found), runs) for name, found in samples.items()]


def median(samples: Sequence[Sample]) -> Sample:
    """Return the median time and the median peak of several runs."""
    return Sample(
        statistics.median(sample.seconds for sample in samples),
        int(statistics.median(sample.peak_bytes for sample in samples)),
    )


def ratio_goal(rows: Sequence[Row], peer_name: str, allowed: float) -> Goal:
    """Return the goal that the first row takes at most `allowed` times as long as a peer."""
    ours, theirs = rows[0], next(row for row in rows if row.contender == peer_name)
    ratio = ours.sample.seconds / theirs.sample.seconds
    promise = f"at most {allowed:.3g} times as long as {peer_name}"
    return Goal(promise, f"{ratio:.2f} times", ratio <= allowed)


def memory_goal(row: Row, mebibytes: int) -> Goal:
    """Return the goal that a row's peak stays within a number of mebibytes."""
    found = row.sample.peak_bytes / 2**20
    return Goal(f"at most {mebibytes} MiB resident", f"{found:.0f} MiB", found <= mebibytes)
