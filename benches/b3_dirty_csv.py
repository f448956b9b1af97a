"""B3: lineitem with damaged rows, to typed Parquet and a file of rejects with line and reason."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb

from benches import data, dirty
from benches.equal import check_same_rows
from benches.lineitem import pipeline
from benches.measure import Result, etlplus, in_turns, memory_goal, peer, ratio_goal, run

WHAT = (
    "B1 on a file with 1 % damaged rows (wrong types, dates that do not exist, numbers out of "
    "range, too few and too many fields, invalid UTF-8) and line breaks in 5 % of the comments → "
    "Parquet, and the rejects with line and reason → Parquet. Polars has no rejects."
)


def measure() -> Result:
    """Run ETL Plus and DuckDB with `store_rejects` in turns, and compare with the truth."""
    source, truth = dirty.lineitem()
    data.warm(source)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sinks = f'parquet: {{uri: "{folder}/etlplus.parquet"}}'
        bad = f'\n  bad: {{from: rejects, parquet: {{uri: "{folder}/rejects.parquet"}}}}\n'
        text = pipeline(source, sinks).rstrip("\n") + bad
        ours = etlplus(text, folder, source.parent)
        theirs = peer(
            "duckdb_rejects", source, folder / "duckdb.parquet", folder / "theirs.parquet"
        )
        rows = in_turns(
            {
                "ETL Plus": ours,
                "DuckDB, store_rejects": lambda: run(theirs),
            }
        )
        check_same_rows(folder / "etlplus.parquet", folder / "duckdb.parquet")
        check_rejects(folder / "rejects.parquet", truth)
    goals = [ratio_goal(rows, "DuckDB, store_rejects", 0.5), memory_goal(rows[0], 256)]
    return Result("B3 dirty CSV to Parquet and rejects", WHAT, rows, goals)


def check_rejects(rejects: Path, truth: Path) -> None:
    """Check that exactly the damaged rows were rejected, each with its line and reason.

    Raises:
        RuntimeError: A reject is missing, or too many, or has another line or reason.
    """
    query = f"select line, code from '{rejects}' order by line"
    found = [f"{line}\t{code}" for line, code in duckdb.execute(query).fetchall()]
    expected = truth.read_text().splitlines()
    if found != expected:
        difference = sorted(set(found) ^ set(expected))[:10]
        raise RuntimeError(f"{len(found)} rejects, {len(expected)} expected; {difference}")
