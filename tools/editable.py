"""Makes this checkout importable and its command runnable in the running virtual environment.

A build back end would compile the Rust core on its own, with other features than the tests use, and
so compile DataFusion a second time. The build compiles it once and this script only points the
environment at `python/`: one `.pth` file, the command, and the metadata that
`importlib.metadata.version("etlplus")` and `pip uninstall etlplus` read.
"""

from __future__ import annotations

import stat
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

COMMAND = """#!{python}
import sys
from {module} import {function}
sys.exit({function}())
"""


def main() -> None:
    """Write the files, replacing those of an earlier run."""
    if sys.prefix == sys.base_prefix:
        sys.exit("run this with the interpreter of a virtual environment")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    site = Path(sysconfig.get_path("purelib"))
    written = [_pth(site, project), *_commands(project)]
    _metadata(site, project, written)


def _pth(site: Path, project: dict[str, Any]) -> Path:
    path = site / f"{project['name']}.pth"
    path.write_text(f"{ROOT / 'python'}\n")
    return path


def _commands(project: dict[str, Any]) -> list[Path]:
    scripts = Path(sysconfig.get_path("scripts"))
    written = []
    for name, target in project["scripts"].items():
        module, function = target.split(":")
        path = scripts / name
        path.write_text(COMMAND.format(python=sys.executable, module=module, function=function))
        path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        written.append(path)
    return written


def _metadata(site: Path, project: dict[str, Any], written: list[Path]) -> None:
    folder = site / f"{project['name']}-{project['version']}.dist-info"
    for old in site.glob(f"{project['name']}-*.dist-info"):
        for file in old.iterdir():
            file.unlink()
        old.rmdir()
    folder.mkdir()
    identity = f"Name: {project['name']}\nVersion: {project['version']}\n"
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\n{identity}")
    (folder / "INSTALLER").write_text("etlplus build\n")
    commands = "".join(f"{name} = {target}\n" for name, target in project["scripts"].items())
    (folder / "entry_points.txt").write_text(f"[console_scripts]\n{commands}")
    files = [*written, *folder.iterdir(), folder / "RECORD"]
    (folder / "RECORD").write_text("".join(f"{path},,\n" for path in files))


if __name__ == "__main__":
    main()
