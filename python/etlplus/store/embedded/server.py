"""One run of the server's process: start, readiness, end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from etlplus.domain.errors import Unavailable
from etlplus.store.embedded import launcher
from etlplus.store.embedded.account import bare_environment
from etlplus.store.embedded.layout import PORT, Layout

if TYPE_CHECKING:
    from etlplus.store.embedded.binaries import Binaries

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "shared_buffers": "64MB",
    "max_connections": "50",
    # A list of jobs locks the tables and indexes of all days that are kept.
    "max_locks_per_transaction": "1024",
    "fsync": "on",
    "full_page_writes": "on",
    "jit": "off",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %d ",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
POLL_SECONDS = 0.01
LOG_LIMIT_BYTES = 16 * 1024 * 1024
#: A killed server's last processes may hold on to its memory and its number for a moment.
PASSING_REFUSALS = ("pre-existing shared memory block", "Is another postmaster")


def spawn(binaries: Binaries, layout: Layout) -> subprocess.Popen[bytes]:
    """Starts the server. It ends when the calling thread ends, so that thread must wait for it.

    Returns:
        The server's process; its id becomes the postmaster's.
    """
    account = layout.account
    arguments = [f"--{name}={value}" for name, value in _settings(layout).items()]
    command = [
        *(sys.executable, "-I", "-S", str(Path(launcher.__file__))),
        *(str(number) for number in (os.getpid(), account.uid, account.gid)),
        *(str(binaries.postgres), "-D", str(layout.cluster)),
        *arguments,
    ]
    log = _open_log(layout)
    try:
        # Its own session: a Ctrl-C in the terminal is for the service, which stops the server last.
        return subprocess.Popen(  # noqa: S603 - the command is built here, never from a request
            command,
            cwd=layout.state,
            env=bare_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    finally:
        os.close(log)


def wait_until_ready(process: subprocess.Popen[bytes], layout: Layout, deadline: float) -> bool:
    """Waits until the server takes connections.

    Args:
        process: The server's process.
        layout: Where its files are.
        deadline: Of the monotonic clock, in seconds.

    Returns:
        False when the process ended for a reason that passes by itself.

    Raises:
        Unavailable: It ended or was not ready in time; the message has the end of its log.
    """
    while time.monotonic() < deadline:
        code = _ended_within(process, POLL_SECONDS)
        if code is not None:
            end = log_end(layout)
            if any(refusal in end for refusal in PASSING_REFUSALS):
                return False
            raise _failed(layout, f"It ended with exit code {code}.")
        if _is_ready(process.pid, layout):
            return True
    stop(process, 0)
    raise _failed(layout, "It was not ready in time.")


def stop(process: subprocess.Popen[bytes], patience_seconds: float) -> None:
    """Ends the server: fast, then at once, then by force. Committed rows are safe in each."""
    waits = (patience_seconds, patience_seconds, None)
    for number, wait in zip((signal.SIGINT, signal.SIGQUIT, signal.SIGKILL), waits, strict=True):
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            continue


def log_end(layout: Layout) -> str:
    """The last 2,000 bytes of the server's log."""
    with layout.log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 2000))
        return file.read().decode(errors="replace").strip()


def _settings(layout: Layout) -> dict[str, str]:
    folder = str(layout.socket_folder).replace('"', '""')
    return {
        **SETTINGS,
        "unix_socket_directories": f'"{folder}"',
        "hba_file": str(layout.access_rules),
        "ident_file": str(layout.user_names),
    }


def _ended_within(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def _is_ready(pid: int, layout: Layout) -> bool:
    try:
        lines = layout.pid_file.read_text().splitlines()
    except FileNotFoundError:
        return False
    # The first line says whose file it is, the last one "starting", "ready" …
    return lines[:1] == [str(pid)] and lines[-1].strip() == "ready"


def _open_log(layout: Layout) -> int:
    if layout.log.exists() and layout.log.stat().st_size > LOG_LIMIT_BYTES:
        layout.log.rename(layout.log.with_name("server.log.1"))
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(layout.log, flags, 0o600)


def _failed(layout: Layout, what: str) -> Unavailable:
    return Unavailable(
        f"The embedded database did not start. {what} The end of {layout.log}:\n{log_end(layout)}",
        code="DATABASE_START_FAILED",
        metadata={"log": str(layout.log)},
    )
