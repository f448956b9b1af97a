"""Whether two contenders wrote the same rows."""

from __future__ import annotations

from pathlib import Path

import duckdb

#: Rows of one file that the other one lacks, each counted as often as it is there.
_LACKING = """
select count(*) from (
    (select {columns} from '{a}') except all (select {columns} from '{b}')
)"""


def check_same_rows(ours: Path, theirs: Path) -> None:
    """Check that two Parquet files hold the same rows, whatever their order.

    Raises:
        RuntimeError: They do not.
    """
    session = duckdb.connect()
    session.execute("set enable_progress_bar = false")
    [(count,)] = session.execute(f"select count(*) from '{ours}'").fetchall()
    described = session.execute(f"describe select * from '{ours}'").fetchall()
    columns = ", ".join(f'"{column[0]}"' for column in described)
    lacking = [
        session.execute(_LACKING.format(columns=columns, a=a, b=b)).fetchall()[0][0]
        for a, b in ((ours, theirs), (theirs, ours))
    ]
    if any(lacking) or not count:
        raise RuntimeError(
            f"of {count} rows {lacking[0]} are in {ours.name} alone, {lacking[1]} in {theirs.name}"
        )
