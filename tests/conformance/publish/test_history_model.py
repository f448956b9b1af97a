"""Random loads into versions of rows, and rollbacks, leave what a slow model of them leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etlplus.connectors.postgres import PostgresPublisher, PostgresRollback
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.rollback import RollbackOrder
from etlplus.domain.run import Books, ColumnReport, History, Load, Published, StagedSink
from tests.conformance.publish.conftest import Row, Session

PUBLISHER = PostgresPublisher(patience=10)
ROLLBACK = PostgresRollback(patience=10)
EPOCH = datetime(2001, 1, 1, tzinfo=UTC)
#: The model's clock stands far behind all moments of rows.
CLOCK = 10**6

Given = tuple[int, str | None, int]


@dataclass(frozen=True)
class Version:
    """A version: a key's value, the moment that the row named, and when it holds."""

    key: int
    name: str | None
    named: int
    since: int
    until: int | None
    current: bool


class Histories:
    """Loads of versions into `public.t`."""

    def __init__(self, session: Session, warehouse: ResolvedConnection, effective: str) -> None:
        self.session = session
        self._warehouse = warehouse
        self._history = History(effective=effective)

    def stage(
        self, rows: Sequence[Given], *, closes: bool = False, rejected: int = 0
    ) -> StagedSink:
        """Stages rows as a load of its own."""
        table = f"etlplus.stage_{uuid4().hex}_1_out_0"
        shape = "id integer, name text, named timestamptz, __seq bigint"
        self.session.execute(f"CREATE UNLOGGED TABLE {table} ({shape})".encode())
        for number, (key, name, named) in enumerate(rows):
            values: Row = (key, name, EPOCH + timedelta(days=named), number)
            self.session.execute(f"INSERT INTO {table} VALUES (%s, %s, %s, %s)".encode(), values)
        names = ("id", "name", "named")
        types = ("integer", "text", "timestamp with time zone")
        return StagedSink(
            name="out",
            kind="postgres",
            mode="scd2",
            rows=len(rows),
            bytes=0,
            checksum="00000000000000ff",
            books=Books(read=len(rows) + rejected, loaded=len(rows), rejected=rejected),
            connection="local",
            target="public.t",
            staging_tables=(table,),
            columns=tuple(map(ColumnReport, names, types)),
            keys=("id",),
            history=replace(self._history, closes=closes),
        )

    def publish(self, staged: StagedSink, keep: int = 99) -> tuple[Load, Published]:
        """Publishes what is staged; a second time it is only looked up."""
        load = Load(uuid4().hex, 1, f"job-{uuid4().hex[:4]}", "flights", 1, keep)
        published = PUBLISHER.publish(staged, load, self._warehouse)
        assert PUBLISHER.publish(staged, load, self._warehouse) == replace(published, already=True)
        return load, published

    def back(self, load: Load, *, cascade: bool = False) -> None:
        """Rolls a load back."""
        order = RollbackOrder(load.load_id, ("out",), "me", cascade=cascade)
        ROLLBACK.roll_back(order, self._warehouse)

    def seen(self) -> list[Version] | None:
        """The versions with ranks for moments; None when there is no table."""
        there = self.session.execute("SELECT to_regclass('public.t') IS NOT NULL").fetchone()
        if there != (True,):
            return None
        query = "SELECT id, name, named, valid_from, valid_to, is_current FROM t"
        return ranked([tuple(row) for row in self.session.execute(query.encode())])


def ranked(rows: Sequence[Row]) -> list[Version]:
    """Versions whose moments are told by their order alone."""
    moments = sorted({str(at) for *_, since, until, _ in rows for at in (since, until) if at})
    named = sorted({str(row[2]) for row in rows})
    rank = {moment: number for number, moment in enumerate(moments)}
    found = [
        Version(
            int(str(key)),
            None if name is None else str(name),
            named.index(str(at)),
            rank[str(since)],
            None if until is None else rank[str(until)],
            bool(current),
        )
        for key, name, at, since, until, current in rows
    ]
    return sorted(found, key=str)


