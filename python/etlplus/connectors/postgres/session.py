"""Opens connections and says what the server's errors mean."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors
from psycopg.conninfo import make_conninfo

from etlplus.connectors.postgres import tls
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import EtlError, RunError

Session = psycopg.Connection[tuple[object, ...]]

_LOG = logging.getLogger(__name__)

CONNECT_SECONDS = 10
#: Parts of refusals that no repetition cures: somebody has to change the connection or the server.
#: The driver tells no SQLSTATE for an attempt to connect.
_DENIALS = (
    "authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "certificate",
    "does not exist",
    "server does not support SSL",
    "permission denied for database",
    "invalid port number",
    "invalid integer value",
)
#: A target that is gone without a word is found out within half a minute, also while it owes an
#: acknowledgement; otherwise a publication would wait for a quarter of an hour.
_LIVELINESS = {
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}
_KNOWN = ("host", "port", "database", "user", "password")
_HINTS: tuple[tuple[str, str], ...] = (
    ("Connection refused", "Check that PostgreSQL listens there"),
    ("could not translate host name", "Check the host's spelling and DNS"),
    ("failed to resolve host", "Check the host's spelling and DNS"),
    ("password authentication failed", "Check the user and its password"),
    ("no password supplied", "Give the connection a password"),
    ("no pg_hba.conf entry", "Let this user in by the server's pg_hba.conf"),
    ("certificate", "Check sslmode, sslrootcert and the certificate's names and dates"),
    ("does not exist", "Create the database or name another"),
    ("SSL", "Check sslmode and whether the server offers TLS"),
    ("timeout", "Check host and port, and firewalls between here and there"),
    ("No such file", "There is no server on this socket; check the folder and the port"),
)


@contextmanager
def opened(connection: ResolvedConnection) -> Iterator[Session]:
    """A connection that commits by explicit transactions only.

    Raises:
        RunError: CONNECTION_FAILED, CONNECTION_DENIED; with the address, the reason and a hint.
    """
    session = connect(connection)
    try:
        yield session
    finally:
        session.close()


def connect(connection: ResolvedConnection) -> Session:
    """As `opened`, for a caller that closes the connection itself.

    Raises:
        RunError: CONNECTION_FAILED, CONNECTION_DENIED; with the address, the reason and a hint.
    """
    options = connection.options
    host, port = options.get("host") or "localhost", options.get("port") or "5432"
    address = host if host.startswith("/") else f"{host}:{port}"
    tls.check(connection)
    try:
        session = psycopg.connect(conninfo(connection), autocommit=True, prepare_threshold=None)
    except psycopg.Error as error:
        raise _unreachable(connection.name, address, str(error)) from error
    # The program's own settings win over those of the role and the database.
    session.execute("SET statement_timeout = 0")
    session.execute("SET idle_in_transaction_session_timeout = 0")
    return session


def conninfo(connection: ResolvedConnection) -> str:
    """What libpq connects by; with the password. Raises RunError (CONNECTION_FAILED)."""
    options = connection.options
    given = {name: options.get(name) or "" for name in _KNOWN}
    user = given["user"] or "postgres"
    parameters = {
        "host": given["host"] or "localhost",
        "port": given["port"] or "5432",
        "dbname": given["database"] or user,
        "user": user,
        "password": given["password"],
        "connect_timeout": str(CONNECT_SECONDS),
        "application_name": "etlplus",
        "client_encoding": "UTF8",
        **_LIVELINESS,
        **tls.parameters(connection),
    }
    return make_conninfo("", **{name: value for name, value in parameters.items() if value})


def _unreachable(name: str, address: str, text: str) -> RunError:
    reason = " ".join(text.split())
    hint = next((hint for part, hint in _HINTS if part in reason), "Check the connection's options")
    denied = any(part in reason for part in _DENIALS)
    return RunError(
        f"Cannot connect to {address}: {reason}",
        code="CONNECTION_DENIED" if denied else "CONNECTION_FAILED",
        place=f"connection {name}",
        hint=hint,
        metadata={"address": address, "reason": reason},
    )


def is_lost(error: psycopg.Error) -> bool:
    """Whether the connection is gone, so that nobody knows what became of the transaction."""
    if isinstance(error, (errors.AdminShutdown, errors.CrashShutdown, errors.CannotConnectNow)):
        return True
    return isinstance(error, psycopg.OperationalError) and error.sqlstate is None


def is_conflict(error: psycopg.Error) -> bool:
    """Whether the same statements may succeed when they are tried again."""
    conflicts = (
        errors.LockNotAvailable,
        errors.DeadlockDetected,
        errors.SerializationFailure,
        errors.DuplicateTable,
        errors.DuplicateSchema,
    )
    if isinstance(error, errors.UniqueViolation):
        # Two transactions that make the same schema or table at once.
        return (error.diag.schema_name or "") == "pg_catalog"
    return isinstance(error, conflicts)


def is_busy(error: psycopg.Error) -> bool:
    """Whether the server gave the statement up for the sake of others, or for want of resources."""
    # Classes 40, the transaction was rolled back, and 53, insufficient resources.
    state = error.sqlstate or ""
    return state.startswith(("40", "53")) or isinstance(error, errors.LockNotAvailable)


def refused(what: str, error: psycopg.Error) -> EtlError:
    """The product's error for a statement that failed. `what`: as in `Cannot publish x`."""
    if is_lost(error):
        return RunError(
            f"{what}: the connection was lost: {error}",
            code="CONNECTION_FAILED",
            hint="Check the server, then run the pipeline again",
        )
    code = "DATABASE_ERROR"
    if isinstance(error, errors.DiskFull):
        code = "DISK_FULL"
    elif isinstance(error, errors.UndefinedTable):
        code = "TABLE_NOT_FOUND"
    elif is_busy(error):
        code = "DATABASE_CONFLICT"
    parts = [error.diag.message_primary or str(error), error.diag.message_detail]
    reason = "; ".join(part for part in parts if part)
    return RunError(
        f"{what}: {reason} (SQLSTATE {error.sqlstate})",
        code=code,
        hint=error.diag.message_hint or _advice(error),
        metadata={"sqlstate": error.sqlstate or "", "constraint": error.diag.constraint_name or ""},
    )


