"""B1: TPC-H lineitem from CSV, filtered, six columns derived, to Parquet with zstd."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benches import data
from benches.equal import check_same_rows
from benches.lineitem import pipeline
from benches.measure import Result, etlplus, in_turns, memory_goal, peer, ratio_goal, run

WHAT = (
    "766 MB of CSV (scale factor 1) → filter on a date → six derived columns → Parquet. All write "
    "zstd level 1, row groups of 262,144 rows and statistics. "
    "Whole processes: start, read, compute, write, exit."
)


def measure() -> Result:
    """Run ETL Plus, DuckDB and Polars in turns."""
    source = data.lineitem()
    data.warm(source)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = etlplus(
            pipeline(source, f'parquet: {{uri: "{folder}/etlplus.parquet"}}'), folder, source.parent
        )
        rows = in_turns(
            {
                "ETL Plus": ours,
                "DuckDB": lambda: run(peer("duckdb_parquet", source, folder / "duckdb.parquet")),
                "Polars": lambda: run(peer("polars_parquet", source, folder / "polars.parquet")),
            }
        )
        for theirs in ("duckdb", "polars"):
            check_same_rows(folder / "etlplus.parquet", folder / f"{theirs}.parquet")
    fastest = min(rows[1:], key=lambda row: row.sample.seconds).contender
    goals = [ratio_goal(rows, fastest, 1 / 1.3), memory_goal(rows[0], 256)]
    return Result("B1 CSV to Parquet", WHAT, rows, goals)
