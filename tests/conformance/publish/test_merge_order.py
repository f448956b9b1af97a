"""The last row of a load wins for a key, in whatever order threads hand rows on."""

from __future__ import annotations

import pytest

from tests.conformance.publish.conftest import Session
from tests.conformance.publish.engine import Bench

COUNT, KEYS = 60_000, 1000

STEPS = {
    "read by several threads": "",
    "checked for repeated keys": "steps: [{validate: {unique: [id]}}]\n",
    "joined": "steps: [{join: {with: names, on: [k], how: left}, from: rows}]\n",
    "queried": "steps: [{sql: 'select r.id, r.k, r.v from rows r join names n on r.k = n.k'}]\n",
}


def pipeline(steps: str, sources: str) -> str:
    return (
        f"api: etlplus/v1\nname: p\nsources: {{{sources}}}\n{steps}"
        "sinks: {out: {postgres: {connection: local, table: t, mode: merge, keys: [k]}}}\n"
    )


@pytest.fixture
def rows(bench: Bench) -> None:
    """Two files, the later of which holds the later half; long enough for several chunks."""
    half = COUNT // 2
    for number, ids in enumerate((range(half), range(half, COUNT))):
        lines = (f"{n},{n % KEYS},{n},{'x' * 60}\n" for n in ids)
        text = "id,k,v,filler\n" + "".join(lines)
        (bench.folder / f"rows-{number}.csv").write_text(text)
    names = "".join(f"{k},name {k}\n" for k in range(KEYS))
    (bench.folder / "names.csv").write_text("k,name\n" + names)


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_the_later_row_of_the_source_wins(session: Session, bench: Bench, steps: str) -> None:
    sources = "rows: {csv: rows-*.csv}"
    if "names" in steps:
        sources += ", names: {csv: names.csv}"
    text = pipeline(steps or "steps: [{filter: id >= 0}]\n", sources)
    finished = bench.run(text, threads=4, batch_rows=500)
    older = session.execute(
        "SELECT count(*), count(*) FILTER (WHERE v < %s) FROM t", [COUNT - KEYS]
    )
    assert older.fetchone() == (KEYS, 0)
    assert finished.published[0].books.merged_away >= COUNT - KEYS


@pytest.mark.usefixtures("rows")
def test_the_last_row_of_a_sort_wins(session: Session, bench: Bench) -> None:
    text = pipeline("steps: [{sort: {by: [{column: v, desc: true}]}}]\n", "rows: {csv: rows-*.csv}")
    bench.run(text, threads=4, batch_rows=500)
    assert session.execute("SELECT count(*), max(v) FROM t").fetchone() == (KEYS, KEYS - 1)


@pytest.mark.usefixtures("rows")
def test_rows_that_a_join_makes_of_one_leave_one(session: Session, bench: Bench) -> None:
    (bench.folder / "twice.csv").write_text(
        "k,n\n" + "".join(f"{k},{n}\n" for k in (1, 2) for n in (1, 2))
    )
    text = pipeline(
        "steps: [{join: {with: twice, on: [k], columns: {n: n}}, from: rows}]\n",
        "rows: {csv: rows-1.csv}, twice: {csv: twice.csv}",
    )
    finished = bench.run(text, threads=2)
    found = session.execute("SELECT k, v FROM t ORDER BY k").fetchall()
    assert found == [(1, COUNT - KEYS + 1), (2, COUNT - KEYS + 2)]
    assert finished.published[0].books.balance
