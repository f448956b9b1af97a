"""Targets that rows do not fit, or that have no room: the job fails and they stay as they were."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from etlplus.v1 import job_pb2
from tests.conformance.database import enterable_folder
from tests.live import Service, service

PIPELINE = """\
api: etlplus/v1
name: {name}
sources:
  numbers: {{csv: {{uri: "{file}", columns: {{id: bigint, word: text}}}}}}
steps:
  - filter: "id > 0"
sinks:
  table: {{postgres: {{connection: {connection}, table: {name}, mode: {mode}{keys}}}}}
"""
ROWS = "id,word\n1,a\n2,b\n"

MISMATCHES = {
    "column_missing_in_target": ("id bigint", "(0)", "word"),
    "type_does_not_fit": ("id bigint, word integer", "(0, 0)", "word"),
    "target_column_needs_a_value": (
        "id bigint, word text, must integer not null",
        "(0, 'untouched', 0)",
        "must",
    ),
}


def fill(live: Service, name: str, mode: str = "append", keys: str = "") -> str:
    """Write the source file and return the pipeline that loads it."""
    file = live.root / f"{name}.csv"
    file.write_text(ROWS)
    return PIPELINE.format(name=name, file=file, connection="local", mode=mode, keys=keys)


@pytest.mark.parametrize("mode", ["append", "replace"])
@pytest.mark.parametrize("case", MISMATCHES)
def test_a_target_that_rows_do_not_fit_is_left_alone(live: Service, case: str, mode: str) -> None:
    columns, row, column = MISMATCHES[case]
    table = f"{case}_{mode}"
    live.query(f"create table {table} ({columns})")
    live.query(f"insert into {table} values {row}")
    before = live.query(f"select * from {table}")
    job = live.run(fill(live, table, mode))
    assert job.state == job_pb2.Job.STATE_FAILED
    assert job.error.code == "TARGET_MISMATCH", job.error
    assert column in f"{job.error.message} {job.error.place}"
    assert job.error.hint
    assert live.query(f"select * from {table}") == before


def test_a_value_that_the_targets_column_cannot_hold_is_a_reject(live: Service) -> None:
    live.query("create table narrow (id bigint, word varchar(3))")
    file = live.root / "narrow.csv"
    file.write_text("id,word\n1,abc\n2,abcd\n")
    job = live.run(
        PIPELINE.format(name="narrow", file=file, connection="local", mode="append", keys="")
    )
    assert job.state == job_pb2.Job.STATE_SUCCEEDED, job.error
    [reject] = live.rejects(job)
    assert [reason.code for reason in reject.reasons] == ["TARGET_REFUSED"]
    assert live.query("select id, word from narrow") == [(1, "abc")]


def test_a_constraint_of_the_target_fails_the_whole_load(live: Service) -> None:
    live.query("create table guarded (id bigint primary key, word text check (word <> 'b'))")
    live.query("insert into guarded values (0, 'untouched')")
    job = live.run(fill(live, "guarded"))
    assert job.state == job_pb2.Job.STATE_FAILED
    assert job.error.code == "DATABASE_ERROR", job.error
    assert "guarded_word_check" in job.error.message
    assert live.query("select * from guarded") == [(0, "untouched")]


def test_a_view_is_not_replaced(live: Service) -> None:
    live.query("create view looks_like_a_table as select 0::bigint id, 'untouched' word")
    job = live.run(fill(live, "looks_like_a_table", "replace"))
    assert job.state == job_pb2.Job.STATE_FAILED
    assert job.error.code == "TARGET_MISMATCH", job.error
    assert live.query("select * from looks_like_a_table") == [(0, "untouched")]


SMALL = """\
api: etlplus/v1
name: full_{kind}
sources:
  numbers: {{csv: {{uri: "{source}", columns: {{id: bigint, word: text}}}}}}
sinks:
  out: {{{kind}: {{uri: "{target}/"}}}}
"""


def in_small_disk(folder: Path) -> tuple[str, ...]:
    """Return the command under which `folder` is a disk of 256 KiB that no other process sees."""
    own_user = () if os.geteuid() == 0 else ("--user", "--map-current-user", "--keep-caps")
    mount = 'mount -t tmpfs -o size=256k,mode=1777 tmpfs "$0" && exec "$@"'
    return ("unshare", "--mount", *own_user, "sh", "-c", mount, str(folder))


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with enterable_folder() as folder:
        yield folder


def test_a_full_disk_fails_the_job_and_leaves_no_file(open_folder: Path) -> None:
    small = open_folder / "small"
    small.mkdir()
    source = open_folder / "numbers.csv"
    draw = random.Random(1)
    lines = (f"{n},{draw.getrandbits(128):x}\n" for n in range(60_000))
    source.write_text("id,word\n" + "".join(lines))
    with service(open_folder, prefix=in_small_disk(small)) as live:
        for kind in ("parquet", "csv", "jsonl"):
            job = live.run(SMALL.format(kind=kind, source=source, target=small / kind))
            assert job.state == job_pb2.Job.STATE_FAILED
            assert job.error.code == "DISK_FULL", job.error
            assert job.error.hint
            seen = Path(f"/proc/{live.server.popen.pid}/root{small}") / kind
            left = [file.name for file in seen.rglob("*") if file.is_file()]
            assert left == []
