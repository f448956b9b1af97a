"""Publishes staged tables: one transaction, once, whatever dies whenever.

The transaction locks the load's fence, so that a claim that was cut off and its successor come one
after the other, asks the ledger whether the load is published already, counts what is staged,
changes the target, writes the ledger and drops the staging tables. When the connection is lost
around COMMIT, the same steps are simply taken again: the fence waits for what became of the first
transaction, and the ledger tells.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from etlplus.connectors.postgres import ledger, staging, tables, undo
from etlplus.connectors.postgres.idle import IdleSessions
from etlplus.connectors.postgres.session import Session, is_lost, refused
from etlplus.connectors.postgres.trying import PATIENCE_SECONDS, Trying
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import Bug, RunError
from etlplus.domain.run import Load, Published, StagedSink, StagingKey

if TYPE_CHECKING:
    from etlplus.app.ports import Stop


#: A writer that must wait for others does not make yet others queue behind it for longer.
LOCK_TIMEOUT_MS = 2000
#: The longest that asking the server to cancel a statement may take.
_CANCEL_SECONDS = 2.0
_AGAIN = "run the pipeline again"


class PostgresPublisher:
    """Makes staged tables visible in PostgreSQL."""

    def __init__(self, *, patience: float = PATIENCE_SECONDS) -> None:
        """`patience`: seconds for which locks of others and lost connections are borne."""
        self._patience = patience
        self._sessions = IdleSessions()

    def publish(
        self,
        staged: StagedSink,
        load: Load,
        connection: ResolvedConnection | None,
        stop: Stop | None = None,
    ) -> Published:
        """Publishes atomically, or returns what the ledger holds of this load already.

        Raises:
            Cancelled: `stop` said so, and nothing was published.
            WrongState: STALE_EPOCH, a later claim of the load was here.
            RunError: STAGING_MISMATCH, PUBLISH_CONFLICT, CONNECTION_FAILED, DATABASE_ERROR.
        """
        target = _given(connection)
        what = f"Cannot publish to {staged.target}"
        trying = Trying(what, patience=self._patience, again=_AGAIN)
        while True:
            try:
                with self._sessions.lent(target) as session, stoppable(session, stop):
                    ledger.make(session)
                    return _publish(session, staged, load)
            except (psycopg.Error, RunError) as error:
                if isinstance(error, psycopg.Error) and is_lost(error):
                    # Perhaps it is published. Only the ledger knows, so it must be asked.
                    stop = None
                trying.bear(error, stop)

    def sweep(self, load: Load, connection: ResolvedConnection | None) -> None:
        """Fences off older epochs of this load and removes what they staged.

        Raises:
            WrongState: STALE_EPOCH.
            RunError: PUBLISH_CONFLICT, CONNECTION_FAILED, DATABASE_ERROR.
        """
        what = f"Cannot sweep up after the load {load.load_id}"
        trying = Trying(what, patience=self._patience, again=_AGAIN)
        while True:
            try:
                with self._sessions.lent(_given(connection)) as session:
                    ledger.make(session)
                    with session.transaction():
                        set_lock_timeout(session)
                        ledger.fence(session, load)
                    older = [
                        key
                        for key in staging.keys(session)
                        if key.load_id == load.load_id and key.epoch < load.epoch
                    ]
                    staging.drop(session, older)
                    return
            except psycopg.Error as error:
                trying.bear(error)

    def discard(
        self, load: Load, connection: ResolvedConnection | None, staged: Sequence[StagedSink]
    ) -> None:
        """Removes everything that this claim staged; `staged` says nothing more than the names do.

        Raises:
            RunError: CONNECTION_FAILED, DATABASE_ERROR.
        """
        del staged
        self.drop([StagingKey(load.load_id, load.epoch)], connection)

    def leftovers(self, connection: ResolvedConnection | None) -> Sequence[StagingKey]:
        """Whose staging tables there are. Raises RunError (CONNECTION_FAILED, DATABASE_ERROR)."""
        try:
            with self._sessions.lent(_given(connection)) as session:
                return staging.keys(session)
        except psycopg.Error as error:
            raise refused("Cannot list staging tables", error) from error

    def drop(self, keys: Sequence[StagingKey], connection: ResolvedConnection | None) -> None:
        """Removes the staging tables of these claims; one that is in use stays for the next time.

        Raises:
            RunError: CONNECTION_FAILED, DATABASE_ERROR.
        """
        try:
            with self._sessions.lent(_given(connection)) as session:
                staging.drop(session, keys)
        except psycopg.Error as error:
            raise refused("Cannot drop staging tables", error) from error


def _given(connection: ResolvedConnection | None) -> ResolvedConnection:
    if connection is None:
        raise Bug("a table is published without its connection")
    return connection


@contextmanager
def stoppable(session: Session, stop: Stop | None) -> Iterator[None]:
    """Cancels the session's statement when the load is no longer wanted."""
    if stop is None:
        yield
        return
    cancelled = threading.Event()

    def cancel() -> None:
        cancelled.set()
        with suppress(psycopg.Error):
            session.cancel_safe(timeout=_CANCEL_SECONDS)

    with stop.interrupting(cancel):
        yield
    if cancelled.is_set():
        # What was meant for this load must not reach the next one's statements.
        session.close()


def set_lock_timeout(session: Session) -> None:
    """Lets statements of this transaction wait two seconds for locks of others."""
    session.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(LOCK_TIMEOUT_MS)))


def _publish(session: Session, staged: StagedSink, load: Load) -> Published:
    with session.transaction():
        set_lock_timeout(session)
        ledger.fence(session, load)
        known = ledger.get(session, load, staged.name)
        if known is not None:
            return known
        staging.verify(session, staged)
        change = tables.apply(session, staged, load)
        books = replace(staged.books.merge(change.merged), deleted=change.deleted)
        ledger.add(session, load, staged, books, change)
        undo.forget(session, staged, load, change)
        staging.drop_tables(session, staged)
    return Published(staged.name, staged.target, books, staged.checksum)
