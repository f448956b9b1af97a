"""Reading tables and queries: what comes, what is refused, what becomes a reject."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from etlplus.domain.errors import EtlError
from tests.conformance.publish.conftest import Session
from tests.conformance.publish.engine import Bench


def pipeline(source: str, more: str = "") -> str:
    return (
        "api: etlplus/v1\nname: p\n"
        f"sources: {{rows: {{postgres: {{connection: local, {source}}}}}}}\n"
        f"{more}"
        "sinks: {out: {parquet: out.parquet}}\n"
    )


def rows(bench: Bench, source: str, more: str = "") -> list[dict[str, object]]:
    bench.run(pipeline(source, more))
    found: list[dict[str, object]] = pq.read_table(bench.folder / "out.parquet").to_pylist()
    return found


def test_a_query_in_the_servers_own_dialect(session: Session, bench: Bench) -> None:
    query = "select 1 as a, array[1, 2] as b, 1.50 as c, null::inet as d, '1 day'::interval as e; "
    assert rows(bench, f'query: "{query}"') == [
        {"a": 1, "b": "[1,2]", "c": "1.50", "d": None, "e": "1 day"}
    ]
    assert session.execute("SELECT 1").fetchone() == (1,)


def test_a_query_that_ends_with_a_comment(bench: Bench) -> None:
    assert rows(bench, 'query: "select 1 as a -- all"') == [{"a": 1}]


def test_only_the_columns_that_are_asked_for(session: Session, bench: Bench) -> None:
    session.execute('CREATE TABLE "T x" ("A b" integer, c text, d numeric(5,2))')
    session.execute("INSERT INTO \"T x\" VALUES (1, 'x', 1.5), (2, NULL, NULL)")
    assert rows(bench, 'table: "public.T x"', 'steps: [{select: ["A b"]}]\n') == [
        {"A b": 1},
        {"A b": 2},
    ]


def test_many_rows_in_small_batches(session: Session, bench: Bench) -> None:
    session.execute("CREATE TABLE t AS SELECT n, n::text AS t FROM generate_series(1, 50000) n")
    bench.run(pipeline("table: t"), batch_rows=999)
    found = pq.read_table(bench.folder / "out.parquet").to_pydict()
    assert found["n"] == list(range(1, 50001))
    assert found["t"] == [str(n) for n in range(1, 50001)]


def test_values_without_a_counterpart_are_rejects(session: Session, bench: Bench) -> None:
    session.execute("CREATE TABLE t (n integer, d date, v numeric(9,2), w timestamptz)")
    session.execute(
        "INSERT INTO t VALUES (1, '2026-01-02', 1.5, now()), (2, 'infinity', 'NaN', now()), "
        "(3, NULL, NULL, '-infinity')"
    )
    # A column that is not asked for can be the reason, so that a projection changes nothing.
    finished = bench.run(pipeline("table: t", "steps: [{select: [n]}]\n"))
    assert pq.read_table(bench.folder / "out.parquet").to_pylist() == [{"n": 1}]
    found = [(reject.line, reject.code, reject.column) for reject in finished.rejects]
    assert found == [(2, "CONVERSION_FAILED", "d"), (3, "CONVERSION_FAILED", "w")]
    assert '"n":2' in finished.rejects[0].raw
    assert '"column":"v"' in finished.rejects[0].reasons
    assert finished.published[0].books.read == 3


def test_an_enumeration_and_a_domain(session: Session, bench: Bench) -> None:
    session.execute("CREATE TYPE mood AS ENUM ('ok', 'fine')")
    session.execute("CREATE DOMAIN small AS smallint")
    session.execute("CREATE TABLE t (m mood, s small)")
    session.execute("INSERT INTO t VALUES ('fine', 7)")
    assert rows(bench, "table: t") == [{"m": "fine", "s": 7}]


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        ("table: missing", "TABLE_NOT_FOUND", "public.missing"),
        ("table: a.b.c", "PLAN_INVALID", "a.b.c"),
        ('query: "select nothing"', "DATABASE_ERROR", "nothing"),
        ('query: "select 1 as a, 2 as a"', "SOURCE_MISMATCH", "'a'"),
        ('query: "select 1) to program $$true$$ --"', "DATABASE_ERROR", "syntax error"),
        ('query: "select 1; select 2"', "DATABASE_ERROR", "multiple commands"),
        ('query: "create table u (a int)"', "SOURCE_EMPTY", "no columns"),
        ('query: "select 1/(n-2) as a from generate_series(1, 3) n"', "DATABASE_ERROR", "zero"),
    ],
)
def test_what_cannot_be_read_is_named(bench: Bench, source: str, code: str, message: str) -> None:
    with pytest.raises(EtlError) as refused:
        bench.run(pipeline(source))
    assert refused.value.code == code
    assert message in refused.value.message
    assert not (bench.folder / "out.parquet").exists()


def test_a_query_changes_nothing(session: Session, bench: Bench) -> None:
    session.execute("CREATE TABLE t (a integer)")
    session.execute(
        "CREATE FUNCTION sneak() RETURNS integer LANGUAGE sql AS 'INSERT INTO t VALUES (1) "
        "RETURNING a'"
    )
    with pytest.raises(EtlError) as refused:
        bench.run(pipeline('query: "select sneak() as a"'))
    assert "read-only" in refused.value.message
    assert session.execute("SELECT count(*) FROM t").fetchone() == (0,)
