"""The table that a plan promises is the table that a load makes."""

from __future__ import annotations

from uuid import uuid4

import pytest

from etlplus.domain.run import Load
from etlplus.engine import RustEngine
from tests.conformance.publish.conftest import Session
from tests.conformance.publish.engine import Bench

OPTIONS = {
    "append": "",
    "replace": "",
    "merge": ", keys: [id, name]",
    "delete_insert": ", keys: [id]",
    "scd2": ", keys: [id, name], history: {valid_from: since}",
}
COLUMNS = """
SELECT attname::text, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
WHERE attrelid = 't'::regclass AND attnum > 0 ORDER BY attnum"""
INDEXES = "SELECT indexdef FROM pg_indexes WHERE tablename = 't' ORDER BY 1"


def shape(session: Session) -> tuple[object, ...]:
    return session.execute(COLUMNS).fetchall(), session.execute(INDEXES).fetchall()


@pytest.mark.parametrize("mode", OPTIONS)
def test_a_plan_shows_the_table_that_is_made(session: Session, bench: Bench, mode: str) -> None:
    (bench.folder / "rows.csv").write_text("id,name,n\n1,a,2.5\n")
    text = (
        "api: etlplus/v1\nname: p\nsources: {rows: {csv: {uri: rows.csv}}}\nsinks: {out: {from: "
        f"rows, postgres: {{connection: local, table: t, mode: {mode}{OPTIONS[mode]}}}}}}}\n"
    )
    load = Load(uuid4().hex, epoch=1, job="job", pipeline="p", version=1)
    (report,) = RustEngine().plan(*bench.lowered(text, load)).sinks
    assert report.notes[0].startswith("exactly once")
    session.execute(report.create_statement.encode())
    promised = shape(session)
    session.execute("DROP TABLE t")
    bench.run(text)
    assert shape(session) == promised
