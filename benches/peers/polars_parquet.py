"""B1 in Polars, streaming: `python -m benches.peers.polars_parquet SOURCE TARGET`."""

from __future__ import annotations

import re
import sys
from datetime import date

import polars as pl

from benches.lineitem import COLUMNS
from benches.peers.settings import POLARS

TYPES = {"bigint": pl.Int64, "integer": pl.Int32, "text": pl.String, "date": pl.Date}


def schema(columns: dict[str, str]) -> dict[str, pl.DataType]:
    """Return columns with their types."""
    types = {}
    for name, kind in columns.items():
        decimal = re.fullmatch(r"decimal\((\d+),(\d+)\)", kind)
        types[name] = pl.Decimal(*map(int, decimal.groups())) if decimal else TYPES[kind]()
    return types


def frame(source: str) -> pl.LazyFrame:
    """Return the transformation over a CSV file."""
    price, discount, tax = pl.col("l_extendedprice"), pl.col("l_discount"), pl.col("l_tax")
    # A product has the larger of its factors' scales here, so they are widened to keep every digit.
    discounted = price.cast(pl.Decimal(18, 4)) * (1 - discount)
    return (
        pl.scan_csv(source, schema=schema(COLUMNS))
        .filter(pl.col("l_shipdate") <= date(1998, 9, 2))
        .with_columns(
            disc_price=discounted,
            charge=discounted.cast(pl.Decimal(18, 6)) * (1 + tax),
            ship_year=pl.col("l_shipdate").dt.year(),
            late=pl.col("l_receiptdate") > pl.col("l_commitdate"),
            mode=pl.col("l_shipmode").str.to_lowercase(),
            flags=pl.concat_str("l_returnflag", "l_linestatus"),
        )
    )


def main(source: str, target: str) -> None:
    """Read the CSV file, transform it and write a Parquet file."""
    frame(source).sink_parquet(target, **POLARS)


if __name__ == "__main__":
    main(*sys.argv[1:])
