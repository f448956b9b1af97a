"""B4 in Polars, streaming: `python -m benches.peers.polars_join ORDERS LINEITEM TARGET`."""

from __future__ import annotations

import sys

import polars as pl

from benches.lineitem import COLUMNS as LINEITEM
from benches.orders import ORDERS
from benches.peers.polars_parquet import schema
from benches.peers.settings import POLARS


def main(orders: str, lineitem: str, target: str) -> None:
    """Read both files, join, group, and write a Parquet file."""
    price, discount = pl.col("l_extendedprice"), pl.col("l_discount")
    # A product has the larger of its factors' scales here, so it is widened to keep every digit.
    revenue = price.cast(pl.Decimal(18, 4)) * (1 - discount)
    (
        pl.scan_csv(lineitem, schema=schema(LINEITEM))
        .join(
            pl.scan_csv(orders, schema=schema(ORDERS)), left_on="l_orderkey", right_on="o_orderkey"
        )
        .group_by(
            year=pl.col("o_orderdate").dt.year().cast(pl.Int32), priority=pl.col("o_orderpriority")
        )
        .agg(
            rows=pl.len().cast(pl.Int64),
            revenue=revenue.sum(),
            quantity=pl.col("l_quantity").cast(pl.Float64).mean(),
        )
        .sink_parquet(target, **POLARS)
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
