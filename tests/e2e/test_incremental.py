"""Sources that are read part by part: each row is loaded once, whatever ends jobs in between."""

from __future__ import annotations

import json

import pytest

from etlplus.v1 import job_pb2
from tests.e2e.folder import Folder
from tests.live import Service

APPEND = """\
api: etlplus/v1
name: {name}
sources:
  orders: {{postgres: {{connection: local, table: {name}_orders, incremental: {cursor}}}}}
sinks:
  one: {{postgres: {{connection: local, table: {name}_one{mode}}}}}
  two: {{postgres: {{connection: local, table: {name}_two{mode}}}}}
"""
MERGE = ", mode: merge, keys: [id]"
SUCCEEDED = job_pb2.Job.STATE_SUCCEEDED


class Orders:
    """A table that grows, and the pipeline that loads what is new."""

    def __init__(self, live: Service, name: str, *, cursor: str = "id", mode: str = "") -> None:
        self.live = live
        self.name = name
        self.text = APPEND.format(name=name, cursor=cursor, mode=mode)
        live.query(f"create table {name}_orders (id bigint, at timestamptz, word text)")

    def add(self, *rows: str) -> None:
        for row in rows:
            self.live.query(f"insert into {self.name}_orders values ({row})")

    def run(self) -> job_pb2.Job:
        return self.live.run(self.text)

    def load(self) -> None:
        job = self.run()
        assert job.state == SUCCEEDED, job.error

    def roll_back(self, job: job_pb2.Job) -> None:
        request = job_pb2.RollbackJobRequest(name=job.name)
        self.live.jobs.RollbackJob(request, metadata=self.live.metadata, timeout=60)

    def ids(self, sink: str = "one") -> list[int]:
        found = self.live.query(f"select id from {self.name}_{sink} order by id")
        return [row[0] for row in found]


def test_only_what_is_new_is_read(live: Service) -> None:
    orders = Orders(live, "grow")
    live.query("create unique index on grow_orders (id)")
    orders.add("1", "2")
    orders.load()
    assert orders.ids() == [1, 2]
    orders.load()
    assert orders.ids() == [1, 2]
    orders.add("3")
    orders.load()
    assert orders.ids() == [1, 2, 3] == orders.ids("two")
    told = live.query(
        "select windows -> 'orders' ->> 'lower', windows -> 'orders' ->> 'upper' from etlplus.load"
        " where target = 'public.grow_one' order by number"
    )
    assert told == [(None, "2"), (None, None), ("2", "3")]


def test_rows_with_the_newest_value_are_not_split_between_two_appends(live: Service) -> None:
    orders = Orders(live, "ties", cursor="at")
    orders.add("1, '2026-01-01'", "2, '2026-01-02'")
    orders.load()
    assert orders.ids() == [1]
    orders.add("3, '2026-01-02'")
    orders.load()
    assert orders.ids() == [1]
    orders.add("4, '2026-01-03'")
    orders.load()
    assert orders.ids() == [1, 2, 3]


def test_where_rows_are_known_those_of_the_newest_value_come_at_once_and_again(
    live: Service,
) -> None:
    orders = Orders(live, "known", cursor="{cursor: at, lookback: 1h}", mode=MERGE)
    orders.add("1, '2026-01-01 10:00Z', 'a'", "2, '2026-01-01 12:00Z', 'b'")
    orders.load()
    assert orders.ids() == [1, 2]
    orders.add("3, '2026-01-01 11:30Z', 'late'", "4, '2026-01-01 10:30Z', 'too late'")
    orders.load()
    assert orders.ids() == [1, 2, 3]
    live.query("update known_orders set word = 'new', at = '2026-01-02' where id = 1")
    orders.load()
    assert live.query("select word from known_one where id = 1") == [("new",)]


def test_the_first_run_begins_at_the_start(live: Service) -> None:
    orders = Orders(live, "begin", cursor="{cursor: at, start: '2026-01-02'}", mode=MERGE)
    orders.add("1, '2026-01-01'", "2, '2026-01-02'")
    orders.load()
    assert orders.ids() == [2]


def test_a_row_without_a_value_ends_the_run_and_says_so(live: Service) -> None:
    orders = Orders(live, "nulls")
    orders.add("1", "null")
    job = orders.run()
    assert (job.error.code, job.error.place) == ("CURSOR_NULL", "orders")
    assert "1 rows have no value in id" in job.error.message


@pytest.mark.parametrize(
    ("cursor", "told"),
    [
        ("nothing", "there is no such column"),
        ("{cursor: id, start: soon}", "its `start` is no bigint"),
    ],
)
def test_a_column_that_does_not_do_is_named(live: Service, cursor: str, told: str) -> None:
    orders = Orders(live, f"bad_{len(told)}", cursor=cursor)
    job = orders.run()
    assert job.error.code == "CURSOR_INVALID"
    assert told in job.error.message
    assert job.error.hint


def test_another_column_begins_only_after_a_reset(live: Service) -> None:
    orders = Orders(live, "other")
    orders.add("1, '2026-01-01'")
    orders.load()
    orders.text = orders.text.replace("incremental: id", "incremental: at")
    assert orders.run().error.code == "CURSOR_CHANGED"


def test_a_load_that_ended_between_two_sinks_goes_on_with_the_next_job(live: Service) -> None:
    orders = Orders(live, "half")
    live.query("create unique index on half_orders (id)")
    live.query("create table half_two (id bigint check (id < 2), at timestamptz, word text)")
    orders.add("1", "2")
    failed = orders.run()
    assert failed.state == job_pb2.Job.STATE_FAILED
    assert (orders.ids(), orders.ids("two")) == ([1, 2], [])
    live.query("alter table half_two drop constraint half_two_id_check")
    orders.add("3")
    orders.load()
    assert orders.ids() == orders.ids("two") == [1, 2]
    orders.load()
    assert orders.ids() == orders.ids("two") == [1, 2, 3]


