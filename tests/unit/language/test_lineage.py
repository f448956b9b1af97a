"""Of which columns of sources sinks are computed, as the real engine compiles the steps."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from etlplus.app.ports import RunContext
from etlplus.domain.lineage import ColumnLineage
from etlplus.engine import RustEngine
from etlplus.language import PipelineLanguage
from etlplus.language.lowering import runtime

HEAD = """
api: etlplus/v1
name: traced
params: {day: {default: "2026-01-31"}}
sources:
  orders: {csv: {uri: orders.csv}}
  people: {csv: {uri: people.csv}}
steps:
"""
ORDERS = "id,amount,Cust,a.b,current_user,at\n1,2,x,3,me,2026-01-31\n"
PEOPLE = "cust,name,id\nx,ann,7\n"
UNKNOWN = "?"


def traced(folder: Path, steps: str, read: str = "") -> dict[str, str]:
    """The origins of the columns of a sink behind some steps, as text."""
    (folder / "orders.csv").write_text(ORDERS, encoding="utf-8")
    (folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    (folder / "work").mkdir()
    language = PipelineLanguage()
    source = f"{{from: {read}, jsonl: out.jsonl}}" if read else "{jsonl: out.jsonl}"
    parsed = language.parse(HEAD + steps + f"sinks: {{out: {source}}}\n")
    assert parsed.spec is not None, parsed.problems
    context = RunContext("", datetime.now(UTC), {}, lambda _: "key")
    plan = language.lower(parsed.spec, {}, context)
    place = str(folder)
    settings = runtime(
        connections=(),
        file_roots=[place],
        base_dir=place,
        work_dir=str(folder / "work"),
        load_id="0" * 32,
        epoch=1,
    )
    (sink,) = language.lineage(plan, RustEngine().plan(plan, settings))
    return {each.column: _text(each) for each in sink.columns}


def _text(column: ColumnLineage) -> str:
    if column.unknown:
        assert not column.origins
        return UNKNOWN
    return " ".join(f"{each.source}.{each.column}" for each in column.origins)


QUERIES: list[tuple[str, dict[str, str]]] = [
    # Names, aliases and their case.
    ("select o.id as x, amount y from orders o", {"x": "orders.id", "y": "orders.amount"}),
    ("select amount as id, id as amount from orders",
     {"id": "orders.amount", "amount": "orders.id"}),
    ('select Cust, "a.b" as ab from orders', {"Cust": "orders.Cust", "ab": "orders.a.b"}),
    ("select o.Cust, p.cust from orders o, people p",
     {"Cust": "orders.Cust", "cust": "people.cust"}),
    # Stars.
    ("select * from people", {"cust": "people.cust", "name": "people.name", "id": "people.id"}),
    ("select p.*, amount from people p join orders o on o.Cust = p.cust",
     {"cust": "people.cust", "name": "people.name", "id": "people.id", "amount": "orders.amount"}),
    ("select x.n from (select *, name as n from people) x", {"n": "people.name"}),
    # Queries by name, one of which hides a source.
    ("with x as (select id as k from orders), y as (select k + 1 as k2 from x) select k2 from y",
     {"k2": "orders.id"}),
    ("with people as (select id as name from orders) select name from people",
     {"name": "orders.id"}),
    ("with orders as (select id, amount as Cust from orders) select Cust from orders",
     {"Cust": "orders.amount"}),
    ("select n from (with orders as (select name as n from people) select n from orders) q",
     {"n": "people.name"}),
    # One table twice.
    ("select a.id, b.amount from orders a join orders b on a.id = b.id",
     {"id": "orders.id", "amount": "orders.amount"}),
    (("select a.v as x, b.v as y from (select id as v from orders) a "
     "join (select id as v from people) b on a.v = b.v"), {"x": "orders.id", "y": "people.id"}),
    # Both sides of a key.
    ("select coalesce(o.id, p.id) as id from orders o full join people p on o.id = p.id",
     {"id": "orders.id people.id"}),
    # Functions that look at other rows.
    ("select sum(amount) over (partition by Cust order by at) as s from orders",
     {"s": "orders.Cust orders.amount orders.at"}),
    ("select Cust, sum(amount) filter (where id > 1) as s, count(*) as n from orders group by Cust",
     {"Cust": "orders.Cust", "s": "orders.amount orders.id", "n": ""}),
    ("select sum(amount) over w as s from orders window w as (partition by Cust)", {"s": UNKNOWN}),
    # Rows of several queries.
    ("select id, Cust as c from orders union all select id, name from people",
     {"id": "orders.id people.id", "c": "orders.Cust people.name"}),
    ("select c from (select Cust as c from orders union select name from people) u",
     {"c": "orders.Cust people.name"}),
    ("select Cust as c from orders except select name from people", {"c": UNKNOWN}),
    # Queries within.
    ("select id, (select max(name) from people) as m from orders",
     {"id": "orders.id", "m": "people.name"}),
    ("select id from orders where Cust in (select cust from people)", {"id": "orders.id"}),
    ("select exists (select 1 from people p where p.id = o.id) as e from orders o", {"e": UNKNOWN}),
    # Without columns, or with words that look like something else.
    ("select 1 as one, ${params.day} as day, 'x' as text from orders",
     {"one": "", "day": "", "text": ""}),
    ('select "current_user" as u from orders', {"u": "orders.current_user"}),
    ("select current_user as u from orders", {"u": UNKNOWN}),
    ("select case when amount > 1 then 'big' else Cust end as c from orders",
     {"c": "orders.Cust orders.amount"}),
    ("select column1 as v from (values (1), (2))", {"v": UNKNOWN}),
]  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), QUERIES)
def test_queries(tmp_path: Path, query: str, expected: dict[str, str]) -> None:
    found = traced(tmp_path, f"  - {{name: q, sql: {{query: {query!r}}}}}\n")
    assert found == expected


STEPS: list[tuple[str, dict[str, str]]] = [
    ("{select: [name, id]}", {"name": "people.name", "id": "people.id"}),
    ("{drop: [cust]}", {"name": "people.name", "id": "people.id"}),
    ("{rename: {name: id, id: name}}",
     {"cust": "people.cust", "id": "people.name", "name": "people.id"}),
    ('{map: {name: "upper(name || cust)", n: "1", id: "name", k: "id + 1"}}',
     {"cust": "people.cust", "name": "people.cust people.name", "id": "people.name", "n": "",
      "k": "people.id"}),
    ("{cast: {id: text}}", {"cust": "people.cust", "name": "people.name", "id": "people.id"}),
    ('{mask: {name: {how: hash, key: "${secret.pii}"}}}',
     {"cust": "people.cust", "name": "people.name", "id": "people.id"}),
    ("{aggregate: {by: [cust], columns: {n: count(*), ids: sum(id) filter (where name > cust)}}}",
     {"cust": "people.cust", "n": "", "ids": "people.cust people.id people.name"}),
    ("{validate: {not_null: [id], unique: [id], references: [{to: orders, on: [id]}]}}",
     {"cust": "people.cust", "name": "people.name", "id": "people.id"}),
    ("{dedupe: [id]}", {"cust": "people.cust", "name": "people.name", "id": "people.id"}),
    ("{sort: [id]}", {"cust": "people.cust", "name": "people.name", "id": "people.id"}),
    ("{join: {with: orders, on: [id], columns: {total: amount}}}",
     {"cust": "people.cust", "name": "people.name", "id": "people.id", "total": "orders.amount"}),
    ("{join: {with: orders, on: [id], how: full, columns: {total: amount}}}",
     {"cust": "people.cust", "name": "people.name", "id": "orders.id people.id",
      "total": "orders.amount"}),
    ("{join: {with: orders, keys: {cust: Cust}, how: right, columns: {total: amount}}}",
     {"cust": "orders.Cust people.cust", "name": "people.name", "id": "people.id",
      "total": "orders.amount"}),
    ("{join: {with: orders, on: [id], how: semi}}",
     {"cust": "people.cust", "name": "people.name", "id": "people.id"}),
    ("{join: {with: orders, on: [id], how: lookup}}",
     {"cust": "people.cust", "name": "people.name", "id": "people.id", "amount": "orders.amount",
      "Cust": "orders.Cust", "a.b": "orders.a.b", "current_user": "orders.current_user",
      "at": "orders.at"}),
]  # fmt: skip


@pytest.mark.parametrize(("step", "expected"), STEPS)
def test_steps(tmp_path: Path, step: str, expected: dict[str, str]) -> None:
    step = "{name: s, from: people, " + step[1:]
    assert traced(tmp_path, f"  - {step}\n") == expected


def test_columns_are_followed_through_all_steps(tmp_path: Path) -> None:
    steps = """
  - {name: named, from: people, rename: {name: who}}
  - {name: joined, from: orders, join: {with: named, keys: {Cust: cust}, columns: {who: who}}}
  - {name: parted, route: {outputs: {big: amount > 10}, default: rest}}
  - {name: q, sql: "select who, amount + id as v from parted.big"}
  - {name: r, map: {v: "v + length(who)"}}
