"""Connections to the service's own database: a pool, and transactions that stores join."""

from __future__ import annotations

import select
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection, errors, sql
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from etlplus.domain.errors import InvalidInput, Unavailable

Params = Mapping[str, object] | Sequence[object] | None
Query = LiteralString | bytes | sql.Composed
Connection = AsyncConnection[DictRow]

#: Sent at connect. Keepalive finds a peer that is gone without a word within half a minute.
CONNECT_OPTIONS: Mapping[str, Any] = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


#: A statement that a connection runs again is prepared: parsing takes longer than running most.
PREPARED_AT = 1
#: The share of a caller's patience for which the pool tries to connect.
_ATTEMPT_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """Limits of a pool.

    Attributes:
        min_size: connections kept open.
        max_size: connections at most.
        open_wait: how long opening waits for the first connections.
        wait: how long a caller waits for a connection.
        max_waiting: callers that may wait; one more is refused at once.
        max_lifetime: age at which a connection is replaced.
        statement_timeout: the longest a statement may run.
        idle_transaction_timeout: the longest a transaction may sit idle.
        application_name: how the server's views name our connections.
    """

    min_size: int = 2
    max_size: int = 10
    open_wait: timedelta = timedelta(seconds=10)
    wait: timedelta = timedelta(seconds=5)
    max_waiting: int = 200
    max_lifetime: timedelta = timedelta(minutes=30)
    statement_timeout: timedelta = timedelta(seconds=10)
    idle_transaction_timeout: timedelta = timedelta(seconds=15)
    application_name: str = "etlplus"


class Database:
    """The pool. Statements commit by themselves unless a `transaction` of the same task is open."""

    def __init__(self, conninfo: str, options: PoolOptions | None = None) -> None:
        """Names the database; `open` connects.

        Args:
            conninfo: A connection string or URL.
            options: Limits; the defaults suit one server process.
        """
        self.conninfo = conninfo
        options = options or PoolOptions()
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            conninfo,
            open=False,
            min_size=options.min_size,
            max_size=options.max_size,
            timeout=options.wait.total_seconds(),
            max_waiting=options.max_waiting,
            max_lifetime=options.max_lifetime.total_seconds(),
            # The pool doubles its pause after each failure. Attempts that end before a caller's
            # patience let the next caller begin anew, so that no pause outlasts an outage.
            reconnect_timeout=options.wait.total_seconds() * _ATTEMPT_SHARE,
            kwargs=_connect_arguments(options),
            name="etlplus",
        )
        self._open_wait = options.open_wait
        self._wait = options.wait.total_seconds()
        self._joined: ContextVar[_Transaction | None] = ContextVar("transaction", default=None)

    async def open(self) -> None:
        """Connects.

        Raises:
            Unavailable: The database cannot be reached.
        """
        with _failures():
            await self._pool.open(wait=True, timeout=self._open_wait.total_seconds())

    async def close(self) -> None:
        """Closes all connections."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """The block's statements commit together, or none. A nested block joins the outer."""
        if self._present() is not None:
            yield
            return
        with _failures():
            async with self._lent() as connection:
                transaction = _Transaction(connection)
                async with connection.transaction():
                    token = self._joined.set(transaction)
                    try:
                        yield
                    finally:
                        transaction.is_open = False
                        self._joined.reset(token)
        for action in transaction.afterwards:
            action()

    def after_commit(self, action: Callable[[], None]) -> None:
        """Does something when the open transaction has committed; at once when there is none."""
        transaction = self._joined.get()
        if transaction is not None and transaction.is_open:
            transaction.afterwards.append(action)
        else:
            action()

    async def execute(self, query: Query, params: Params = None) -> None:
        """Runs a statement for its effect.

        Raises:
            Unavailable: The database cannot be reached or did not answer in time.
        """
        async with self._connection() as connection:
            await connection.execute(query, params)

    async def fetch_all(self, query: Query, params: Params = None) -> list[DictRow]:
        """All rows of a statement's answer.

        Raises:
            Unavailable: The database cannot be reached or did not answer in time.
        """
        async with self._connection() as connection:
            cursor = await connection.execute(query, params)
            return await cursor.fetchall()

    async def fetch_one(self, query: Query, params: Params = None) -> DictRow | None:
        """The first row of a statement's answer; None when there is none.

        Raises:
            Unavailable: The database cannot be reached or did not answer in time.
        """
        async with self._connection() as connection:
            cursor = await connection.execute(query, params)
            return await cursor.fetchone()

    async def information(self) -> psycopg.ConnectionInfo:
        """What one of the connections knows of itself and its server.

        Raises:
            Unavailable: The database cannot be reached.
        """
        async with self._connection() as connection:
            return connection.info

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        with _failures():
            joined = self._present()
            if joined is not None:
                yield joined
                return
            async with self._lent() as connection:
                yield connection

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[Connection]:
        """A connection that lives, from the pool and back.

        The pool's own check pauses longer after each dead connection that it meets: after a restart
        of the server a caller would meet three or four, of as many as have gathered, and give up.
        """
        deadline = time.monotonic() + self._wait
        while True:
            patience = max(deadline - time.monotonic(), 0.0)
            connection = await self._pool.getconn(timeout=patience)
            try:
                if not await _is_dead(connection):
                    async with connection:
                        yield connection
                    return
                # A closed one is replaced by the pool instead of being kept.
                await connection.close()
            finally:
                await self._pool.putconn(connection)

    def _present(self) -> Connection | None:
        transaction = self._joined.get()
        return transaction.connection if transaction and transaction.is_open else None


@dataclass(slots=True)
class _Transaction:
    """An open transaction; tasks made inside it join it for as long as it is open."""

    connection: Connection
    is_open: bool = True
    afterwards: list[Callable[[], None]] = field(default_factory=list)


class _failures:  # noqa: N801 - reads as the statement it is used as
    """Turns what a database's absence and what unstorable text raise into our errors."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        absent = (PoolTimeout, PoolClosed, TooManyRequests, psycopg.OperationalError)
        if isinstance(error, absent):
            raise Unavailable(
                f"The service's database did not answer: {str(error).strip()}",
                code="DATABASE_UNAVAILABLE",
                hint="Try again; if it stays so, look at the server's log.",
            ) from error
        unstorable = (errors.UntranslatableCharacter, errors.CharacterNotInRepertoire)
        if isinstance(error, unstorable) or type(error) is psycopg.DataError:
            raise InvalidInput(
                f"A text holds what the database cannot store: {str(error).strip()}",
                hint="Remove NUL characters.",
            ) from error


def _connect_arguments(options: PoolOptions) -> dict[str, Any]:
    settings = {
        "statement_timeout": options.statement_timeout,
        "idle_in_transaction_session_timeout": options.idle_transaction_timeout,
        "lock_timeout": options.statement_timeout,
    }
    flags = [f"-c {name}={int(value.total_seconds() * 1000)}" for name, value in settings.items()]
    return {
        **CONNECT_OPTIONS,
        "autocommit": True,
        "prepare_threshold": PREPARED_AT,
        "row_factory": dict_row,
        "application_name": options.application_name,
        "options": " ".join(flags),
    }


async def _is_dead(connection: Connection) -> bool:
    """Finds out without a round trip whether the server hung up while a connection was idle."""
    try:
        # Unlike select, poll knows descriptors beyond 1,023; each client of a server holds one.
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        if poll.poll(0):
            # Idle ones are told nothing but news of the server's end or of changed settings.
            await AsyncConnectionPool.check_connection(connection)
    except psycopg.OperationalError:
        return True
    return False
