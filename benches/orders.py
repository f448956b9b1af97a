"""The join that work B4 measures, in the words of each contender."""

from __future__ import annotations

from pathlib import Path

from benches.lineitem import COLUMNS as LINEITEM

ORDERS = {
    "o_orderkey": "bigint",
    "o_custkey": "bigint",
    "o_orderstatus": "text",
    "o_totalprice": "decimal(15,2)",
    "o_orderdate": "date",
    "o_orderpriority": "text",
    "o_clerk": "text",
    "o_shippriority": "integer",
    "o_comment": "text",
}
QUERY = (
    "select extract(year from o_orderdate) as year, o_orderpriority as priority, "
    "count(*) as rows, sum(l_extendedprice * (1 - l_discount)) as revenue, "
    "avg(cast(l_quantity as double)) as quantity "
    "from {lineitem} join {orders} on l_orderkey = o_orderkey group by 1, 2"
)


def pipeline(orders: Path, lineitem: Path, target: Path) -> str:
    """Return the join as a pipeline file."""
    query = QUERY.format(orders="orders", lineitem="lineitem")
    return f"""\
api: etlplus/v1
name: revenue
sources:
  orders: {{csv: {{uri: "{orders}", header: true, columns: {{{_columns(ORDERS)}}}}}}}
  lineitem: {{csv: {{uri: "{lineitem}", header: true, columns: {{{_columns(LINEITEM)}}}}}}}
steps:
  - sql: "{query}"
sinks:
  out: {{parquet: {{uri: "{target}"}}}}
"""


def _columns(types: dict[str, str]) -> str:
    return ", ".join(f'{name}: "{kind}"' for name, kind in types.items())
