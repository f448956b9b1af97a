"""B2 in DuckDB with ADBC: `python -m benches.peers.duckdb_postgres SOURCE CONNINFO TABLE`."""

from __future__ import annotations

import sys

import adbc_driver_postgresql.dbapi as adbc
import duckdb

from benches.lineitem import COLUMNS, select


def main(source: str, conninfo: str, table: str) -> None:
    """Read the CSV file, transform it and ingest the batches into a table."""
    connection = duckdb.connect()
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    relation = f"read_csv('{source}', header = true, columns = {{{columns}}})"
    reader = connection.execute(select(relation)).to_arrow_reader(65536)
    with adbc.connect(conninfo) as target, target.cursor() as cursor:
        cursor.adbc_ingest(table, reader, mode="replace")
        target.commit()


if __name__ == "__main__":
    main(*sys.argv[1:])
