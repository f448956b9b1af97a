"""Connections to databases, and what looking at one finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ConnectionDraft:
    """What creating or updating a connection takes.

    Attributes:
        kind: `postgres`.
        options: host, port, database, user, sslmode, sslrootcert; never a secret.
        password: a reference, `env:NAME` or `file:PATH`; empty for none. Values are never stored.
    """

    kind: str
    options: Mapping[str, str]
    password: str


@dataclass(frozen=True, slots=True)
class Connection:
    """A stored connection. Fields as in `ConnectionDraft`."""

    workspace: str
    name: str
    kind: str
    options: Mapping[str, str]
    password: str
    etag: str
    create_time: datetime
    update_time: datetime


@dataclass(frozen=True, slots=True)
class ResolvedConnection:
    """A connection with its secrets. It lives only as long as what it is made for."""

    name: str
    kind: str
    options: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """What a successful test of a connection found.

    Attributes:
        server: product and version.
        database: the database that is connected to.
        user: the role that it is connected as.
        encrypted: whether TLS is used.
        elapsed_ms: time to connect and ask.
        notes: anything a person should know, as in a missing privilege.
    """

    server: str
    database: str
    user: str
    encrypted: bool
    elapsed_ms: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a discovered table; `type` is a SQL type."""

    name: str
    type: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view that a connection can see.

    Attributes:
        kind: `table` or `view`.
        keys: the primary key's columns.
        rows: the server's estimate; -1 when it has none.
    """

    schema: str
    name: str
    kind: str
    columns: tuple[TableColumn, ...]
    keys: tuple[str, ...] = ()
    rows: int = -1
