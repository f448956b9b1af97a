"""F19, F23, F24: no room left, no memory left, no descriptors or sessions left."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from etlplus.store.embedded.cluster import SUPERUSER, WAREHOUSE
from tests.faults.fault import Fault, Strike
from tests.faults.oracle import Verdict, judge
from tests.faults.scene import PATIENCE, Scene
from tests.live import FINAL, Process

#: Holds little more than an empty table.
_ROOM = "512k"
_FENCE = "kill:before:etlplus.connectors.postgres.ledger:fence"
_LOSSES = 3


def is_mountable() -> bool:
    """Whether this user may mount a small disk where the target's server sees it."""
    return os.geteuid() == 0 and shutil.which("mount") is not None


def target_full(strike: Strike) -> Verdict:
    """The disk of the target's tables is full: the run says so, and a later one succeeds."""
    scene = strike.scene
    load = scene.load(strike.mode)
    scene.hand()
    with _small_tablespace(scene):
        struck = time.monotonic()
        ended = scene.live.wait(scene.submit(load))
        verdict = Verdict()
        if ended.error.code not in {"DISK_FULL", "DATABASE_ERROR"}:
            verdict = verdict.noting(f"{load.name}: no word of the full disk: {ended.error}")
    judged = judge(scene, load, ended, struck, may_fail=True)
    return judged.noting(*verdict.notes)


@contextmanager
def _small_tablespace(scene: Scene) -> Iterator[None]:
    """New tables of the target lie on a disk that has no room."""
    folder = Path(scene.live.root.parent) / "small"
    folder.mkdir(exist_ok=True)
    owner = scene.target.owner
    options = f"size={_ROOM},uid={owner.st_uid},gid={owner.st_gid},mode=700"
    with _superuser(scene) as session, ExitStack() as stack:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
        stack.callback(lambda: subprocess.run(["umount", "--lazy", folder], check=True))
        session.execute(f"create tablespace small location '{folder}'".encode())
        stack.callback(session.execute, b"drop tablespace small")
        session.execute(f"grant create on tablespace small to {WAREHOUSE}".encode())
        session.execute(f"alter role {WAREHOUSE} set default_tablespace = small".encode())
        stack.callback(_forget, scene, session)
        # Sessions that wait for the next load know nothing of this yet.
        scene.target.terminate(scene.target.endpoint.warehouse)
        yield


def _forget(scene: Scene, session: psycopg.Connection[tuple[object, ...]]) -> None:
    """Takes the setting back; what is still on the disk is dropped by the run's own clearing up."""
    session.execute(f"alter role {WAREHOUSE} reset default_tablespace".encode())
    scene.target.terminate(scene.target.endpoint.warehouse)
    there = (
        "select count(*) from pg_class c join pg_tablespace t on t.oid = c.reltablespace"
        " where t.spcname = 'small'"
    )
    scene.until(lambda: scene.query(there) == [(0,)], "nothing is left on the full disk")


def lost_thrice(strike: Strike) -> Verdict:
    """A job takes three workers with it, as one that needs too much memory does."""
    scene = strike.scene
    load = scene.load(strike.mode)
    scene.dismiss()
    job = scene.submit(load)
    struck = time.monotonic()
    for _ in range(_LOSSES):
        doomed = scene.worker(_FENCE)
        doomed.popen.wait(PATIENCE)
    scene.hand()
    verdict = judge(scene, load, job, struck, may_fail=True)
    code = scene.live.get(job).error.code
    return verdict if code == "WORKER_LOST" else verdict.noting(f"{load.name} ended with {code!r}")


def few_descriptors(strike: Strike) -> Verdict:
    """A worker may open few files, or the target lets nobody in: back-pressure, no crash."""
    scene = strike.scene
    load = scene.load(strike.mode)
    scene.dismiss()
    struck = time.monotonic()
    if strike.number % 2:
        scene.hand()
        with _crowded(scene):
            job = scene.submit(load)
            scene.await_running(job)
    else:
        worker = _cramped(scene)
        job = scene.submit(load)
        scene.until(lambda: scene.live.get(job).state in FINAL, "the job ends")
        if not worker.alive:
            return Verdict(notes=("the worker died of too few descriptors",))
        recovery = time.monotonic() - struck
        scene.dismiss()
        scene.hand()
        return replace(judge(scene, load, job, struck, may_fail=True), recovery=recovery)
    return judge(scene, load, job, struck, may_fail=True)


def _cramped(scene: Scene) -> Process:
    prefix = ("prlimit", "--nofile=64:64", sys.executable, "-m", "tests.faults.doomed", "--")
    environ = {**scene.live.environ}
    worker = Process(("worker",), environ, scene.live.data / "worker.log", prefix)
    scene.workers.append(worker)
    return worker


@contextmanager
def _crowded(scene: Scene) -> Iterator[None]:
    """Takes every session that the target has to give."""
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(psycopg.connect(scene.target.endpoint.warehouse))
            except psycopg.OperationalError:
                break
        yield


@contextmanager
def _superuser(scene: Scene) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    conninfo = make_conninfo(scene.target.endpoint.warehouse, user=SUPERUSER)
    with psycopg.connect(conninfo, autocommit=True) as session:
        yield session


_FULL = Fault("F19", "the disk of the target's tables is full", target_full, 1, 20)
FAULTS = (
    *((_FULL,) if is_mountable() else ()),
    Fault("F23", "a job takes three workers with it", lost_thrice, 0, 20),
    Fault("F24", "no descriptors or no sessions are left", few_descriptors, 1, 20),
)
