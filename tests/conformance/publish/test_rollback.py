"""Rolling back a load restores what readers of its target saw before it, row for row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest

from etlplus.connectors.postgres import PostgresPublisher, PostgresRollback
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import EtlError
from etlplus.domain.rollback import RollbackOrder, RolledBack
from etlplus.domain.run import Load
from tests.conformance.publish.conftest import Row, Session, Stage
from tests.conformance.publish.proxy import Cutter, proxy
from tests.conformance.publish.test_cut import through
from tests.conformance.publish.test_modes import HANGING

PUBLISHER = PostgresPublisher(patience=10)
ROLLBACK = PostgresRollback(patience=10)
PATIENT = PostgresRollback(patience=30)
IMPATIENT = PostgresRollback(patience=0)
MODES = ("append", "replace", "merge", "delete_insert")
KEYED = ("merge", "delete_insert")


class Loads:
    """Publishes loads into `public.t` and rolls them back."""

    def __init__(self, session: Session, stage: Stage, warehouse: ResolvedConnection) -> None:
        self.session = session
        self._stage = stage
        self._warehouse = warehouse

    def run(
        self, rows: Sequence[Row], mode: str = "append", keep: int = 3, target: str = "public.t"
    ) -> Load:
        """Publishes rows as a load of its own."""
        load = Load(uuid4().hex, 1, f"job-{uuid4().hex[:4]}", "flights", 1, keep)
        keys = ["id"] if mode in KEYED else ()
        staged = self._stage(rows, mode=mode, keys=keys, of=load, target=target)
        PUBLISHER.publish(staged, load, self._warehouse)
        return load

    def back(self, load: Load, *, cascade: bool = False, dry_run: bool = False) -> list[RolledBack]:
        """Rolls a load back."""
        order = RollbackOrder(load.load_id, ("out",), "me", "wrong file", cascade, dry_run)
        return list(ROLLBACK.roll_back(order, self._warehouse))

    def refused(self, load: Load, *, cascade: bool = False) -> EtlError:
        """Why a load is not rolled back; the table stays as it is."""
        before = self.seen()
        with pytest.raises(EtlError) as refused:
            self.back(load, cascade=cascade)
        assert self.seen() == before
        return refused.value

    def seen(self) -> list[Row] | None:
        """All rows of the table as text, sorted; None when there is no table."""
        there = self.session.execute("SELECT to_regclass('public.t') IS NOT NULL").fetchone()
        if there != (True,):
            return None
        return sorted(self.session.execute("SELECT t::text FROM t").fetchall())

    def undo_tables(self) -> int:
        """How many tables hold what was before loads."""
        row = self.session.execute(
            "SELECT count(*) FROM pg_class WHERE relname LIKE 'undo%%' AND relkind = 'r'"
        ).fetchone()
        return int(str(row[0])) if row else 0


@pytest.fixture
def loads(session: Session, stage: Stage, warehouse: ResolvedConnection) -> Loads:
    return Loads(session, stage, warehouse)


OLD = "INSERT INTO t VALUES (1, 'one'), (1, 'one'), (2, NULL), (3, 'three'), (NULL, 'none')"
NEW: list[Row] = [(1, "a"), (2, "b"), (2, "c"), (7, None), (8, "h")]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("hanging", ["nothing", *HANGING])
def test_before_and_after_are_the_same(loads: Loads, mode: str, hanging: str) -> None:
    loads.session.execute("CREATE TABLE t (id integer, name text)")
    loads.session.execute(OLD.encode())
    if hanging != "nothing":
        loads.session.execute(HANGING[hanging].encode())
    before = loads.seen()
    load = loads.run(NEW, mode)
    assert loads.seen() != before
    (done,) = loads.back(load)
    assert loads.seen() == before
    removed = {"append": 5, "replace": 5, "merge": 2, "delete_insert": 5}[mode]
    restored = {"append": 0, "replace": 5, "merge": 3, "delete_insert": 3}[mode]
    assert (done.removed, done.restored, done.author, done.already) == (
        removed, restored, "me", False
    )  # fmt: skip
    assert loads.undo_tables() == 0


@pytest.mark.parametrize("mode", MODES)
def test_a_table_that_the_load_made_is_gone(loads: Loads, mode: str) -> None:
    load = loads.run(NEW, mode)
    assert loads.seen() is not None
    loads.back(load)
    assert loads.seen() is None


@pytest.mark.parametrize("mode", MODES)
def test_a_table_that_something_hangs_on_is_emptied(loads: Loads, mode: str) -> None:
    load = loads.run(NEW, mode)
    loads.session.execute("CREATE VIEW v AS SELECT * FROM t")
    loads.back(load)
    assert loads.seen() == []


def test_a_swapped_table_that_something_hangs_on_by_now_keeps_it(loads: Loads) -> None:
    loads.session.execute("CREATE TABLE t (id integer, name text)")
    first = loads.run([(1, "a"), (1, "a")])
    load = loads.run(NEW, "replace")
    loads.session.execute("CREATE VIEW v AS SELECT * FROM t")
    loads.back(load)
    assert loads.seen() == [("(1,a)",), ("(1,a)",)]
    assert loads.session.execute("SELECT count(*) FROM v").fetchone() == (2,)
    loads.back(first)
    assert loads.seen() == []


def test_rolling_back_twice_is_rolling_back_once(loads: Loads) -> None:
    loads.session.execute("CREATE TABLE t (id integer, name text)")
    load = loads.run([(1, "a")])
    (first,) = loads.back(load)
    loads.run([(1, "a")])
    (second,) = loads.back(load)
    assert second == replace(first, already=True)
    assert loads.seen() == [("(1,a)",)]
    assert first.time is not None
    assert first.reason == "wrong file"


def test_later_loads_block_unless_they_go_too(loads: Loads) -> None:
    loads.session.execute("CREATE TABLE t (id integer, name text)")
    loads.session.execute(OLD.encode())
    before = loads.seen()
    first = loads.run(NEW, "merge")
    second = loads.run([(9, "i")])
    third = loads.run([(1, "z"), (9, "z"), (10, "z")], "merge")
    blocked = loads.refused(first)
    assert blocked.code == "ROLLBACK_BLOCKED"
    assert second.job in blocked.message
    assert third.job in blocked.message
    planned = loads.back(first, cascade=True, dry_run=True)
    assert [each.load_id for each in planned] == [third.load_id, second.load_id, first.load_id]
    assert all(each.time is None for each in planned)
    assert loads.undo_tables() == 2
    done = loads.back(first, cascade=True)
    assert [each.load_id for each in done] == [third.load_id, second.load_id, first.load_id]
    assert loads.seen() == before
    again = loads.back(first)
    assert [(each.load_id, each.already) for each in again] == [
        (each.load_id, True) for each in done
    ]
    (late,) = loads.back(third)
    assert late.already


CHANGES = {
    "update": "UPDATE t SET name = 'x' WHERE id = 8",
    "same update": "UPDATE t SET name = name WHERE id = 8",
    "delete": "DELETE FROM t WHERE id = 8",
    "swap": "DELETE FROM t WHERE id = 8; INSERT INTO t VALUES (8, 'h')",
}


@pytest.mark.parametrize("mode", [*MODES, "created"])
@pytest.mark.parametrize("change", CHANGES)
def test_rows_that_others_changed_are_noticed(loads: Loads, mode: str, change: str) -> None:
    if mode != "created":
        loads.session.execute("CREATE TABLE t (id integer, name text)")
        loads.session.execute(OLD.encode())
    load = loads.run(NEW, "append" if mode == "created" else mode)
    loads.session.execute(CHANGES[change].encode())
    assert loads.refused(load).code == "ROLLBACK_CONFLICT"


@pytest.mark.parametrize("mode", ["append", "merge", "delete_insert"])
def test_rows_of_others_stay(loads: Loads, mode: str) -> None:
    loads.session.execute("CREATE TABLE t (id integer, name text)")
    load = loads.run(NEW, mode)
    loads.session.execute("INSERT INTO t VALUES (8, 'h')")
    loads.back(load)
    assert loads.seen() == [("(8,h)",)]


@pytest.mark.parametrize("mode", ["replace", "created"])
def test_rows_of_others_beside_a_whole_load_are_not_lost(loads: Loads, mode: str) -> None:
    if mode == "replace":
        loads.session.execute("CREATE TABLE t (id integer, name text)")
    load = loads.run(NEW, "replace")
    loads.session.execute("INSERT INTO t VALUES (8, 'h')")
    assert loads.refused(load).code == "ROLLBACK_CONFLICT"


def test_a_changed_shape_is_a_conflict(loads: Loads) -> None:
    loads.session.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")
    loads.session.execute("INSERT INTO t VALUES (1, 'one')")
    load = loads.run([(1, "a")], "replace")
    loads.session.execute("ALTER TABLE t ADD COLUMN more integer")
    assert loads.refused(load).code == "ROLLBACK_CONFLICT"


def test_a_trigger_that_changes_restored_rows_is_a_conflict(loads: Loads) -> None:
    loads.session.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")
    loads.session.execute("INSERT INTO t VALUES (1, 'one')")
    load = loads.run([(1, "a")], "merge")
    loads.session.execute(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN NEW.name = ''x''; RETURN NEW; END';"
        "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()"
    )
    assert loads.refused(load).code == "ROLLBACK_CONFLICT"


@pytest.mark.parametrize(
    "action",
    ["NO ACTION DEFERRABLE INITIALLY DEFERRED", "CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT"],
)
@pytest.mark.parametrize("mode", MODES)
def test_rows_of_others_that_refer_to_the_load_are_not_taken_along(
    loads: Loads, mode: str, action: str
) -> None:
    loads.session.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, name text);"
        "CREATE TABLE child (id integer DEFAULT 8 REFERENCES t)"
    )
    loads.session.execute(
        "ALTER TABLE child DROP CONSTRAINT child_id_fkey, "
        f"ADD FOREIGN KEY (id) REFERENCES t ON DELETE {action}".encode()
    )
    load = loads.run([(7, "g"), (8, "h")], mode)
    loads.session.execute("INSERT INTO child VALUES (7)")
    assert loads.refused(load).code == "ROLLBACK_CONFLICT"
    assert loads.session.execute("SELECT id FROM child").fetchall() == [(7,)]
    loads.session.execute("DELETE FROM child")
    loads.back(load)
    assert loads.seen() == []


@pytest.mark.parametrize("mode", ["append", "merge", "delete_insert"])
@pytest.mark.parametrize("action", ["CASCADE", "SET NULL"])
def test_a_table_that_refers_to_itself_keeps_rows_of_others(
    loads: Loads, mode: str, action: str
) -> None:
    loads.session.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, name text, parent integer REFERENCES t "
        f"ON DELETE {action}); INSERT INTO t VALUES (1, 'one', 1), (2, 'two', 1)".encode()
    )
    before = loads.seen()
    load = loads.run([(7, "g"), (8, "h")] + [(2, "b")] * (mode == "merge"), mode)
    loads.session.execute("INSERT INTO t VALUES (9, 'others', 7)")
    assert loads.refused(load).code == "ROLLBACK_CONFLICT"
    loads.session.execute("DELETE FROM t WHERE id = 9")
    loads.back(load)
    assert loads.seen() == before


def test_two_that_roll_back_at_once_do_it_once(loads: Loads) -> None:
    loads.session.execute("CREATE TABLE t (id integer, name text)")
    load = loads.run(NEW)
    with ThreadPoolExecutor(4) as threads:
        found = [threads.submit(loads.back, load) for _ in range(4)]
        done = [each.result()[0] for each in found]
    assert [each.already for each in done].count(False) == 1
    assert loads.seen() == []


def test_a_locked_target_is_waited_for_and_given_up(
    loads: Loads, warehouse: ResolvedConnection
) -> None:
    loads.session.execute("CREATE TABLE t (id integer, name text)")
    load = loads.run(NEW)
    order = RollbackOrder(load.load_id, ("out",), "me")
    with loads.session.transaction():
        loads.session.execute("SELECT FROM t")
        with pytest.raises(EtlError) as conflict:
            IMPATIENT.roll_back(order, warehouse)
    assert conflict.value.code == "PUBLISH_CONFLICT"
    assert loads.back(load)[0].removed == 5


def test_sinks_of_one_load_go_together(
    loads: Loads, stage: Stage, warehouse: ResolvedConnection
) -> None:
    loads.session.execute("CREATE TABLE t (id integer, name text)")
    load = loads.run(NEW)
    more = stage([(9, "i")], of=load, sink="more")
    other = stage([(9, "i")], of=load, sink="other", target="public.u")
    for staged in (more, other):
        PUBLISHER.publish(staged, load, warehouse)
    order = RollbackOrder(load.load_id, ("out", "more", "other"), "me")
    done = ROLLBACK.roll_back(order, warehouse)
    assert sorted(each.sink for each in done) == ["more", "other", "out"]
    assert loads.seen() == []
    assert loads.session.execute("SELECT to_regclass('public.u')").fetchone() == (None,)


def test_a_target_that_is_gone_is_a_conflict(loads: Loads) -> None:
    load = loads.run(NEW)
    loads.session.execute("DROP TABLE t")
    assert loads.refused(load).code == "ROLLBACK_CONFLICT"


@pytest.mark.parametrize("mode", ["replace", "merge", "delete_insert"])
@pytest.mark.parametrize("key", ["", " PRIMARY KEY"])
def test_no_more_generations_are_kept_than_asked_for(loads: Loads, mode: str, key: str) -> None:
    loads.session.execute(f"CREATE TABLE t (id integer{key}, name text)".encode())
    loads.session.execute("INSERT INTO t VALUES (1, 'one')")
    made = [loads.run([(1, f"a{number}")], mode, keep=2) for number in range(4)]
    assert loads.undo_tables() == 2
    loads.back(made[3])
    loads.back(made[2])
    assert loads.seen() == [("(1,a1)",)]
    assert loads.refused(made[1]).code == "ROLLBACK_UNAVAILABLE"
    assert loads.undo_tables() == 0


@pytest.mark.parametrize("mode", ["replace", "merge", "delete_insert"])
def test_nothing_is_kept_where_nothing_is_to_be(loads: Loads, mode: str) -> None:
    loads.session.execute("CREATE TABLE t (id integer, name text)")
    loads.session.execute("INSERT INTO t VALUES (1, 'one')")
    load = loads.run(NEW, mode, keep=0)
    assert loads.undo_tables() == 0
    assert loads.refused(load).code == "ROLLBACK_UNAVAILABLE"


def test_a_load_that_the_ledger_does_not_know_is_refused(loads: Loads) -> None:
    load = loads.run(NEW)
    other = replace(load, load_id=uuid4().hex)
    assert loads.refused(other).code == "ROLLBACK_UNAVAILABLE"


def test_a_ledger_of_an_older_release_is_brought_up_to_date(loads: Loads) -> None:
    load = loads.run([(1, "a")])
    loads.session.execute(
        "DROP TABLE etlplus.restored; ALTER TABLE etlplus.load DROP number, DROP xid, "
        "DROP snapshot, DROP origin, DROP undo, DROP undo_table, DROP kept, DROP written, "
        "DROP keys, DROP columns, DROP deleted, DROP windows, "
        "DROP rolled_back_at, DROP rolled_back_by, "
        "DROP rolled_back_for, DROP rollback_reason, DROP rows_removed, DROP rows_restored"
    )
    assert loads.refused(load).code == "ROLLBACK_UNAVAILABLE"
    later = loads.run([(2, "b")])
    loads.back(later)
    assert loads.seen() == [("(1,a)",)]


@pytest.fixture
def cutter(warehouse: ResolvedConnection) -> Iterator[Cutter]:
    with proxy(warehouse.options["host"], warehouse.options["port"]) as made:
        yield made


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("cuts", [["before"], ["after"], ["before", "after"]], ids="-".join)
def test_a_cut_commit_rolls_back_once(
    loads: Loads, warehouse: ResolvedConnection, cutter: Cutter, mode: str, cuts: list[str]
) -> None:
    loads.session.execute("CREATE TABLE t (id integer, name text)")
    loads.session.execute(OLD.encode())
    before = loads.seen()
    load = loads.run(NEW, mode)
    cutter.plan = list(cuts)
    order = RollbackOrder(load.load_id, ("out",), "me")
    (done,) = PATIENT.roll_back(order, through(cutter, warehouse))
    assert cutter.cuts == len(cuts)
    assert loads.seen() == before
    assert done.time is not None
