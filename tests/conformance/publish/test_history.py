"""Versions of rows: whole loads by the engine, and what is refused or noticed."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import EtlError
from tests.conformance.publish.conftest import Session
from tests.conformance.publish.engine import Bench
from tests.conformance.publish.test_history_model import Histories
from tests.conformance.publish.test_loads import pipeline

SCD2 = ", mode: scd2, keys: [id]"
DATED = SCD2 + ", history: {effective: at, valid_from: since, valid_to: until, is_current: last}"
MODEL = (
    "CREATE TABLE t (id integer, name text, named timestamptz, valid_from timestamptz, "
    "valid_to timestamptz, is_current boolean)"
)


@pytest.fixture
def histories(session: Session, warehouse: ResolvedConnection) -> Histories:
    return Histories(session, warehouse, "named")


def day(number: int) -> datetime:
    return datetime(2026, 1, number, tzinfo=UTC)


def dated(*rows: tuple[int | None, str, int | None]) -> pa.Table:
    ids, names, days = zip(*rows, strict=True)
    at = pa.array([None if each is None else day(each) for each in days], pa.timestamp("us", "UTC"))
    return pa.table({"id": pa.array(ids, pa.int64()), "name": names, "at": at})


def test_a_change_ends_a_version_and_begins_another(session: Session, bench: Bench) -> None:
    bench.run(pipeline(SCD2), {"rows": pa.table({"id": [1, 2], "name": ["a", "b"]})})
    second = pa.table({"id": [2, 3, 3, 1], "name": ["x", "first", "c", "a"]})
    books = bench.run(pipeline(SCD2), {"rows": second}).published[0].books
    assert (books.loaded, books.merged_away, books.deleted, books.balance) == (3, 1, 0, True)
    query = "SELECT id, name, is_current, valid_to IS NULL FROM t ORDER BY id, valid_from"
    assert session.execute(query.encode()).fetchall() == [
        (1, "a", True, True), (2, "b", False, False), (2, "x", True, True), (3, "c", True, True),
    ]  # fmt: skip
    gaps = (
        "SELECT count(*) FROM t a JOIN t b ON a.id = b.id AND a.valid_to = b.valid_from "
        "AND a.is_current = false AND b.is_current"
    )
    assert session.execute(gaps.encode()).fetchone() == (1,)
    index = session.execute("SELECT indisunique FROM pg_index WHERE indrelid = 't'::regclass")
    assert index.fetchall() == [(True,)]


def test_late_rows_find_their_place(session: Session, bench: Bench) -> None:
    bench.run(pipeline(DATED), {"rows": dated((1, "a", 5), (2, "z", 5))})
    bench.run(pipeline(DATED), {"rows": dated((1, "c", 20))})
    bench.run(pipeline(DATED), {"rows": dated((1, "b", 10), (2, "y", 1))})
    bench.run(pipeline(DATED), {"rows": dated((1, "a", 7), (2, "yy", 1))})
    query = "SELECT id, name, since, until, last FROM t ORDER BY id, since"
    assert session.execute(query.encode()).fetchall() == [
        (1, "a", day(5), day(10), False),
        (1, "b", day(10), day(20), False),
        (1, "c", day(20), None, True),
        (2, "yy", day(1), day(5), False),
        (2, "z", day(5), None, True),
    ]


def test_rows_without_key_or_moment_are_rejects(session: Session, bench: Bench) -> None:
    rows = dated((1, "a", 5), (None, "b", 5), (2, "c", None))
    finished = bench.run(pipeline(DATED), {"rows": rows})
    found = [(each.code, each.column) for each in finished.rejects]
    assert sorted(found) == [("MISSING_VALUE", "at"), ("MISSING_VALUE", "id")]
    assert session.execute("SELECT id FROM t").fetchall() == [(1,)]


def test_closing_ends_what_the_load_lacks_unless_rows_were_refused(
    session: Session, bench: Bench
) -> None:
    text = pipeline(SCD2 + ", history: {deleted: close}")
    bench.run(text, {"rows": pa.table({"id": [1, 2, 3], "name": ["a", "b", "c"]})})
    refusing = pa.table({"id": pa.array([1, None]), "name": ["a", "b"]})
    assert bench.run(text, {"rows": refusing}).published[0].books.deleted == 0
    snapshot = pa.table({"id": [1], "name": ["a"]})
    assert bench.run(text, {"rows": snapshot}).published[0].books.deleted == 2
    assert bench.run(text, {"rows": snapshot}).published[0].books.deleted == 0
    assert session.execute("SELECT id FROM t WHERE is_current").fetchall() == [(1,)]
    bench.run(text, {"rows": pa.table({"id": [1, 2], "name": ["a", "b"]})})
    again = "SELECT count(*), count(*) FILTER (WHERE is_current) FROM t WHERE id = 2"
    assert session.execute(again.encode()).fetchone() == (2, 1)


def test_values_that_cannot_be_compared_are_compared_as_text(
    session: Session, bench: Bench
) -> None:
    session.execute(
        "CREATE TABLE t (id bigint, name json, valid_from timestamptz NOT NULL, "
        "valid_to timestamptz, is_current boolean NOT NULL)"
    )
    for text in ('{"a": 1}', '{"a": 1}', '{"a": 2}'):
        bench.run(pipeline(SCD2), {"rows": pa.table({"id": [1], "name": [text]})})
    assert session.execute("SELECT count(*) FROM t").fetchone() == (2,)


SHAPES = {
    "no column": "CREATE TABLE t (id bigint, name text, valid_from timestamptz)",
    "a time without zone": MODEL.replace("valid_to timestamptz", "valid_to timestamp"),
    "an end that is needed": MODEL.replace("valid_to timestamptz", "valid_to timestamptz NOT NULL"),
    "no flag": MODEL.replace("is_current boolean", "is_current text"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_table_that_cannot_hold_versions_is_refused(
    session: Session, bench: Bench, shape: str
) -> None:
    session.execute(SHAPES[shape].encode())
    with pytest.raises(EtlError) as refused:
        bench.run(pipeline(SCD2), {"rows": pa.table({"id": [1], "name": ["a"]})})
    assert refused.value.code == "TARGET_MISMATCH"


OPTIONS = {
    "history: {effective: nope}": "COLUMN_UNKNOWN",
    "history: {effective: name}": "TARGET_MISMATCH",
    "history: {effective: id}": "PLAN_INVALID",
    "history: {valid_from: name}": "TARGET_MISMATCH",
    "history: {valid_from: a, valid_to: a}": "PLAN_INVALID",
}


@pytest.mark.parametrize("options", OPTIONS)
def test_options_that_do_not_fit_the_rows_are_refused(bench: Bench, options: str) -> None:
    with pytest.raises(EtlError) as refused:
        bench.run(pipeline(f"{SCD2}, {options}"), {"rows": pa.table({"id": [1], "name": ["a"]})})
    assert refused.value.code == OPTIONS[options]


def test_versions_that_overlap_are_not_touched(histories: Histories) -> None:
    histories.session.execute(MODEL.encode())
    histories.session.execute(
        "INSERT INTO t SELECT 1, 'a', '2000-01-01', '2000-01-01', NULL, true "
        "FROM generate_series(1, 2)"
    )
    with pytest.raises(EtlError) as refused:
        histories.publish(histories.stage([(1, "b", 3)]))
    assert refused.value.code == "HISTORY_AMBIGUOUS"
    assert histories.session.execute("SELECT count(*) FROM t").fetchone() == (2,)


def test_a_clock_that_was_set_back_ends_no_version_before_it_began(
    session: Session, warehouse: ResolvedConnection
) -> None:
    histories = Histories(session, warehouse, "")
    session.execute(MODEL.encode())
    session.execute("INSERT INTO t VALUES (1, 'a', NULL, '2999-01-01', NULL, true)")
    histories.publish(histories.stage([(1, "b", 3)]))
    found = session.execute("SELECT name, valid_from < valid_to, is_current FROM t ORDER BY name")
    assert found.fetchall() == [("a", True, False), ("b", None, True)]


@pytest.mark.parametrize("effective", ["", "named"])
def test_an_end_in_the_far_future_is_handed_on(
    session: Session, warehouse: ResolvedConnection, effective: str
) -> None:
    histories = Histories(session, warehouse, effective)
    session.execute(MODEL.encode())
    session.execute("INSERT INTO t VALUES (1, 'a', NULL, '2000-01-01', 'infinity', true)")
    histories.publish(histories.stage([(1, "b", 3)]))
    ends = "a.valid_to = b.valid_from AND a.valid_to < '2999-01-01' AND b.valid_to = 'infinity'"
    found = session.execute(
        f"SELECT a.is_current, b.is_current, {ends} FROM t a, t b "
        "WHERE a.name = 'a' AND b.name = 'b'".encode()
    )
    assert found.fetchall() == [(False, True, True)]


def test_rolling_back_what_others_changed_is_refused(histories: Histories) -> None:
    histories.session.execute(MODEL.encode())
    histories.publish(histories.stage([(1, "a", 1), (2, "b", 1)]))
    load, _ = histories.publish(histories.stage([(1, "x", 3), (2, "y", 3)]))
    before = histories.seen()
    histories.session.execute("BEGIN; UPDATE t SET name = 'q' WHERE name = 'a'; COMMIT")
    with pytest.raises(EtlError) as refused:
        histories.back(load)
    assert refused.value.code == "ROLLBACK_CONFLICT"
    assert histories.seen() != before


def test_a_table_that_something_hangs_on_is_emptied(histories: Histories) -> None:
    load, _ = histories.publish(histories.stage([(1, "a", 1)]))
    histories.session.execute("CREATE VIEW v AS SELECT * FROM t")
    histories.back(load)
    assert histories.seen() == []


def test_without_generations_only_new_versions_can_be_taken_back(histories: Histories) -> None:
    histories.session.execute(MODEL.encode())
    first, _ = histories.publish(histories.stage([(1, "a", 1)]), keep=0)
    second, _ = histories.publish(histories.stage([(1, "b", 3)]), keep=0)
    with pytest.raises(EtlError) as refused:
        histories.back(second)
    assert refused.value.code == "ROLLBACK_UNAVAILABLE"
    third, _ = histories.publish(histories.stage([(7, "b", 3)]), keep=0)
    before = len(histories.seen() or [])
    histories.back(third)
    assert len(histories.seen() or []) == before - 1
    with pytest.raises(EtlError):
        histories.back(first)
