"""The data of the demonstration."""

from __future__ import annotations

import csv
from pathlib import Path

from etlplus.cli.demo import flights


def test_the_files_are_unpacked_once(tmp_path: Path) -> None:
    size = flights.unpack(tmp_path)
    with (tmp_path / "flights.csv").open(newline="") as file:
        assert sum(1 for _ in csv.reader(file)) == 336_777
    before = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert flights.unpack(tmp_path) == size
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == before


def test_a_file_that_is_missing_is_put_back(tmp_path: Path) -> None:
    flights.unpack(tmp_path)
    (tmp_path / "planes.csv").unlink()
    flights.unpack(tmp_path)
    assert (tmp_path / "planes.csv").stat().st_size > 0
    assert not list(tmp_path.glob("*.new"))
