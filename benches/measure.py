"""Times whole processes and their memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: its wall time and the most memory that was resident."""

    seconds: float
    peak_bytes: int


def run(command: Sequence[str | Path], *, environ: Mapping[str, str] | None = None) -> Sample:
    """Run a command to its end and measure it.

    Raises:
        RuntimeError: It did not exit with 0; its output is the message.
    """
    start = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=ROOT,
            env={**os.environ, **(environ or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            text = output.read().decode(errors="replace")
            raise RuntimeError(f"{command[0]} exited with {process.returncode}:\n{text}")
    return Sample(seconds, usage.ru_maxrss * 1024)


def peer(name: str, *arguments: str | Path) -> list[str | Path]:
    """Return the command that runs a peer in a process of its own."""
    return [sys.executable, "-m", f"benches.peers.{name}", *arguments]


def median(samples: Sequence[Sample]) -> Sample:
    """Return the median time and the median peak of several runs."""
    return Sample(
        statistics.median(sample.seconds for sample in samples),
        int(statistics.median(sample.peak_bytes for sample in samples)),
    )
