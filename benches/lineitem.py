"""The transformation that works B1 and B2 share, in the words of each contender."""

from __future__ import annotations

from pathlib import Path

COLUMNS = {
    "l_orderkey": "bigint",
    "l_partkey": "bigint",
    "l_suppkey": "bigint",
    "l_linenumber": "integer",
    "l_quantity": "decimal(15,2)",
    "l_extendedprice": "decimal(15,2)",
    "l_discount": "decimal(15,2)",
    "l_tax": "decimal(15,2)",
    "l_returnflag": "text",
    "l_linestatus": "text",
    "l_shipdate": "date",
    "l_commitdate": "date",
    "l_receiptdate": "date",
    "l_shipinstruct": "text",
    "l_shipmode": "text",
    "l_comment": "text",
}
FILTER = "l_shipdate <= date '1998-09-02'"
DERIVED = {
    "disc_price": "l_extendedprice * (1 - l_discount)",
    "charge": "l_extendedprice * (1 - l_discount) * (1 + l_tax)",
    "ship_year": "extract(year from l_shipdate)",
    "late": "l_receiptdate > l_commitdate",
    "mode": "lower(l_shipmode)",
    "flags": "concat(l_returnflag, l_linestatus)",
}


def select(relation: str) -> str:
    """Return the transformation as a query over a relation with the columns above."""
    derived = ", ".join(f"{expression} as {name}" for name, expression in DERIVED.items())
    return f"select *, {derived} from {relation} where {FILTER}"


def pipeline(source: Path, sink: str) -> str:
    """Return the transformation as a pipeline file.

    Args:
        source: The CSV file.
        sink: The kind of sink and its options, as YAML in one line.
    """
    columns = ", ".join(f'{name}: "{kind}"' for name, kind in COLUMNS.items())
    derived = "\n".join(f'      {name}: "{text}"' for name, text in DERIVED.items())
    return f"""\
api: etlplus/v1
name: lineitem
sources:
  lineitem: {{csv: {{uri: "{source}", header: true, columns: {{{columns}}}}}}}
steps:
  - filter: "{FILTER}"
  - map:
{derived}
sinks:
  out: {{{sink}}}
"""
