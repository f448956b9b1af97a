"""A load by dlt, as its manual has it: the same script is simply run again after a crash.

Usage: dlt_load.py SOURCE DATABASE_URL TABLE FOLDER, by the interpreter of the rivals.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator

import dlt


def rows(source: str) -> Iterator[dict[str, object]]:
    """The good rows of a source of `load.write_source`."""
    with open(source, newline="") as file:  # noqa: PTH123 it is a rival's script
        for row in csv.DictReader(file):
            if row["amount"] != "none":
                yield {"id": int(row["id"]), "word": row["word"], "crc": row["crc"]}


def main(source: str, url: str, table: str, folder: str) -> None:
    """Load, append, and say so."""
    pipeline = dlt.pipeline(
        pipeline_name=table,
        destination=dlt.destinations.postgres(credentials=url),
        dataset_name="rivals",
        pipelines_dir=folder,
    )
    pipeline.run(rows(source), table_name=table, write_disposition="append")


if __name__ == "__main__":
    main(*sys.argv[1:])
