"""Connections that wait for the next load."""

from __future__ import annotations

from contextlib import ExitStack

import psycopg
import pytest

from etlplus.connectors.postgres.idle import MOST_IDLE, IdleSessions
from etlplus.domain.connection import ResolvedConnection
from tests.conformance.publish.conftest import Session


def pid(session: Session) -> int:
    return session.info.backend_pid


def test_the_next_load_gets_the_same_connection(warehouse: ResolvedConnection) -> None:
    sessions = IdleSessions()
    with sessions.lent(warehouse) as session:
        first = pid(session)
    with sessions.lent(warehouse) as session:
        assert pid(session) == first
        assert session.execute("SHOW idle_session_timeout").fetchone() == ("1min",)
        with sessions.lent(warehouse) as other:
            assert pid(other) != first
    sessions.close()


def test_a_connection_that_the_server_ended_is_not_lent(
    warehouse: ResolvedConnection, session: Session
) -> None:
    sessions = IdleSessions()
    with sessions.lent(warehouse) as lent:
        first = pid(lent)
    ended = session.execute("SELECT pg_terminate_backend(%s, 10000)", [first]).fetchone()
    assert ended == (True,)
    with sessions.lent(warehouse) as lent:
        assert pid(lent) != first
        assert lent.execute("SELECT 1").fetchone() == (1,)
    sessions.close()


def test_a_connection_that_failed_is_not_lent_again(warehouse: ResolvedConnection) -> None:
    sessions = IdleSessions()
    with pytest.raises(psycopg.errors.UndefinedTable), sessions.lent(warehouse) as lent:
        lent.execute("SELECT * FROM missing")
    assert lent.closed


def test_a_connection_inside_a_transaction_is_not_kept(warehouse: ResolvedConnection) -> None:
    sessions = IdleSessions()
    with sessions.lent(warehouse) as lent:
        lent.execute("BEGIN")
    assert lent.closed


def test_only_so_many_wait(warehouse: ResolvedConnection) -> None:
    sessions = IdleSessions()
    with ExitStack() as all_at_once:
        lent = [all_at_once.enter_context(sessions.lent(warehouse)) for _ in range(MOST_IDLE + 1)]
    assert [session.closed for session in lent].count(True) == 1
    sessions.close()
    assert all(session.closed for session in lent)
