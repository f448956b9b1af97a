"""F01, F11, F27: workers that die, sleep too long, or are asked to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress

from tests.faults.fault import Fault, Strike
from tests.faults.oracle import Verdict, is_whole, judge
from tests.live import FINAL

_TAKEN_OVER = "select epoch from etlplus_control.every_job where uid = '{uid}'"


def killed(strike: Strike) -> Verdict:
    """A worker dies at a random instant of a load into a table and files."""
    scene = strike.scene
    load = scene.load(strike.mode, files=True)
    worker = scene.hand()
    job = scene.submit(load)
    scene.await_running(job)
    _let_go_on(strike, worker.popen)
    worker.kill()
    struck = time.monotonic()
    whole = is_whole(scene, load)
    scene.hand()
    verdict = judge(scene, load, job, struck)
    return verdict if whole else verdict.noting(f"{load.name}: half a load was visible")


def slept(strike: Strike) -> Verdict:
    """A worker is stopped for longer than its lease, and wakes when another has its job."""
    scene = strike.scene
    load = scene.load(strike.mode, files=True)
    scene.dismiss()
    sleeper = scene.worker()
    job = scene.submit(load)
    scene.await_running(job)
    _let_go_on(strike, sleeper.popen)
    before = scene.ask(_TAKEN_OVER.format(uid=job.uid))
    os.kill(sleeper.popen.pid, signal.SIGSTOP)
    struck = time.monotonic()
    scene.worker()
    try:
        # It may have been done with its job before it fell asleep.
        if scene.live.get(job).state not in FINAL:
            scene.until(
                lambda: (
                    scene.ask(_TAKEN_OVER.format(uid=job.uid)) != before
                    or scene.live.get(job).state in FINAL
                ),
                "another worker takes the job over",
            )
    finally:
        os.kill(sleeper.popen.pid, signal.SIGCONT)
    return judge(scene, load, job, struck)


def stopped(strike: Strike) -> Verdict:
    """A worker is asked to stop in mid-load, once or twice: no attempt is spent."""
    scene = strike.scene
    load = scene.load(strike.mode, files=True)
    worker = scene.hand()
    job = scene.submit(load)
    scene.await_running(job)
    _let_go_on(strike, worker.popen)
    struck = time.monotonic()
    worker.popen.send_signal(signal.SIGTERM)
    if strike.number % 2:
        worker.popen.send_signal(signal.SIGTERM)
    code = worker.stop()
    scene.hand()
    verdict = judge(scene, load, job, struck)
    attempt = scene.live.get(job).attempt
    if attempt != 1 or code:
        return verdict.noting(f"{load.name}: attempt {attempt}, the worker's code {code}")
    return verdict


def _let_go_on(strike: Strike, process: subprocess.Popen[str]) -> None:
    """Lets a worker work for a random part of an undisturbed load."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(strike.draw.uniform(0, 1.1 * strike.scene.seconds))
        raise AssertionError("the worker ended by itself")


FAULTS = (
    Fault("F01", "a worker is killed at a random instant", killed, 2, 1000),
    Fault("F11", "a worker is stopped for longer than its lease", slept, 1, 20),
    Fault("F27", "a worker is asked to stop in mid-load", stopped, 1, 20),
)
