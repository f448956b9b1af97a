"""The PostgreSQL that tests run on: the embedded one in a folder of its own, or a given one."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psycopg

from etlplus.store.embedded.supervisor import EmbeddedPostgres
from etlplus.store.migrate import migrate

Result = TypeVar("Result")

URL_VARIABLE = "ETLPLUS_TEST_DATABASE_URL"

_TABLES = "select quote_ident(tablename) from pg_tables where schemaname = 'etlplus_control'"


def apart(work: Coroutine[None, None, Result]) -> Result:
    """Runs asynchronous work to its end, also where a loop of the test is running already."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@contextmanager
def enterable_folder() -> Iterator[Path]:
    """A temporary folder that every user of the machine may enter, as pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="etlplus-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def control_database() -> Iterator[str]:
    """The connection string of a migrated database that holds nothing else."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        apart(migrate(given))
        yield given
        return
    with enterable_folder() as folder:
        postgres = EmbeddedPostgres(folder, system_state=folder / "system")
        endpoint = apart(postgres.start())
        try:
            apart(migrate(endpoint.metadata))
            yield endpoint.metadata
        finally:
            apart(postgres.stop())


def empty(conninfo: str) -> None:
    """Removes all rows but the record of migrations."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        rows = connection.execute(_TABLES).fetchall()
        tables = [f"etlplus_control.{row[0]}" for row in rows if row[0] != "migration"]
        connection.execute(f"truncate {', '.join(tables)} cascade".encode())
