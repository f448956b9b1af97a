"""Every fault of the catalogue, a few times each; `make faults` is the long form.

`ETLPLUS_TEST_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.__main__ import Share, turns
from tests.faults.catalogue import FAULTS
from tests.faults.fault import Fault, Strike
from tests.faults.load import MODES
from tests.faults.oracle import Verdict, is_whole, judge, left, leftovers
from tests.faults.record import OURS, Found, Record
from tests.faults.rivals.sitting import BLOWS
from tests.faults.scene import Scene, measured, scene

SEED = int(os.environ.get("ETLPLUS_TEST_SEED") or secrets.randbits(32))
STRIKES = [(fault, number) for fault in FAULTS for number in range(fault.short)]


@pytest.fixture(scope="module")
def place() -> Iterator[Scene]:
    with scene() as made:
        measured(made)
        yield made


@pytest.mark.parametrize(
    ("fault", "number"), STRIKES, ids=[f"{fault.name} {number}" for fault, number in STRIKES]
)
def test_every_row_is_there_once_and_every_state_is_true(
    place: Scene, fault: Fault, number: int
) -> None:
    print(f"seed {SEED}")
    verdict = fault.strike(Strike(place, random.Random(f"{SEED} {fault.id} {number}"), number))
    assert verdict.is_clean, verdict


def test_nothing_is_left_behind(place: Scene) -> None:
    assert leftovers(place) == []


def test_the_oracle_finds_what_is_wrong(place: Scene) -> None:
    load = place.load(MODES[0], rows=2000)
    place.hand()
    job = place.live.wait(place.submit(load))
    assert judge(place, load, job, 0.0).is_clean
    place.query(f"delete from {load.name} where id = 7")
    assert judge(place, load, job, 0.0).lost == 1
    place.query(f"insert into {load.name} select * from {load.name} where id in (8, 9)")
    found = judge(place, load, job, 0.0)
    assert (found.lost, found.duplicated, found.false_success) == (1, 2, 1)
    place.query(f"update {load.name} set word = 'word 1' where id = 10")
    assert not is_whole(place, load)
    assert "1 wrong" in " ".join(judge(place, load, job, 0.0).notes)
    place.query("create table etlplus.stage_left_behind ()")
    assert list(left(place)) == ["staging table stage_left_behind"]
    place.query("drop table etlplus.stage_left_behind")


def test_what_broke_an_older_build_is_struck_again(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    fault, clean, broken = FAULTS[0], Verdict(), Verdict(lost=1)
    for number, (verdict, made_of) in enumerate(
        [(clean, "old"), (broken, "old"), (broken, "new"), (clean, "new"), (broken, "")]
    ):
        Record(path).add(Found(fault.name, OURS, number, 7, verdict, made_of))
    Record(path).add(Found(fault.name, "dlt", 0, 7, broken, ""))
    record = Record(path)
    record.strike_again("new")
    assert (record.numbers(fault.name), record.mended) == ({0, 2, 3}, 2)
    assert record.of(fault.name, "dlt") == [broken]
    rows = [(each, list(row)) for each, row in turns([fault], record, 6 / fault.long, Share())]
    assert rows == [(fault, [1, 4, 5])]


def test_scenes_side_by_side_strike_everything_once(tmp_path: Path) -> None:
    record = Record(tmp_path / "record.jsonl")
    rows = [turns(FAULTS, record, 0.1, Share(index, 3)) for index in range(3)]
    struck = [(fault.name, number) for turned in rows for fault, row in turned for number in row]
    alone = [
        (fault.name, number) for fault, row in turns(FAULTS, record, 0.1, Share()) for number in row
    ]
    assert sorted(struck) == sorted(alone)


def test_rivals_meet_faults_of_the_catalogue() -> None:
    assert set(BLOWS) <= {fault.name for fault in FAULTS}
