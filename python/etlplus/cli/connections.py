"""Connections to databases: add, list, test, discover."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from cyclopts import Parameter

from etlplus.cli import exits
from etlplus.cli.message import plain
from etlplus.cli.output import Output, write
from etlplus.cli.pipelines import identifier
from etlplus.cli.session import CALL_SECONDS, HERE, LOOK_SECONDS, Remote, Session, session
from etlplus.cli.text import number, table
from etlplus.domain.errors import InvalidInput
from etlplus.v1 import connection_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGE: Final = 1000
_SCHEMES: Final = ("postgres", "postgresql")


def add(
    name: str,
    url: str,
    /,
    *,
    password: Annotated[
        str, Parameter(help="Where the password is: env:NAME or file:PATH, never itself.")
    ] = "",
    output: Output = "table",
    remote: Remote = HERE,
) -> int:
    """Store a connection to a database.

    The password is read by the server when a job needs it; only where it is found is stored.

    Parameters
    ----------
    name
        The connection's name, for `connection:` in pipelines.
    url
        postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full
    """
    options = options_of(url)
    with session(remote) as opened:
        request = connection_pb2.CreateConnectionRequest(
            parent=opened.parent,
            connection_id=name,
            connection=connection_pb2.Connection(
                kind="postgres", options=options, password=password
            ),
        )
        made = opened.client.connections.CreateConnection(request, timeout=CALL_SECONDS)
    write(plain(made), output, lambda: f"{identifier(made.name)} ({made.kind})\n")
    remote.screen.tip(f"`etlplus conn test {name}` logs in with it")
    return exits.OK


def options_of(url: str) -> dict[str, str]:
    """The options that an address of a database stands for.

    Raises:
        InvalidInput: CONNECTION_OPTION_INVALID, also when the address holds a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _wrong(f"it does not parse: {error}") from error
    if parts.scheme not in _SCHEMES:
        raise _wrong(f"it does not start with {_SCHEMES[0]}://")
    if parts.password is not None:
        raise _wrong("it holds a password, which would be stored", "Use --password env:NAME")
    found = {**dict(parse_qsl(parts.query)), **_location(parts)}
    if port is not None:
        found["port"] = str(port)
    return found


def _location(parts: SplitResult) -> dict[str, str]:
    named = {
        "host": unquote(parts.hostname or ""),
        "user": unquote(parts.username or ""),
        "database": unquote(parts.path.removeprefix("/")),
    }
    return {name: value for name, value in named.items() if value}


def _wrong(reason: str, hint: str = "As in postgres://user@host:5432/database") -> InvalidInput:
    return InvalidInput(
        f"the address of the database is not right: {reason}",
        code="CONNECTION_OPTION_INVALID",
        place="url",
        hint=hint,
    )


def list_connections(*, output: Output = "table", remote: Remote = HERE) -> int:
    """List the connections."""
    with session(remote) as opened:
        found = list(_connections(opened))
    write([plain(one) for one in found], output, lambda: _table(found))
    return exits.OK


def _connections(opened: Session) -> Iterator[connection_pb2.Connection]:
    request = connection_pb2.ListConnectionsRequest(parent=opened.parent, page_size=_PAGE)
    while True:
        answer = opened.client.connections.ListConnections(request, timeout=CALL_SECONDS)
        yield from answer.connections
        if not answer.next_page_token:
            return
        request.page_token = answer.next_page_token


def _table(found: list[connection_pb2.Connection]) -> str:
    rows = []
    for one in found:
        options = " ".join(f"{name}={value}" for name, value in sorted(one.options.items()))
        rows.append((identifier(one.name), one.kind, options, one.password or "-"))
    return table(("NAME", "KIND", "OPTIONS", "PASSWORD FROM"), rows)


def log_in(name: str, /, *, output: Output = "table", remote: Remote = HERE) -> int:
    """Log in with a connection.

    Parameters
    ----------
    name
        The connection.
    """
    with session(remote) as opened:
        request = connection_pb2.TestConnectionRequest(name=opened.connection(name))
        answer = opened.client.connections.TestConnection(request, timeout=LOOK_SECONDS)
    took = answer.latency.ToTimedelta().total_seconds() * 1000
    write(plain(answer), output, lambda: f"{name}: {answer.server}, {took:.0f} ms\n")
    return exits.OK


def discover(
    name: str,
    /,
    *,
    schema: Annotated[str, Parameter(help="Only tables of this schema.")] = "",
    columns: Annotated[bool, Parameter(help="A line for each column.")] = False,
    output: Output = "table",
    remote: Remote = HERE,
) -> int:
    """List the tables that a connection can see.

    Parameters
    ----------
    name
        The connection.
    """
    with session(remote) as opened:
        request = connection_pb2.DiscoverConnectionRequest(
            name=opened.connection(name), schema=schema
        )
        answer = opened.client.connections.DiscoverConnection(request, timeout=LOOK_SECONDS)
    tables = list(answer.tables)
    write(
        [plain(one) for one in tables],
        output,
        lambda: _column_lines(tables) if columns else _table_lines(tables),
    )
    if answer.truncated:
        remote.screen.tip("there are more tables; `--schema NAME` narrows the list")
    return exits.OK


def _table_lines(tables: list[connection_pb2.Table]) -> str:
    rows = [
        (
            f"{one.schema}.{one.name}",
            one.kind,
            str(len(one.columns)),
            number(one.estimated_rows) if one.HasField("estimated_rows") else "-",
            ", ".join(one.primary_key) or "-",
        )
        for one in tables
    ]
    return table(("TABLE", "KIND", "COLUMNS", "ABOUT ROWS", "PRIMARY KEY"), rows, right="  >>")


def _column_lines(tables: list[connection_pb2.Table]) -> str:
    rows = [
        (
            f"{one.schema}.{one.name}",
            column.name,
            column.type,
            "" if column.nullable else "not null",
        )
        for one in tables
        for column in one.columns
    ]
    return table(("TABLE", "COLUMN", "TYPE", ""), rows)
