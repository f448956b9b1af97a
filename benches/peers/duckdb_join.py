"""B4 in DuckDB: `python -m benches.peers.duckdb_join ORDERS LINEITEM TARGET`."""

from __future__ import annotations

import sys

import duckdb

from benches.lineitem import COLUMNS as LINEITEM
from benches.orders import ORDERS, QUERY
from benches.peers.settings import DUCKDB


def relation(path: str, types: dict[str, str]) -> str:
    """Return a CSV file as a relation."""
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in types.items())
    return f"read_csv('{path}', header = true, columns = {{{columns}}})"


def main(orders: str, lineitem: str, target: str) -> None:
    """Read both files, join, group, and write a Parquet file."""
    query = QUERY.format(orders=relation(orders, ORDERS), lineitem=relation(lineitem, LINEITEM))
    duckdb.connect().execute(f"copy ({query}) to '{target}' ({DUCKDB})")


if __name__ == "__main__":
    main(*sys.argv[1:])