def test_a_folder_that_has_the_load_already_gets_it_no_second_time(live: Service) -> None:
    orders = Orders(live, "filed")
    orders.text = orders.text.replace(
        "one: {postgres: {connection: local, table: filed_one}}", "one: {jsonl: filed/}"
    )
    live.query("create unique index on filed_orders (id)")
    live.query("create table filed_two (id bigint check (id < 2), at timestamptz, word text)")
    orders.add("1", "2")
    assert orders.run().state == job_pb2.Job.STATE_FAILED
    live.query("alter table filed_two drop constraint filed_two_id_check")
    orders.add("3")
    orders.load()
    orders.load()
    lines = [
        json.loads(line)
        for path in (live.root / "filed").glob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    assert sorted(line["id"] for line in lines) == orders.ids("two") == [1, 2, 3]


def test_each_source_has_a_position_of_its_own(live: Service) -> None:
    live.query("create table left_rows (id bigint primary key)")
    live.query("create table right_rows (id bigint primary key)")
    text = """\
api: etlplus/v1
name: pair
sources:
  left_rows: {postgres: {connection: local, table: left_rows, incremental: id}}
  right_rows: {postgres: {connection: local, query: select * from right_rows, incremental: id}}
sinks:
  one: {from: left_rows, postgres: {connection: local, table: pair_one}}
  two: {from: right_rows, postgres: {connection: local, table: pair_two}}
"""
    live.query("insert into left_rows values (1), (2)")
    for ids, one, two in (
        ("(5), (6)", [1, 2], [5]),
        ("(7)", [1, 2], [5, 6]),
    ):
        live.query(f"insert into right_rows values {ids}")
        job = live.run(text)
        assert job.state == SUCCEEDED, job.error
        for table, wanted in (("pair_one", one), ("pair_two", two)):
            found = live.query(f"select id from {table} order by id")
            assert [row[0] for row in found] == wanted


def test_a_job_that_failed_before_it_published_has_no_share_in_the_next(live: Service) -> None:
    orders = Orders(live, "fresh")
    live.query("create unique index on fresh_orders (id)")
    orders.text += 'steps: [{map: {word: "cast(word as bigint)"}, on_error: fail}]\n'
    orders.add("1, null, 'x'")
    assert orders.run().state == job_pb2.Job.STATE_FAILED
    live.query("update fresh_orders set word = '5'")
    orders.add("2, null, '6'")
    orders.load()
    assert orders.ids() == orders.ids("two") == [1, 2]


def test_a_rollback_lets_the_next_job_read_the_same_again(live: Service) -> None:
    orders = Orders(live, "again")
    live.query("create unique index on again_orders (id)")
    orders.add("1", "2")
    orders.load()
    orders.add("3")
    job = orders.run()
    assert orders.ids() == [1, 2, 3]
    orders.roll_back(job)
    assert orders.ids() == orders.ids("two") == [1, 2]
    orders.load()
    assert orders.ids() == orders.ids("two") == [1, 2, 3]


def test_a_load_of_two_jobs_is_rolled_back_as_one(live: Service) -> None:
    orders = Orders(live, "both")
    live.query("create unique index on both_orders (id)")
    live.query("create table both_two (id bigint check (id < 2), at timestamptz, word text)")
    orders.add("1", "2")
    failed = orders.run()
    live.query("alter table both_two drop constraint both_two_id_check")
    orders.load()
    orders.roll_back(failed)
    assert live.query("select to_regclass('both_one')") == [(None,)]
    assert orders.ids("two") == []
    orders.load()
    assert orders.ids() == orders.ids("two") == [1, 2]


def test_the_command_shows_and_resets_what_was_read(live: Service) -> None:
    orders = Orders(live, "told", mode=MERGE)
    folder = Folder(live)
    orders.add("1", "2")
    job = orders.run()
    shown = folder.run("state", "show", "told")
    assert shown.returncode == 0, shown.stderr
    assert "orders  id      bigint  up to 2" in shown.stdout
    assert "reads      orders: id <= 2" in folder.run("jobs", "show", job.uid).stdout
    live.query("delete from told_one")
    again = folder.run("state", "reset", "told", "--source", "orders", "--to", "2")
    assert "before 2" in again.stdout, again.stderr
    orders.load()
    assert orders.ids() == [2]
    assert "nothing yet" in folder.run("state", "reset", "told").stdout
    orders.load()
    assert orders.ids() == [1, 2]
    refused = folder.run("state", "reset", "told", "--to", "soon")
    assert refused.returncode == 2
    assert "'soon' is no bigint" in refused.stderr


def test_a_plan_tells_how_a_source_is_read(live: Service) -> None:
    orders = Orders(live, "planned")
    folder = Folder(live)
    path = folder.write("planned.yaml", orders.text)
    planned = folder.run("plan", path)
    assert "read part by part, by what is new in id; one job runs at a time" in planned.stdout
    wrong = folder.write("wrong.yaml", orders.text.replace("incremental: id", "incremental: ix"))
    assert "CURSOR_INVALID" in folder.run("plan", wrong).stderr


def test_without_a_server_nothing_is_read_part_by_part(live: Service) -> None:
    orders = Orders(live, "alone")
    folder = Folder(live)
    path = folder.write("alone.yaml", orders.text)
    refused = folder.run("run", path, "--local")
    assert refused.returncode == 2
    assert "--local keeps no state between runs" in refused.stderr
