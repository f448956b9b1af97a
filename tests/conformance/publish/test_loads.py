"""Whole loads: over several connections, merged, cut off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pytest

from etlplus.connectors import connectors
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import EtlError
from tests.conformance.publish.conftest import Session
from tests.conformance.publish.engine import Bench

COUNT = 200_000


def pipeline(options: str) -> str:
    return (
        "api: etlplus/v1\nname: p\nsources: {rows: {stream: {}}}\n"
        f"sinks: {{out: {{from: rows, postgres: {{connection: local, table: t{options}}}}}}}\n"
    )


def test_a_load_over_several_connections_is_whole(session: Session, bench: Bench) -> None:
    rows = pa.table({"n": pa.array(range(COUNT)), "t": pa.array(["x" * 50] * COUNT)})
    finished = bench.run(pipeline(""), {"rows": rows}, threads=4, batch_rows=1000)
    query = "SELECT count(*), count(DISTINCT n), min(n), max(n), sum(n) FROM t"
    assert session.execute(query).fetchone() == (
        COUNT, COUNT, 0, COUNT - 1, COUNT * (COUNT - 1) // 2
    )  # fmt: skip
    assert finished.published[0].books.loaded == COUNT


def test_the_last_row_of_a_key_wins_whatever_connection_carried_it(
    session: Session, bench: Bench
) -> None:
    rows = pa.table({"k": pa.array([n % 10 for n in range(COUNT)]), "n": pa.array(range(COUNT))})
    text = pipeline(", mode: merge, keys: [k]")
    finished = bench.run(text, {"rows": rows}, threads=4, batch_rows=500)
    found = session.execute("SELECT k, n FROM t ORDER BY k").fetchall()
    assert found == [(key, COUNT - 10 + key) for key in range(10)]
    books = finished.published[0].books
    assert (books.loaded, books.merged_away, books.balance) == (10, COUNT - 10, True)


@pytest.mark.parametrize("mode", ["merge", "delete_insert"])
def test_a_missing_key_is_a_reject(session: Session, bench: Bench, mode: str) -> None:
    rows = pa.table({"k": pa.array([1, None, 2]), "n": pa.array([1, 2, 3])})
    finished = bench.run(pipeline(f", mode: {mode}, keys: [k]"), {"rows": rows})
    assert session.execute("SELECT k, n FROM t ORDER BY k").fetchall() == [(1, 1), (2, 3)]
    assert [(each.code, each.column) for each in finished.rejects] == [("MISSING_VALUE", "k")]


def test_a_load_of_no_rows_makes_the_table(session: Session, bench: Bench) -> None:
    bench.run(pipeline(", mode: replace"), {"rows": pa.table({"n": pa.array([], pa.int64())})})
    assert session.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_days_are_loaded_anew(session: Session, bench: Bench) -> None:
    text = pipeline(", mode: delete_insert, keys: [day]")
    first = {"day": ["mon", "mon", "tue"], "n": [1, 2, 3]}
    assert bench.run(text, {"rows": pa.table(first)}).published[0].books.deleted == 0
    second = {"day": ["mon", "wed", "mon", "mon"], "n": [4, 5, 6, 6]}
    assert bench.run(text, {"rows": pa.table(second)}).published[0].books.deleted == 2
    found = session.execute("SELECT day, n FROM t ORDER BY day, n").fetchall()
    assert found == [("mon", 4), ("mon", 6), ("mon", 6), ("tue", 3), ("wed", 5)]


@pytest.mark.parametrize("mode", ["merge", "delete_insert"])
def test_a_key_that_is_not_there_is_refused(bench: Bench, mode: str) -> None:
    with pytest.raises(EtlError) as refused:
        bench.run(pipeline(f", mode: {mode}, keys: [nope]"), {"rows": pa.table({"n": [1]})})
    assert refused.value.code == "COLUMN_UNKNOWN"


def test_a_view_is_no_target(session: Session, bench: Bench) -> None:
    session.execute("CREATE VIEW t AS SELECT 1::bigint AS n")
    with pytest.raises(EtlError) as refused:
        bench.run(pipeline(""), {"rows": pa.table({"n": [1]})})
    assert "is a view" in refused.value.message


def test_a_source_that_breaks_leaves_nothing_staged(session: Session, bench: Bench) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        for _ in range(50):
            yield pa.record_batch({"n": pa.array(range(1000))})
        raise RuntimeError("the source broke")

    schema = pa.schema([("n", pa.int64())])
    with pytest.raises((EtlError, RuntimeError)):
        bench.run(pipeline(""), {"rows": pa.RecordBatchReader.from_batches(schema, batches())})
    assert session.execute("SELECT to_regclass('t')").fetchone() == (None,)
    left = "SELECT count(*) FROM pg_class WHERE relname LIKE 'stage%%'"
    pause = threading.Event()
    for _ in range(100):
        if session.execute(left).fetchone() == (0,):
            break
        pause.wait(0.1)
    assert session.execute(left).fetchone() == (0,)


def test_an_unreachable_database_is_named(bench: Bench) -> None:
    nowhere = ResolvedConnection(
        "local", "postgres", {"host": "127.0.0.1", "port": "1", "sslmode": "disable"}
    )
    with pytest.raises(EtlError) as failed:
        replace(bench, warehouse=nowhere).run(pipeline(""), {"rows": pa.table({"n": [1]})})
    assert failed.value.code == "CONNECTION_FAILED"
    assert "127.0.0.1:1" in failed.value.message
    assert "listens" in (failed.value.hint or "")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("database", "missing", "does not exist"),
        ("user", "nobody", "cannot connect"),
        ("port", "many", "many"),
    ],
)
def test_what_is_wrong_with_a_connection_is_said(
    bench: Bench, warehouse: ResolvedConnection, option: str, value: str, message: str
) -> None:
    wrong = ResolvedConnection("local", "postgres", {**warehouse.options, option: value})
    with pytest.raises(EtlError) as failed:
        replace(bench, warehouse=wrong).run(pipeline(""), {"rows": pa.table({"n": [1]})})
    assert failed.value.code == "CONNECTION_DENIED"
    assert message in failed.value.message
    with pytest.raises(EtlError) as untested:
        connectors()["postgres"].test(wrong)
    assert untested.value.code == "CONNECTION_DENIED"


def test_a_connection_is_tested_and_its_tables_are_found(
    session: Session, warehouse: ResolvedConnection
) -> None:
    session.execute("CREATE TABLE t (a integer, b varchar(9) NOT NULL, PRIMARY KEY (b, a))")
    session.execute("CREATE VIEW v AS SELECT a FROM t")
    session.execute("CREATE TABLE etlplus.stage_x (a integer)")
    check = connectors()["postgres"].test(warehouse)
    assert check.server.startswith("PostgreSQL ")
    assert (check.database, check.user, check.encrypted) == ("warehouse", "warehouse", False)
    tables = connectors()["postgres"].discover(warehouse)
    assert [(table.schema, table.name, table.kind) for table in tables] == [
        ("public", "t", "table"),
        ("public", "v", "view"),
    ]
    assert tables[0].keys == ("b", "a")
    assert [(column.name, column.type, column.nullable) for column in tables[0].columns] == [
        ("a", "integer", False),
        ("b", "character varying(9)", False),
    ]
