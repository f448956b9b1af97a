"""Making a cluster, its roles and databases, and the rules of who may connect."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, LiteralString

import psycopg
from psycopg import sql

from etlplus.domain.errors import Unavailable
from etlplus.store.embedded.account import Account, own_account, root_name
from etlplus.store.embedded.layout import PORT, Layout

if TYPE_CHECKING:
    from pathlib import Path

    from etlplus.store.embedded.binaries import Binaries

#: The cluster's superuser; only this module connects as it.
SUPERUSER = "postgres"
#: Each database has an owner of the same name, no superuser, who cannot enter the other one.
METADATA = "etlplus"
WAREHOUSE = "warehouse"
BUILTIN_LOCALE_SINCE = 17

_HAS_ROLE: LiteralString = "select exists (select from pg_roles where rolname = %s)"
_HAS_DATABASE: LiteralString = "select exists (select from pg_database where datname = %s)"


def make_cluster(binaries: Binaries, layout: Layout) -> None:
    """Makes the cluster, unless it exists. A broken-off attempt leaves nothing that counts.

    Raises:
        Unavailable: `initdb` failed; the message has its output.
    """
    if layout.cluster.exists():
        return
    part = layout.state / "cluster.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    layout.account.own(part)
    command = [
        str(binaries.initdb),
        f"--pgdata={part}",
        f"--username={SUPERUSER}",
        "--encoding=UTF8",
        "--auth-local=peer",
        "--auth-host=reject",
        "--data-checksums",
        "--no-instructions",
        *_locale(binaries),
    ]
    done = layout.account.run(command, layout.state)
    if done.returncode != 0:
        output = f"{done.stdout}\n{done.stderr}".strip()
        raise Unavailable(
            f"The database could not be made in {part}: {output[-2000:]}",
            code="DATABASE_START_FAILED",
        )
    part.rename(layout.cluster)
    _sync_folder(layout.state)


def write_access_rules(layout: Layout) -> None:
    """Lets in the service's and the server's user and root, by the socket, as any of our roles.

    The kernel vouches for who is at the other end, so there is no password to keep.
    """
    users = {layout.account.name, own_account().name, root_name()}
    roles = (SUPERUSER, METADATA, WAREHOUSE)
    names = [f"etlplus {_quoted(user)} {role}\n" for user in sorted(users) for role in roles]
    _write(layout.account, layout.access_rules, "local all all peer map=etlplus\n")
    _write(layout.account, layout.user_names, "".join(names))


def make_databases(layout: Layout) -> None:
    """Makes the roles and databases that do not exist yet; the server must be up."""
    with psycopg.connect(
        host=str(layout.socket_folder),
        port=PORT,
        user=SUPERUSER,
        dbname="postgres",
        autocommit=True,
        connect_timeout=10,
    ) as connection:
        for name in (METADATA, WAREHOUSE):
            identifier = sql.Identifier(name)
            if not _exists(connection, _HAS_ROLE, name):
                connection.execute(sql.SQL("create role {} login").format(identifier))
            if not _exists(connection, _HAS_DATABASE, name):
                make = sql.SQL("create database {} owner {}").format(identifier, identifier)
                connection.execute(make)
            close = sql.SQL("revoke all on database {} from public").format(identifier)
            connection.execute(close)


def _exists(connection: psycopg.Connection, query: LiteralString, name: str) -> bool:
    row = connection.execute(query, (name,)).fetchone()
    return row is not None and bool(row[0])


def _locale(binaries: Binaries) -> list[str]:
    # The builtin provider sorts the same on every machine and after every update of the system.
    if binaries.major >= BUILTIN_LOCALE_SINCE:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C"]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _write(account: Account, path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with part.open("x") as file:
        file.write(text)
    part.chmod(0o600)
    account.own(part)
    part.rename(path)


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
