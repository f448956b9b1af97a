"""Keeps connections open between loads: connecting takes longer than publishing a small load."""

from __future__ import annotations

import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql
from psycopg.pq import TransactionStatus

from etlplus.connectors.postgres.session import Session, connect, conninfo
from etlplus.domain.connection import ResolvedConnection

#: The server itself closes a connection that nobody used for so long.
IDLE_SECONDS = 60
#: How many wait, for all databases together.
MOST_IDLE = 8
#: The first server version that closes idle sessions; with older ones none is kept.
_ENDS_IDLE_SESSIONS = 140000


class IdleSessions:
    """Lends connections and keeps those that come back sound. Threads may share it."""

    def __init__(self) -> None:
        """Nothing is connected yet."""
        self._lock = threading.Lock()
        self._idle: list[tuple[str, Session]] = []

    @contextmanager
    def lent(self, connection: ResolvedConnection) -> Iterator[Session]:
        """A connection that commits by explicit transactions only; closed when the block fails.

        Raises:
            RunError: CONNECTION_FAILED, with the address, the reason and a hint.
        """
        key = conninfo(connection)
        session = self._take(key) or _connected(connection)
        try:
            yield session
        except BaseException:
            session.close()
            raise
        self._put(key, session)

    def close(self) -> None:
        """Closes what waits."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, session in idle:
            session.close()

    def _take(self, key: str) -> Session | None:
        while (session := self._pop(key)) is not None:
            if _is_silent(session):
                return session
            session.close()
        return None

    def _pop(self, key: str) -> Session | None:
        with self._lock:
            found = next((kept for kept in reversed(self._idle) if kept[0] == key), None)
            if found is None:
                return None
            self._idle.remove(found)
            return found[1]

    def _put(self, key: str, session: Session) -> None:
        idle = session.info.transaction_status is TransactionStatus.IDLE
        if not idle or session.info.server_version < _ENDS_IDLE_SESSIONS:
            session.close()
            return
        with self._lock:
            self._idle.append((key, session))
            over, self._idle = self._idle[:-MOST_IDLE], self._idle[-MOST_IDLE:]
        for _, old in over:
            old.close()


def _connected(connection: ResolvedConnection) -> Session:
    session = connect(connection)
    if session.info.server_version >= _ENDS_IDLE_SESSIONS:
        timeout = sql.SQL("SET idle_session_timeout = {}").format(sql.Literal(IDLE_SECONDS * 1000))
        session.execute(timeout)
    return session


def _is_silent(session: Session) -> bool:
    """Whether the server said nothing meanwhile: what it says to an idle connection is goodbye."""
    if session.closed:
        return False
    poll = select.poll()
    poll.register(session.fileno(), select.POLLIN)
    return not poll.poll(0)
