"""A join whose sides are each larger than the memory it may take."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb

from benches import data
from benches.measure import Result, etlplus, in_turns, memory_goal, peer, run

#: What each contender is told to stay within for its rows, in MiB.
MEMORY = 160
#: What a process may have resident, with its program.
RESIDENT = 300
QUERY = (
    "select count(*) as rows, sum(x) as x, sum(y) as y, sum(case when x = y then 1 else 0 end) "
    "as same from {a} join {b} using (id)"
)
WHAT = (
    f"20,000,000 rows ⋈ 20,000,000 rows by a key in scattered order, from two CSV files → counts "
    f"and sums → Parquet. Both are told to keep {MEMORY} MiB of rows. Whole processes."
)


def measure() -> Result:
    """Run ETL Plus and DuckDB in turns."""
    a, b = data.scattered("a", "x", 7919), data.scattered("b", "y", 104_729)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = etlplus(pipeline(a, b, folder / "etlplus.parquet"), folder, a.parent)
        target = folder / "duckdb.parquet"
        query = QUERY.format(a=f"read_csv('{a}')", b=f"read_csv('{b}')")
        rows = in_turns(
            {
                "ETL Plus": ours,
                "DuckDB": lambda: run(peer("duckdb_big_join", query, target, f"{MEMORY}MiB")),
            },
            runs=3,
        )
        check_equal(folder)
    return Result("Join beyond memory", WHAT, rows, [memory_goal(rows[0], RESIDENT)])


def pipeline(a: Path, b: Path, target: Path) -> str:
    """Return the join as a pipeline file."""
    return f"""\
api: etlplus/v1
name: big_join
sources:
  a: {{csv: {{uri: "{a}", header: true, columns: {{id: bigint, x: bigint}}}}}}
  b: {{csv: {{uri: "{b}", header: true, columns: {{id: bigint, y: bigint}}}}}}
steps:
  - sql: "{QUERY.format(a="a", b="b")}"
sinks:
  out: {{parquet: {{uri: "{target}"}}}}
limits: {{memory: {MEMORY}MiB}}
"""


def check_equal(folder: Path) -> None:
    """Check that the contenders found the same.

    Raises:
        RuntimeError: They did not, or lost a row.
    """
    query = "select rows, x, y, same from '{}'"
    ours, theirs = (
        duckdb.execute(query.format(folder / f"{name}.parquet")).fetchall()
        for name in ("etlplus", "duckdb")
    )
    if ours != theirs or ours[0][0] != data.SCATTERED:
        raise RuntimeError(f"the results differ: {ours}, {theirs}")
