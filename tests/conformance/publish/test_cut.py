"""The connection is lost around COMMIT: nobody is told whether the rows are there."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from etlplus.connectors.postgres import PostgresPublisher
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.run import Load
from tests.conformance.publish.conftest import Session, Stage
from tests.conformance.publish.proxy import Cutter, proxy

PUBLISHER = PostgresPublisher(patience=30)


@pytest.fixture
def cutter(warehouse: ResolvedConnection) -> Iterator[Cutter]:
    with proxy(warehouse.options["host"], warehouse.options["port"]) as made:
        yield made


def through(cutter: Cutter, warehouse: ResolvedConnection) -> ResolvedConnection:
    options = {**warehouse.options, "host": str(cutter.folder)}
    return ResolvedConnection(warehouse.name, warehouse.kind, options)


@pytest.mark.parametrize("mode", ["append", "replace", "merge", "delete_insert"])
@pytest.mark.parametrize("cuts", [["before"], ["after"], ["before", "after"]], ids="-".join)
def test_a_cut_commit_is_neither_lost_nor_doubled(
    session: Session,
    stage: Stage,
    load: Load,
    warehouse: ResolvedConnection,
    cutter: Cutter,
    mode: str,
    cuts: list[str],
) -> None:
    session.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")
    staged = stage([(1, "a"), (2, "b")], mode=mode, keys=["id"])
    # The first commit is that of making the ledger.
    cutter.plan = ["pass", *cuts]
    published = PUBLISHER.publish(staged, load, through(cutter, warehouse))
    assert cutter.cuts == len(cuts)
    assert session.execute("SELECT id, name FROM t ORDER BY id").fetchall() == [(1, "a"), (2, "b")]
    assert session.execute("SELECT count(*) FROM etlplus.load").fetchone() == (1,)
    assert published.books.loaded == 2


def test_many_commits_cut_at_random(
    session: Session, stage: Stage, load: Load, warehouse: ResolvedConnection, cutter: Cutter
) -> None:
    session.execute("CREATE TABLE t (id integer, name text)")
    fate = random.Random(20261123)
    for number in range(20):
        staged = stage([(number, "a")], sink=f"s{number}")
        cutter.plan = fate.choices(["before", "after", "pass"], k=3)
        PUBLISHER.publish(staged, load, through(cutter, warehouse))
    counted = session.execute("SELECT count(*), count(DISTINCT id) FROM t").fetchone()
    assert counted == (20, 20)
    assert cutter.cuts > 10
