"""Random loads and rollbacks leave what a slow model of them leaves."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import EtlError
from etlplus.domain.run import Load
from tests.conformance.publish.conftest import Session, Stage
from tests.conformance.publish.test_rollback import Loads

Rows = list[tuple[int | None, str | None]]
State = Rows | None

MODES = ("append", "replace", "merge", "delete_insert")
ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["a", "b", None])), min_size=0, max_size=6
)
LOAD = st.tuples(st.sampled_from(MODES), ROWS)
BACK = st.tuples(st.just("back"), st.integers(0, 3))
UPKEEP = st.tuples(st.just("upkeep"), st.sampled_from(["VACUUM FULL t", "VACUUM FREEZE t"]))
PARTITIONED = """
CREATE TABLE t (id integer, name text) PARTITION BY HASH (id);
CREATE TABLE t0 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE t1 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1)"""
#: How a table looks before the first load; empty for no table.
TABLES = (
    "",
    "CREATE TABLE t (id integer, name text)",
    "CREATE TABLE t (id integer, name text); CREATE INDEX ON t (id)",
    PARTITIONED,
)


def loaded(state: State, mode: str, rows: Rows) -> State:
    """The rows after a load."""
    old: Rows = [] if state is None or mode == "replace" else state
    if mode == "delete_insert":
        given = {key for key, _ in rows}
        return [row for row in old if row[0] not in given] + rows
    if mode != "merge":
        return old + rows
    last = dict(rows)
    kept = [(key, last.get(key, name)) for key, name in old]
    present = {key for key, _ in old}
    return kept + [row for row in last.items() if row[0] not in present]


class KeyRefusedError(Exception):
    """A key of the table refused a row."""


def run(loads: Loads, mode: str, rows: Rows) -> Load:
    """A load; raises KeyRefusedError when a key of the table refuses it."""
    try:
        return loads.run([*rows], mode, keep=99)
    except EtlError as error:
        if error.metadata.get("sqlstate") == "23505":
            raise KeyRefusedError from error
        raise


def shown(state: State) -> list[str] | None:
    if state is None:
        return None
    return sorted(f"({'' if k is None else k},{'' if n is None else n})" for k, n in state)


@pytest.mark.parametrize("table", TABLES, ids=["none", "bare", "indexed", "partitioned"])
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(actions=st.lists(st.one_of(LOAD, LOAD, BACK, UPKEEP), min_size=2, max_size=10))
def test_loads_and_rollbacks_do_as_the_model_says(
    session: Session,
    stage: Stage,
    warehouse: ResolvedConnection,
    table: str,
    actions: list[tuple[str, object]],
) -> None:
    session.execute("DROP TABLE IF EXISTS t; DROP TABLE IF EXISTS etlplus.load, etlplus.restored")
    loads = Loads(session, stage, warehouse)
    state: State = None
    if table:
        session.execute(table.encode())
        session.execute("INSERT INTO t VALUES (1, 'old'), (1, NULL), (NULL, 'old')")
        state = [(1, "old"), (1, None), (None, "old")]
    standing: list[tuple[Load, State]] = []
    for what, detail in actions:
        if what == "upkeep":
            if state is not None:
                session.execute(str(detail).encode())
        elif what == "back":
            if not standing:
                continue
            at = max(0, len(standing) - 1 - int(str(detail)))
            load, before = standing[at]
            if at < len(standing) - 1:
                assert loads.refused(load).code == "ROLLBACK_BLOCKED"
            loads.back(load, cascade=True)
            standing, state = standing[:at], before
        else:
            assert isinstance(detail, list)
            rows: Rows = detail
            # A table that a merge made has a key, and only then are rows refused.
            load = None
            with contextlib.suppress(KeyRefusedError):
                load = run(loads, what, rows)
            if load is not None:
                standing.append((load, state))
                state = loaded(state, what, rows)
            else:
                assert not table
        seen = loads.seen()
        assert (None if seen is None else [str(row[0]) for row in seen]) == shown(state)
