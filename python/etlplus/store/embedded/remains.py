"""What an earlier server left: a process that is still stopping, or files with its number."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from etlplus.domain.errors import Unavailable
from etlplus.store.embedded.account import bare_environment

if TYPE_CHECKING:
    from etlplus.store.embedded.layout import Layout

POLL_SECONDS = 0.02


def clear_remains(layout: Layout, deadline: float) -> None:
    """Ends the server of an owner that is gone, and removes files that would stop ours.

    The caller holds the owner's lock, so no server of the cluster has an owner.

    Args:
        layout: Where the files are.
        deadline: Of the monotonic clock, in seconds.

    Raises:
        Unavailable: The earlier server does not end.
    """
    for file in (layout.pid_file, layout.socket_lock):
        pid = _recorded_pid(file)
        if pid is None:
            continue
        if _is_server(pid, layout.cluster):
            _end(pid, layout.cluster, deadline)
        if _exists(pid):
            # The number went to another process, or to a corpse nobody has buried. PostgreSQL
            # cannot tell and would refuse. Where it is free, it removes the file by itself.
            file.unlink(missing_ok=True)


def _end(pid: int, cluster: Path, deadline: float) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
    pause = threading.Event()
    while _is_server(pid, cluster):
        if time.monotonic() >= deadline:
            raise Unavailable(
                f"The server of an earlier owner, process {pid}, does not end.",
                code="DATABASE_START_FAILED",
                hint=f"End it: kill -QUIT {pid}",
            )
        pause.wait(POLL_SECONDS)


def _recorded_pid(file: Path) -> int | None:
    try:
        first = file.read_text().partition("\n")[0].strip()
    except FileNotFoundError:
        return None
    return int(first) if first.isdigit() else None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_server(pid: int, cluster: Path) -> bool:
    """Whether a process lives and is the cluster's server: it works in the cluster's folder."""
    if Path("/proc/self/stat").exists():
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            return state not in "ZX" and Path(f"/proc/{pid}/cwd").readlink() == cluster.resolve()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return False
    command = ["/bin/ps", "-p", str(pid), "-o", "stat=,command="]
    answer = subprocess.run(  # noqa: S603 - a fixed program and a number
        command, env=bare_environment(), capture_output=True, text=True, check=False
    ).stdout.strip()
    return not answer.startswith("Z") and str(cluster) in answer