def shown(state: list[Version] | None) -> list[Version] | None:
    """The model's versions as `Histories.seen` gives those of the table."""
    if state is None:
        return None
    form = "{:09d}"
    return ranked(
        [
            (
                *(each.key, each.name, form.format(each.named), form.format(each.since)),
                None if each.until is None else form.format(each.until),
                each.current,
            )
            for each in state
        ]
    )


def loaded(
    state: list[Version], rows: Sequence[Given], now: int, *, effective: bool, closes: bool
) -> list[Version]:
    """The versions after a load."""
    last = {key: (name, named) for key, name, named in rows}
    after = list(state)
    for key, (name, named) in last.items():
        start = named if effective else now
        own = [each for each in state if each.key == key]
        at = [e for e in own if e.since <= start and (e.until is None or start < e.until)]
        if not at:
            following = [each.since for each in own if each.since > start]
            until = min(following, default=None)
            after.append(Version(key, name, named, start, until, until is None))
            continue
        (version,) = at
        if version.name == name and (effective or version.named == named):
            continue
        after.remove(version)
        if version.since == start:
            after.append(replace(version, name=name, named=named))
        else:
            after.append(replace(version, until=start, current=False))
            after.append(replace(version, name=name, named=named, since=start))
    if not closes:
        return after
    return [
        replace(each, until=now, current=False) if each.current and each.key not in last else each
        for each in after
    ]


ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["a", "b", None]), st.integers(0, 6)), max_size=5
)
LOAD = st.tuples(st.sampled_from(["load", "snapshot", "refusing"]), ROWS)
BACK = st.tuples(st.just("back"), st.integers(0, 3))
COLUMNS = (
    "id integer, named timestamptz, valid_to timestamptz, name text, "
    "is_current boolean, valid_from timestamptz"
)
TABLES = {
    "none": "",
    "plain": f"CREATE TABLE t ({COLUMNS})",
    "partitioned": (
        f"CREATE TABLE t ({COLUMNS}) PARTITION BY LIST (is_current);"
        "CREATE TABLE t0 PARTITION OF t FOR VALUES IN (true);"
        "CREATE TABLE t1 PARTITION OF t DEFAULT"
    ),
}


@pytest.mark.parametrize("effective", ["", "named"])
@pytest.mark.parametrize("table", TABLES)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(actions=st.lists(st.one_of(LOAD, LOAD, BACK), min_size=2, max_size=10))
def test_versions_are_as_the_model_says(
    session: Session,
    warehouse: ResolvedConnection,
    table: str,
    effective: str,
    actions: list[tuple[str, object]],
) -> None:
    session.execute("DROP TABLE IF EXISTS t; DROP TABLE IF EXISTS etlplus.load, etlplus.restored")
    histories = Histories(session, warehouse, effective)
    state: list[Version] | None = None
    if table != "none":
        session.execute(TABLES[table].encode())
        state = []
    standing: list[tuple[Load, list[Version] | None]] = []
    for number, (what, detail) in enumerate(actions):
        if what == "back":
            if not standing:
                continue
            at = max(0, len(standing) - 1 - int(str(detail)))
            load, before = standing[at]
            histories.back(load, cascade=True)
            standing, state = standing[:at], before
        else:
            assert isinstance(detail, list)
            rows: list[Given] = detail
            closes, rejected = what != "load", int(what == "refusing")
            staged = histories.stage(rows, closes=closes, rejected=rejected)
            load, published = histories.publish(staged)
            assert published.books.loaded == len({key for key, *_ in rows})
            assert published.books.balance
            standing.append((load, state))
            state = loaded(
                *(state or [], rows, CLOCK + number),
                effective=bool(effective),
                closes=what == "snapshot",
            )
        assert histories.seen() == shown(state)
