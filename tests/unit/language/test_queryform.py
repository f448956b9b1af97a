"""What queries say by their form."""

from __future__ import annotations

import pytest

from etlplus.language.queryform import is_by_row

BY_ROW = [
    "select id, amount * 2 as twice from orders where amount > $params_least",
    "select * from parted.big",
    "select o.id from orders as o order by o.id",
    "select date_trunc('day', at) as day, coalesce(a, 'x'), case when b then 1 end from orders",
]
ALL_ROWS = [
    *("select sum(a) from t", "select count(*) from t", "select median(a) from t"),
    *("select a from t group by a", "select distinct a from t", "select a from t limit 3"),
    *("select a from t offset 3", "select a from t fetch first 3 rows only"),
    *("select a from t, u", "select t.a from t join u on t.a = u.a"),
    "select a from (select * from t)",
    *("select row_number() over () from t", "select a from t where a in (select a from u)"),
    *("select a from t union all select a from u", "with x as (select 1) select * from x"),
    *("select bit_and(a) from t", "select first_value(a) from t", "select some_function(a) from t"),
    *("no sql at all", "select 1; select 2", "", "select a from t having true", "(" * 2000),
]  # fmt: skip


@pytest.mark.parametrize("query", BY_ROW)
def test_queries_that_look_at_one_row_at_a_time(query: str) -> None:
    assert is_by_row(query)


@pytest.mark.parametrize("query", ALL_ROWS)
def test_queries_that_look_at_other_rows_or_are_not_understood(query: str) -> None:
    assert not is_by_row(query)