"""
    assert traced(tmp_path, steps) == {
        "who": "people.name",
        "v": "orders.amount orders.id people.name",
    }


def test_what_is_unknown_stays_so(tmp_path: Path) -> None:
    steps = """
  - {name: q, sql: "select sum(amount) over w as s, id from orders window w as (order by id)"}
  - {name: r, map: {t: "s + 1", u: "1"}}
"""
    assert traced(tmp_path, steps) == {"s": UNKNOWN, "id": UNKNOWN, "t": UNKNOWN, "u": ""}


def test_the_rejects_have_no_origin_that_is_known(tmp_path: Path) -> None:
    found = traced(tmp_path, "  - {name: f, from: people, filter: id > 1}\n", "rejects")
    assert set(found.values()) == {UNKNOWN}


def test_elements_and_fields_come_of_the_column_that_held_them(tmp_path: Path) -> None:
    steps = """
  - {name: made, from: people, map: {tags: "make_array(name, cust)", pair: "named_struct('a', id)"}}
  - {name: rows, unnest: tags}
  - {name: fields, unnest: {column: pair, prefix: p_}}
"""
    found = traced(tmp_path, steps)
    assert found["tags"] == "people.cust people.name"
    assert {name: of for name, of in found.items() if name.startswith("p_")} == {"p_a": "people.id"}
