"""The files of this checkout, as the tests in this folder look at them."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENERATED = "python/etlplus/v1/"


@cache
def files() -> tuple[str, ...]:
    """Return the paths that are tracked or about to be, relative to the checkout and sorted."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(sorted(name for name in listed.split("\0") if name and (ROOT / name).is_file()))


def sources(*suffixes: str) -> list[str]:
    """Return the hand-written files with one of these suffixes."""
    return [name for name in files() if name.endswith(suffixes) and not name.startswith(GENERATED)]


def text(name: str) -> str:
    """Return a file's text; bytes that are not UTF-8 are replaced."""
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")
