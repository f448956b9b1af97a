"""Brings the database's schema to what this build needs, from numbered SQL files, forward only.

A file is one transaction. A file whose first line is `-- no-transaction` holds one statement that
cannot run in one (`create index concurrently if not exists …`).
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

import psycopg
from psycopg import AsyncConnection

from etlplus.domain.errors import Unavailable, WrongState
from etlplus.store.database import CONNECT_OPTIONS
from etlplus.store.queries import load_queries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

#: The key of the advisory lock: one migration at a time in a database.
LOCK_KEY = 0x65746C70
LOCK_POLL_SECONDS = 0.2
LOCK_WAIT_SECONDS = 120.0
#: As PostgreSQL counts: 15.0.
OLDEST_SERVER = 150_000
NO_TRANSACTION = "-- no-transaction"

_FILE = re.compile(r"([0-9]{4})_([a-z0-9_]+)\.sql")
_SQL = load_queries("migrate")


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number from 1, its name, its text and the text's SHA-256 in hexadecimal."""

    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        """The fingerprint that is recorded when the file is applied."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def built_in() -> list[Migration]:
    """The migrations of this build, in order.

    Raises:
        WrongState: A number is missing or there twice.
    """
    folder = resources.files("etlplus.store").joinpath("migrations")
    names = (each.name for each in folder.iterdir() if each.name.endswith(".sql"))
    return ordered([(name, folder.joinpath(name).read_text("utf-8")) for name in names])


def ordered(files: Sequence[tuple[str, str]]) -> list[Migration]:
    """Migrations from file names and texts, in order.

    Raises:
        WrongState: A name is not `NNNN_name.sql`, or the numbers are not 1, 2, 3 …
    """
    found = []
    for name, text in files:
        match = _FILE.fullmatch(name)
        if match is None:
            raise _refused(f"{name} is not named NNNN_name.sql")
        found.append(Migration(int(match[1]), match[2], text))
    found.sort(key=lambda each: each.number)
    for expected, each in enumerate(found, start=1):
        if each.number != expected:
            raise _refused(
                f"migration {expected:04} is missing, or {each.number:04} is there twice"
            )
    return found


async def migrate(conninfo: str, migrations: Sequence[Migration] | None = None) -> list[str]:
    """Applies what is not applied yet. Any number of processes may call it at once.

    Args:
        conninfo: A connection string or URL of the service's database.
        migrations: What to apply; this build's by default.

    Returns:
        The names of the applied files.

    Raises:
        WrongState: MIGRATION_REFUSED: the database is newer, or an applied file was edited.
        Unavailable: The database cannot be reached, or another migration does not end.
    """
    wanted = built_in() if migrations is None else list(migrations)
    async with _connected(conninfo) as connection:
        await _lock(connection)
        with _naming("the record of migrations"):
            await connection.execute(_SQL["prepare"])
        pending = await _pending(connection, wanted)
        for migration in pending:
            with _naming(f"migration {migration.number:04}_{migration.name}"):
                await _apply(connection, migration)
        return [f"{each.number:04}_{each.name}" for each in pending]


async def pending(conninfo: str) -> list[str]:
    """The names of this build's files that are not applied; changes nothing.

    Raises:
        WrongState: MIGRATION_REFUSED, as in `migrate`.
    """
    wanted = built_in()
    async with _connected(conninfo) as connection:
        exists = await (await connection.execute(_SQL["exists"])).fetchone()
        waiting = await _pending(connection, wanted) if exists and exists[0] else wanted
        return [f"{each.number:04}_{each.name}" for each in waiting]


@asynccontextmanager
async def _connected(conninfo: str) -> AsyncIterator[AsyncConnection]:
    try:
        connection = await AsyncConnection.connect(
            conninfo, autocommit=True, application_name="etlplus migrate", **CONNECT_OPTIONS
        )
    except psycopg.OperationalError as error:
        raise Unavailable(
            f"The service's database cannot be reached: {str(error).strip()}",
            code="DATABASE_UNAVAILABLE",
        ) from error
    async with connection:
        if connection.info.server_version < OLDEST_SERVER:
            raise Unavailable(
                f"The service's database is PostgreSQL {connection.info.server_version // 10_000}.",
                code="DATABASE_VERSION_MISMATCH",
                hint=f"ETL Plus needs PostgreSQL {OLDEST_SERVER // 10_000} or newer.",
            )
        yield connection


async def _lock(connection: AsyncConnection) -> None:
    # Polled: a waiting statement would hold a snapshot, and `create index concurrently` in the
    # process that has the lock waits for every older snapshot. They would wait for each other.
    deadline = asyncio.get_running_loop().time() + LOCK_WAIT_SECONDS
    while True:
        row = await (await connection.execute(_SQL["lock"], (LOCK_KEY,))).fetchone()
        if row is not None and row[0]:
            return
        if asyncio.get_running_loop().time() >= deadline:
            raise Unavailable(
                "Another process has been migrating the database for too long.",
                code="DATABASE_BUSY",
                hint="See pg_stat_activity for application_name 'etlplus migrate'.",
            )
        await asyncio.sleep(LOCK_POLL_SECONDS)


async def _pending(connection: AsyncConnection, wanted: Sequence[Migration]) -> list[Migration]:
    rows = await (await connection.execute(_SQL["applied"])).fetchall()
    if len(rows) > len(wanted):
        raise _refused(
            f"the database has {len(rows)} migrations, this build knows {len(wanted)}",
            "Run a newer build of ETL Plus, the one that migrated it or later.",
        )
    for (number, name, sha256), migration in zip(rows, wanted, strict=False):
        if (number, sha256) != (migration.number, migration.sha256):
            raise _refused(
                f"migration {number:04}_{name} was applied with another text",
                "Restore the file; changes go into a new one.",
            )
    return list(wanted[len(rows) :])


async def _apply(connection: AsyncConnection, migration: Migration) -> None:
    # Bytes without parameters go as one simple query, so a file may hold many statements.
    text = migration.text.encode()
    record = (migration.number, migration.name, migration.sha256)
    await connection.execute(_SQL["limit_locks"])
    if migration.text.startswith(NO_TRANSACTION):
        await connection.execute(text, prepare=False)
        await connection.execute(_SQL["record"], record)
        return
    async with connection.transaction():
        await connection.execute(text, prepare=False)
        await connection.execute(_SQL["record"], record)


@contextmanager
def _naming(what: str) -> Iterator[None]:
    try:
        yield
    except psycopg.errors.LockNotAvailable as error:
        raise Unavailable(
            f"Others held what {what} needs for too long; nothing of it was applied.",
            code="DATABASE_BUSY",
            hint="Migrate again when the long transactions of others have ended.",
        ) from error
    except psycopg.Error as error:
        raise _refused(f"{what}: {str(error).strip()}") from error


def _refused(what: str, hint: str | None = None) -> WrongState:
    return WrongState(
        f"The database's schema cannot be migrated: {what}.", code="MIGRATION_REFUSED", hint=hint
    )
