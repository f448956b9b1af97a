"""The folder of a server's files, and the command beside it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.live import ETLPLUS, Service


class Folder:
    """Where the files of a live server lie."""

    def __init__(self, live: Service) -> None:
        self.live = live

    def write(self, name: str, text: str) -> str:
        path = Path(self.live.root) / name
        path.write_text(text)
        return str(path)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ETLPLUS, *arguments],
            env={**self.live.environ, "NO_COLOR": "1"},
            cwd=self.live.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