def bear(error: psycopg.Error, what: str, *, deadline: float, patience: float, again: str) -> None:
    """Returns when trying again may help.

    Args:
        error: what the server or the driver said.
        what: what cannot be done because of it, as in `Cannot publish to x`.
        deadline: until when trying again is worth it, of the monotonic clock.
        patience: for how many seconds that was, for the message.
        again: what to do in the end, as in `run the pipeline again`.

    Raises:
        EtlError: the product's error; PUBLISH_CONFLICT where others held locks all the time.
    """
    if not (is_lost(error) or is_conflict(error)):
        raise refused(what, error) from error
    if time.monotonic() < deadline:
        _LOG.info("%s, trying again: %s", what, error)
        return
    if is_lost(error):
        raise refused(what, error) from error
    raise RunError(
        f"{what}: others held locks for {patience:g} seconds: {error}",
        code="PUBLISH_CONFLICT",
        hint=f"Look for long transactions on the target, then {again}",
    ) from error


def _advice(error: psycopg.Error) -> str | None:
    if isinstance(error, errors.InsufficientPrivilege):
        return "Grant the connection's user the right, or use another user"
    if isinstance(error, errors.UniqueViolation):
        return "Use mode merge with the constraint's columns as keys, or dedupe the rows first"
    if isinstance(error, errors.IntegrityError):
        return "Nothing was published. Check the rows with a `validate` step before the sink"
    if isinstance(error, errors.DiskFull):
        return "Free space on the database server"
    return None
