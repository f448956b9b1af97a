"""F33: files come in a storm, change their names and come again, before workers that die."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from uuid import uuid4

from tests.faults.fault import Fault, Strike
from tests.faults.oracle import Verdict

#: Files of a storm: in the test suite, and beyond.
_FEW, _MANY = 500, 20_000
#: The longest that one may take beside others, in seconds.
_PATIENCE = 600.0
#: How many of them change their names, and how many come again under another one.
_RENAMED, _AGAIN = 0.2, 0.1
_PIPELINE = """\
api: etlplus/v1
name: {name}
triggers: {{files: {{source: rows, settle: 0s}}}}
sources:
  rows: {{csv: {{uri: "{folder}/*.csv", columns: {{id: bigint}}, incremental: only_new}}}}
sinks: {{table: {{postgres: {{connection: mart, table: {name}, mode: append}}}}}}
"""
_JOBS = """
select count(*) from etlplus_control.every_job
where pipeline = '{name}' and state in ({states})"""


def storm(strike: Strike) -> Verdict:
    """Each content of a storm is loaded once, whatever becomes of its file and of a worker."""
    scene = strike.scene
    name = f"storm_{uuid4().hex[:12]}"
    folder = scene.live.root / name
    folder.mkdir()
    count = _MANY if strike.number else _FEW
    scene.query(f"create table {name} (id bigint)")
    scene.live.apply(_PIPELINE.format(name=name, folder=folder))
    scene.dismiss()
    doomed, _ = scene.worker(), scene.worker()
    _drop(folder, range(count // 2))
    doomed.kill()
    _drop(folder, range(count // 2, count))
    _stir(strike, folder, count)
    struck = time.monotonic()
    late = _await_rows(strike, name, folder, count)
    recovery = time.monotonic() - struck
    _stir(strike, folder, count)
    scene.until(lambda: _jobs(strike, name, "PENDING", "RUNNING") == 0, "all runs end")
    [(rows,)] = scene.query(f"select count(*) from {name}")
    shutil.rmtree(folder)
    return Verdict(duplicated=rows - count - late, recovery=recovery)


def _await_rows(strike: Strike, name: str, folder: Path, count: int) -> int:
    """Waits until all contents are loaded, and returns how many more came meanwhile.

    A run fails when a file that it chose gets another name before it is read. What the run would
    have read comes with the next delivery, so each failure is followed by one.
    """
    late = 0

    def is_loaded() -> bool:
        nonlocal late
        if _jobs(strike, name, "FAILED") > late:
            _drop(folder, range(count + late, count + late + 1))
            late += 1
        [(found,)] = strike.scene.query(f"select count(distinct id) from {name}")
        return bool(found == count + late)

    strike.scene.until(is_loaded, f"{count} contents are loaded", _PATIENCE)
    return late


def _jobs(strike: Strike, name: str, *states: str) -> int:
    listed = ", ".join(f"'{state}'" for state in states)
    [(count,)] = strike.scene.ask(_JOBS.format(name=name, states=listed))
    return int(count)


def _drop(folder: Path, numbers: range) -> None:
    """Files appear whole: they are written under a name that does not count."""
    for number in numbers:
        hidden = folder / f".{number}"
        hidden.write_text(f"id\n{number}\n")
        hidden.rename(folder / f"{number}.csv")


def _stir(strike: Strike, folder: Path, count: int) -> None:
    """Some files get other names, and some come again."""
    for path in strike.draw.sample(sorted(folder.glob("*.csv")), int(count * _RENAMED)):
        path.rename(folder / f"{uuid4().hex}.csv")
    for path in strike.draw.sample(sorted(folder.glob("*.csv")), int(count * _AGAIN)):
        hidden = folder / f".{uuid4().hex}"
        shutil.copyfile(path, hidden)
        hidden.rename(hidden.with_name(f"{hidden.name[1:]}.csv"))


FAULTS = (Fault("F33", "a storm of files before workers that watch", storm, 1, 5),)
