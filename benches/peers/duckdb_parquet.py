"""B1 in DuckDB: `python -m benches.peers.duckdb_parquet SOURCE TARGET`."""

from __future__ import annotations

import sys

import duckdb

from benches.lineitem import COLUMNS, select
from benches.peers.settings import DUCKDB


def main(source: str, target: str) -> None:
    """Read the CSV file, transform it and write a Parquet file."""
    connection = duckdb.connect()
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    relation = f"read_csv('{source}', header = true, columns = {{{columns}}})"
    connection.execute(f"copy ({select(relation)}) to '{target}' ({DUCKDB})")


if __name__ == "__main__":
    main(*sys.argv[1:])
