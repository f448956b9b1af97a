"""The link that strikes at statements meets those that were prepared when they run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.conformance.database import control_database
from tests.faults.link import Link, Rule, linked

_NEXT = "select nextval('etlplus_control.epoch'), %s"
_STATEMENT = re.compile(rb"select nextval")


@contextmanager
def through_a_link(conninfo: str) -> Iterator[tuple[Link, psycopg.Connection]]:
    """A connection that prepares every statement before it runs it."""
    parts = conninfo_to_dict(conninfo)
    with linked(str(parts["host"]), int(str(parts["port"]))) as link:
        own = make_conninfo(conninfo, host=str(link.folder))
        with psycopg.connect(own, autocommit=True, prepare_threshold=0) as connection:
            yield link, connection


@pytest.mark.parametrize("is_prepared", [True, False], ids=["prepared before", "prepared then"])
@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
def test_a_prepared_statement_is_cut_where_it_runs(*, after: bool, is_prepared: bool) -> None:
    with (
        control_database() as conninfo,
        psycopg.connect(conninfo, autocommit=True) as direct,
        through_a_link(conninfo) as (link, connection),
    ):
        if is_prepared:
            connection.execute(_NEXT, (1,))
        before = direct.execute("select nextval('etlplus_control.epoch')").fetchone()
        rule = Rule(_STATEMENT, lambda: True, after=after)
        link.rules.append(rule)
        with pytest.raises(psycopg.OperationalError):
            connection.execute(_NEXT, (1,))
        assert rule.met.is_set()
        now = direct.execute("select nextval('etlplus_control.epoch')").fetchone()
    assert before is not None
    assert now is not None
    assert now[0] - before[0] == (2 if after else 1)
