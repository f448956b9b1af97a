"""F33: files come in a storm, change their names and come again, before workers that die."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from uuid import uuid4

from tests.faults.fault import Fault, Strike
from tests.faults.oracle import Verdict

#: Files of a storm: in the test suite, and beyond.
_FEW, _MANY = 500, 50_000
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
_OPEN = """
select count(*) from etlplus_control.job
where pipeline = '{name}' and state in ('PENDING', 'RUNNING')"""


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
    distinct = f"select count(distinct id) from {name}"
    scene.until(lambda: scene.query(distinct) == [(count,)], f"{count} contents are loaded")
    recovery = time.monotonic() - struck
    _stir(strike, folder, count)
    scene.until(lambda: scene.ask(_OPEN.format(name=name)) == [(0,)], "all runs end")
    [(rows,)] = scene.query(f"select count(*) from {name}")
    shutil.rmtree(folder)
    return Verdict(duplicated=rows - count, recovery=recovery)


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
