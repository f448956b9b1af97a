"""B2's limit: `python -m benches.peers.raw_copy FILE CONNINFO TABLE` sends ready bytes by COPY.

The table must exist; it is emptied first, in the same transaction.
"""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg
from psycopg import sql


def main(file: str, conninfo: str, table: str) -> None:
    """Copy a file in COPY's binary format into a table over one connection."""
    name = sql.Identifier(*table.split("."))
    with psycopg.connect(conninfo) as connection, Path(file).open("rb") as source:
        connection.execute(sql.SQL("truncate {}").format(name))
        with (
            connection.cursor() as cursor,
            cursor.copy(sql.SQL("copy {} from stdin (format binary)").format(name)) as copy,
        ):
            while block := source.read(1 << 20):
                copy.write(block)


if __name__ == "__main__":
    main(*sys.argv[1:])
