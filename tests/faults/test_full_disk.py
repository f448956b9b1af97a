"""The disk fills up while a run stages, rejects or spills: nothing is published or left behind."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SIZE = 512 * 1024
PIPELINE = """\
api: etlplus/v1
name: p
sources:
  numbers: {{csv: {{uri: "{source}", columns: {{id: bigint, word: text}}}}}}
{steps}sinks:
{sinks}
"""
SORT = '  - sql: "select * from numbers order by word"\n'
CHAIN = (
    '  - {name: all, filter: "id >= 0"}\n  - {name: a, from: all, filter: "id > 0"}\n'
    '  - {name: b, from: all, filter: "id > 1"}\n'
)
REFUSE = '  - validate: {rules: [{name: none, expr: "id < 0"}]}\n'
# Where the small disk is: beneath the target, or beneath the service's own data.
TARGET, DATA = "target", "data"
CASES = {
    "parquet": (TARGET, "", "  out: {parquet: SMALL/out}"),
    "csv": (TARGET, "", "  out: {csv: SMALL/out}"),
    "jsonl": (TARGET, "", "  out: {jsonl: SMALL/out}"),
    "folder": (TARGET, "", "  out: {parquet: SMALL/out/}"),
    "one_of_two": (TARGET, "", "  first: {csv: LARGE/out}\n  second: {csv: SMALL/out}"),
    "rejects": (DATA, REFUSE, "  out: {csv: LARGE/out}"),
    "spill": (DATA, SORT, "  out: {csv: LARGE/out}\nlimits: {memory: 8MiB}"),
    "stages": (DATA, CHAIN, "  one: {from: a, csv: LARGE/one}\n  two: {from: b, csv: LARGE/two}"),
}


@dataclass(frozen=True)
class Disk:
    """A folder without room.

    Attributes:
        folder: where it lies.
        prefix: the command under which it has none.
        is_full: whether the kernel calls it a full disk, and not a file that is too large.
    """

    folder: Path
    prefix: tuple[str, ...]
    is_full: bool


def small_disk(folder: Path) -> Disk:
    """A disk of 512 KiB that no other process sees; where mounting is refused, small files."""
    own_user = () if os.geteuid() == 0 else ("--user", "--map-current-user", "--keep-caps")
    mount = f'mount -t tmpfs -o size={SIZE},mode=1777 tmpfs "$0" && exec "$@"'
    mounted = ("unshare", "--mount", *own_user, "sh", "-c", mount, str(folder))
    if subprocess.run([*mounted, "true"], check=False, capture_output=True).returncode == 0:
        return Disk(folder, mounted, is_full=True)
    return Disk(folder, ("prlimit", f"--fsize={SIZE}"), is_full=False)


@pytest.fixture(scope="module")
def numbers() -> str:
    """Rows of 40 bytes, random, since they must not compress."""
    draw = random.Random(1)
    lines = (f"{n},{draw.getrandbits(128):032x}\n" for n in range(400_000))
    return "id,word\n" + "".join(lines)


def runs(disk: Disk, data: Path, *files: Path) -> list[dict[str, Any]]:
    """Runs pipelines one after another in one process; what each said and left."""
    environ = {
        **os.environ,
        "ETLPLUS_FILE_ROOTS": str(disk.folder.parent),
        "ETLPLUS_DATA_DIR": str(data),
    }
    command = [*disk.prefix, sys.executable, "-m", "tests.faults.cramped", str(disk.folder.parent)]
    done = subprocess.run(
        [*command, *map(str, files)],
        check=False,
        capture_output=True,
        text=True,
        env=environ,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("case", CASES)
def test_a_full_disk_ends_the_run_and_nothing_is_left(
    tmp_path: Path, numbers: str, case: str
) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    small.mkdir()
    large.mkdir()
    where, steps, sinks = CASES[case]
    (tmp_path / "many.csv").write_text(numbers)
    (tmp_path / "few.csv").write_text("".join(numbers.splitlines(keepends=True)[:3]))
    files = []
    for name in ("many", "few"):
        text = PIPELINE.format(
            source=tmp_path / f"{name}.csv", steps=f"steps:\n{steps}" if steps else "", sinks=sinks
        )
        files.append(tmp_path / f"{name}.yaml")
        files[-1].write_text(text.replace("SMALL", str(small)).replace("LARGE", str(large)))
    disk = small_disk(small)
    failed, fine = runs(disk, small if where == DATA else large, *files)
    assert failed["state"] == "FAILED"
    if disk.is_full:
        assert failed["code"] == "DISK_FULL", failed
    assert failed["hint"]
    assert [name for name in failed["left"] if not name.startswith("large/.")] == []
    assert failed["loaded"] == 0
    assert fine["state"] == "SUCCEEDED", fine
    assert fine["left"]
