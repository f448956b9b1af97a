"""The data that works read, made once and kept in the user's cache."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import duckdb

SCALE = os.environ.get("ETLPLUS_BENCH_SCALE", "1")
#: Rows of each side of the join beyond memory.
SCATTERED = 20_000_000


def folder(scale: str = SCALE) -> Path:
    """Return the folder for data of works at a scale factor, in the user's cache."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    path = home / "etlplus" / "bench" / f"sf{scale}"
    path.mkdir(parents=True, exist_ok=True)
    return path


def lineitem(scale: str = SCALE) -> Path:
    """Return TPC-H lineitem as CSV: 766 MB and 6,001,215 rows at scale factor 1."""
    return _table("lineitem", scale)


def orders(scale: str = SCALE) -> Path:
    """Return TPC-H orders as CSV: 1,500,000 rows at scale factor 1."""
    return _table("orders", scale)


@cache
def _table(name: str, scale: str) -> Path:
    path = folder(scale) / f"{name}.csv"
    if not path.exists():
        work = folder(scale) / "work"
        generator = Path(sys.executable).parent / "tpchgen-cli"
        given: list[str | Path] = ["csv", "-s", scale, "-T", name, "-o", work, "--overwrite"]
        subprocess.run([generator, *given], check=True, stdout=subprocess.DEVNULL)
        (work / f"{name}.csv").rename(path)
    return path


def scattered(name: str, column: str, stride: int) -> Path:
    """Return a CSV file of `SCATTERED` rows whose key `id`, from 0, comes in scattered order.

    Args:
        name: names the file.
        column: names a second column, `id % 1000003`.
        stride: the distance between neighbours; shares no factor with `SCATTERED`.
    """
    path = folder() / f"scattered_{name}.csv"
    if not path.exists():
        ids = f"select (range * {stride} + 13) % {SCATTERED} as id from range({SCATTERED})"
        query = f"select id, id % 1000003 as {column} from ({ids})"
        duckdb.execute(f"copy ({query}) to '{path}.new' (format csv, header)")
        Path(f"{path}.new").rename(path)
    return path


def warm(path: Path) -> None:
    """Read a file once, so that every contender finds it in the page cache."""
    with path.open("rb") as file:
        while file.read(1 << 24):
            continue


@cache
def megabyte() -> Path:
    """Return the first 1 MB of lineitem, cut at a line."""
    path = folder() / "megabyte.csv"
    if not path.exists():
        with lineitem().open("rb") as file:
            text = file.read(1_000_000)
        path.write_bytes(text[: text.rindex(b"\n") + 1])
    return path
