"""The join beyond memory in DuckDB: `duckdb_big_join QUERY TARGET MEMORY`."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from benches.peers.settings import DUCKDB


def main(query: str, target: str, memory: str) -> None:
    """Join within a limit of memory, spilling beside the target, and write a Parquet file."""
    connection = duckdb.connect()
    connection.execute(f"set memory_limit = '{memory}'")
    connection.execute(f"set temp_directory = '{Path(target).parent / 'spill'}'")
    connection.execute("set preserve_insertion_order = false")
    connection.execute(f"copy ({query}) to '{target}' ({DUCKDB})")


if __name__ == "__main__":
    main(*sys.argv[1:])
