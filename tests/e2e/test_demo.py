"""The demonstration, from nothing and again, and the lines it prints."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conformance.database import enterable_folder
from tests.live import ETLPLUS, Process

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Demonstration:
    """What the demonstration left behind and said."""

    environ: dict[str, str]
    stdout: str
    stderr: str


def run(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ETLPLUS, *arguments],
        env=environ,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def shown() -> Iterator[Demonstration]:
    with enterable_folder() as folder:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith("ETLPLUS_")
        }
        environ = {**kept, "ETLPLUS_DATA_DIR": str(folder / "data")}
        result = run(environ, "demo")
        assert result.returncode == 0, result.stderr
        yield Demonstration(environ, result.stdout, result.stderr)


def test_it_shows_books_reasons_and_rejects(shown: Demonstration) -> None:
    books = [line.split("  ") for line in shown.stdout.splitlines() if " replace " in line]
    figures = [[cell.strip() for cell in line if cell.strip()][-6:] for line in books]
    assert figures == [["366 229", "327 334", "1 187", "8 255", "29 453", "0"]] * 2
    assert "RULE_BROKEN" in shown.stdout
    assert "arr_delay has no value" in shown.stdout
    assert "rows/s" in shown.stderr


def test_it_stops_what_it_started(shown: Demonstration) -> None:
    assert not (Path(shown.environ["ETLPLUS_DATA_DIR"]) / "server.json").exists()
    assert run(shown.environ, "list").returncode == 3


def test_the_printed_lines_work_while_the_server_runs(shown: Demonstration, tmp_path: Path) -> None:
    lines = [line.strip() for line in shown.stderr.splitlines() if line.startswith("    ")]
    command = ("serve", "--listen", "127.0.0.1:0")
    server = Process(command, shown.environ, tmp_path / "server.log")
    try:
        for line in lines:
            words = line.split()
            if words[0].endswith("grpcurl"):
                continue  # the tests of the wire run it, with the address of their own server
            path = f"{ETLPLUS.parent}{os.pathsep}{shown.environ['PATH']}"
            environ = {**shown.environ, "PATH": path}
            result = subprocess.run(
                ["bash", "-c", line], env=environ, cwd=ROOT, capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            assert result.returncode == 0, (line, result.stderr)
            assert result.stdout, line
    finally:
        server.stop()
    assert len(lines) == 4


def test_it_works_again(shown: Demonstration) -> None:
    result = run(shown.environ, "demo")
    assert result.returncode == 0, result.stderr
    assert "327 334" in result.stdout
