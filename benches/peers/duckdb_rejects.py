"""B3 in DuckDB: `python -m benches.peers.duckdb_rejects SOURCE TARGET REJECTS`."""

from __future__ import annotations

import sys

import duckdb

from benches.lineitem import COLUMNS, select
from benches.peers.settings import DUCKDB


def main(source: str, target: str, rejects: str) -> None:
    """Read the CSV file, transform it, and write a Parquet file and one of rejects."""
    connection = duckdb.connect()
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    relation = (
        f"read_csv('{source}', header = true, store_rejects = true, delim = ',', quote = '\"', "
        f"escape = '\"', rejects_limit = 0, columns = {{{columns}}})"
    )
    connection.execute(f"copy ({select(relation)}) to '{target}' ({DUCKDB})")
    connection.execute(f"copy reject_errors to '{rejects}' ({DUCKDB})")


if __name__ == "__main__":
    main(*sys.argv[1:])
