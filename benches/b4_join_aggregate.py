"""B4: orders joined with lineitem and grouped, from CSV to Parquet."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb

from benches import data
from benches.measure import Result, etlplus, in_turns, memory_goal, peer, ratio_goal, run
from benches.orders import pipeline

WHAT = (
    "TPC-H orders ⋈ lineitem from two CSV files (scale factor 1) → grouped by year and priority: "
    "count, sum of discounted prices, average quantity → Parquet. Whole processes."
)


def measure() -> Result:
    """Run ETL Plus, DuckDB and Polars in turns."""
    orders, lineitem = data.orders(), data.lineitem()
    data.warm(orders)
    data.warm(lineitem)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = etlplus(
            pipeline(orders, lineitem, folder / "etlplus.parquet"), folder, orders.parent
        )
        both = (orders, lineitem)
        rows = in_turns(
            {
                "ETL Plus": ours,
                "DuckDB": lambda: run(peer("duckdb_join", *both, folder / "duckdb.parquet")),
                "Polars": lambda: run(peer("polars_join", *both, folder / "polars.parquet")),
            }
        )
        check_equal(folder)
    fastest = min(rows[1:], key=lambda row: row.sample.seconds).contender
    goals = [ratio_goal(rows, fastest, 1 / 1.2), memory_goal(rows[0], 256)]
    return Result("B4 join and aggregate", WHAT, rows, goals)


def check_equal(folder: Path) -> None:
    """Check that the contenders computed the same groups.

    Raises:
        RuntimeError: They did not.
    """
    query = "select year, priority, rows, revenue, round(quantity, 6) from '{}' order by all"
    found = {
        name: duckdb.execute(query.format(folder / f"{name}.parquet")).fetchall()
        for name in ("etlplus", "duckdb", "polars")
    }
    if not found["etlplus"] or any(rows != found["etlplus"] for rows in found.values()):
        raise RuntimeError(f"the results differ: {found}")
