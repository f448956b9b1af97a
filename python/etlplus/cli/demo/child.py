"""The server of the demonstration: one that runs already, else a child process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from etlplus.cli.session import CALL_SECONDS, Remote, recorded, session
from etlplus.domain.errors import EtlError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from etlplus.cli.screen import Screen
    from etlplus.settings import Settings


@contextmanager
def server(settings: Settings, roots: Sequence[Path], screen: Screen) -> Iterator[str]:
    """A running server on the data folder, as HOST:PORT. One that is started here is stopped.

    Args:
        settings: name the data folder.
        roots: folders that pipelines may touch; the server runs in the first.
        screen: where it is told which server it is.

    Raises:
        EtlError: it did not start; the end of its log is in the message.
    """
    address = recorded(settings.data_dir)
    if address and _answers(address):
        screen.note(f"using the server that runs on {address}")
        yield address
        return
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    log = settings.data_dir / "demo-server.log"
    with log.open("wb") as stderr:
        child = subprocess.Popen(
            (sys.executable, "-m", "etlplus.cli", "serve", "--listen", "127.0.0.1:0"),
            cwd=roots[0],
            env={
                **os.environ,
                "ETLPLUS_DATA_DIR": str(settings.data_dir),
                "ETLPLUS_FILE_ROOTS": os.pathsep.join(map(str, roots)),
            },
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            # Ctrl-C is for the job first; the server is stopped in order afterwards.
            start_new_session=True,
        )
    try:
        address = _ready(child, log)
        screen.note(f"listening on {address}, data in {settings.data_dir}")
        yield address
    finally:
        child.send_signal(signal.SIGTERM)
        child.communicate()


def _ready(child: subprocess.Popen[str], log: Path) -> str:
    line = child.stdout.readline().strip() if child.stdout is not None else ""
    if not line:
        child.wait()
        told = log.read_text(encoding="utf-8", errors="replace").strip()
        raise EtlError(
            f"the server did not start:\n{told[-2000:]}",
            code="UNAVAILABLE",
            place="demo",
            hint="`etlplus doctor` looks for what is missing",
        )
    return line.split()[-1]


def _answers(address: str) -> bool:
    from etlplus.v1 import auth_pb2  # noqa: PLC0415 takes time that --help has not

    try:
        with session(Remote(server=address)) as opened:
            opened.client.auth.WhoAmI(auth_pb2.WhoAmIRequest(), timeout=CALL_SECONDS)
    except Unavailable:
        # Left behind by a server that was killed.
        return False
    return True
