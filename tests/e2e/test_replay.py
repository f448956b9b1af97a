"""Replaying rejects by the command: after a fix the table holds each record exactly once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from etlplus.v1 import job_pb2
from tests.e2e.test_cli import Place, data
from tests.live import Service

LOAD = """\
api: etlplus/v1
name: {name}
sources: {{rows: {{csv: {{uri: {name}.csv, columns: {{id: bigint, amount: "{type}"}}}}}}}}
steps:
  - name: checked
    validate: {{rules: [{{name: named, expr: "{rule}"}}]}}
sinks:
  table: {{from: checked, postgres: {{connection: local, table: {name}}}}}
"""
READ = """\
api: etlplus/v1
name: {name}_read
sources: {{rows: {{postgres: {{connection: local, table: {name}}}}}}}
sinks: {{out: {{from: rows, jsonl: {name}_read.jsonl}}}}
"""
#: A value that is no number, a rule that is not kept, a record that lacks fields.
ROWS = "id,amount,who\n1,10,ann\n2,much,bob\n3,30,\n4\n5,50,eve\n"
STRICT = "who is not null"


@pytest.fixture(scope="module")
def place(live: Service) -> Place:
    return Place(live, {**live.environ, "NO_COLOR": "1"})


class Loads:
    """A pipeline that refuses rows at first."""

    def __init__(self, place: Place, name: str, rows: str = ROWS) -> None:
        self.place = place
        self.name = name
        place.file(f"{name}.csv", rows)

    def text(self, type_: str = "varchar", rule: str = "id > 0") -> str:
        return LOAD.format(name=self.name, type=type_, rule=rule)

    def run(self, type_: str = "varchar", rule: str = STRICT) -> job_pb2.Job:
        job = self.place.live.run(self.text(type_, rule))
        assert job.state == job_pb2.Job.STATE_SUCCEEDED, job.error
        return job

    def fix(self, type_: str = "varchar", rule: str = "id > 0") -> None:
        self.place.live.apply(self.text(type_, rule))

    def replay(self, job: job_pb2.Job) -> job_pb2.Job:
        request = job_pb2.ReplayRejectsRequest(name=job.name)
        live = self.place.live
        return live.wait(live.jobs.ReplayRejects(request, metadata=live.metadata, timeout=60))

    def table(self) -> list[tuple[int, str, str]]:
        """The rows of the table, as a pipeline reads them."""
        job = self.place.live.run(READ.format(name=self.name))
        assert job.state == job_pb2.Job.STATE_SUCCEEDED, job.error
        text = (self.place.live.root / f"{self.name}_read.jsonl").read_text()
        rows = [json.loads(line) for line in text.splitlines()]
        return sorted((row["id"], str(row["amount"]), row["who"] or "") for row in rows)


def test_each_record_is_loaded_once_and_the_books_add_up(place: Place) -> None:
    loads = Loads(place, "mended")
    first = loads.run()
    assert first.sinks[0].books.loaded == 3
    assert first.rejects.rows == 2
    loads.fix()
    shown = place.run("rejects", "replay", first.uid, "-o", "json")
    done = data(shown)
    assert "reads again 2 of 2 rows" in shown.stderr
    assert done["replay_of"] == first.name
    books = done["sinks"][0]["books"]
    # The record that lacks fields is refused again: no type or rule mends it.
    assert (books["read"], books["loaded"], books["rejected"]) == (2, 1, 1)
    total = first.sinks[0].books
    assert total.read == total.loaded + books["loaded"] + books["rejected"]
    assert loads.table() == [
        (1, "10", "ann"), (2, "much", "bob"), (3, "30", ""), (5, "50", "eve")
    ]  # fmt: skip
    (left,) = place.live.rejects(place.newest("mended"))
    assert (left.line, left.reasons[0].code) == (5, "TOO_FEW_FIELDS")
    again = place.run("rejects", "replay", first.uid)
    assert again.returncode != 0
    assert "ALREADY_REPLAYED" in again.stderr
    assert done["uid"] in again.stderr
    assert len(loads.table()) == 4


def test_both_jobs_show_each_other(place: Place) -> None:
    loads = Loads(place, "shown_again")
    first = loads.run()
    loads.fix()
    done = loads.replay(first)
    of_first = place.run("jobs", "show", first.uid)
    assert "REPLAYED BY" in of_first.stdout
    assert done.uid in of_first.stdout
    of_second = place.run("jobs", "show", done.uid)
    assert f"2 of 2 rejects of job {first.uid}" in of_second.stdout


def test_a_value_that_did_not_fit_its_type_is_loaded_by_a_wider_one(place: Place) -> None:
    loads = Loads(place, "typed", "id,amount,who\n1,10,ann\n2,20.5,bob\n3,30,cid\n")
    # The table's column holds both; only the source was too narrow.
    place.live.run(loads.text("decimal(12,2)", "id < 0"))
    first = loads.run("bigint", "id > 0")
    assert (first.sinks[0].books.loaded, first.rejects.rows) == (2, 1)
    loads.fix("decimal(12,2)")
    done = loads.replay(first)
    assert (done.state, done.sinks[0].books.loaded) == (job_pb2.Job.STATE_SUCCEEDED, 1), done.error
    assert [row[0] for row in loads.table()] == [1, 2, 3]


def test_what_the_replay_refuses_is_replayed_from_there(place: Place) -> None:
    loads = Loads(place, "twice", "id,amount,who\n1,10,ann\n2,20,\n3,30,\n")
    first = loads.run()
    loads.fix(rule="who is not null or id = 2")
    second = loads.replay(first)
    assert (second.sinks[0].books.loaded, second.rejects.rows) == (1, 1)
    loads.fix()
    third = loads.replay(second)
    assert third.replay_of == second.name
    assert third.sinks[0].books.loaded == 1
    assert [row[0] for row in loads.table()] == [1, 2, 3]
    nothing = place.run("rejects", "replay", third.uid)
    assert nothing.returncode != 0
    assert "NOTHING_TO_REPLAY" in nothing.stderr


def test_a_file_that_was_changed_is_refused_and_nothing_loaded(place: Place) -> None:
    loads = Loads(place, "changed")
    first = loads.run()
    before = loads.table()
    loads.fix()
    place.file("changed.csv", ROWS.replace("eve", "Eve"))
    done = loads.replay(first)
    assert done.state == job_pb2.Job.STATE_FAILED
    assert done.error.code == "SOURCE_CHANGED"
    assert not done.sinks
    assert loads.table() == before
    # It failed, so that nothing stands in the way of another.
    assert loads.replay(first).error.code == "SOURCE_CHANGED"


def test_of_two_at_once_one_is_made(place: Place) -> None:
    loads = Loads(place, "raced")
    first = loads.run()
    loads.fix()

    def attempt(_: int) -> job_pb2.Job | grpc.RpcError:
        try:
            return loads.replay(first)
        except grpc.RpcError as error:
            return error

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(attempt, range(4)))
    (done,) = [answer for answer in answers if isinstance(answer, job_pb2.Job)]
    assert done.state == job_pb2.Job.STATE_SUCCEEDED, done.error
    assert [row[0] for row in loads.table()] == [1, 2, 3, 5]


def test_after_a_rollback_of_the_replay_it_is_done_again(place: Place) -> None:
    loads = Loads(place, "undone")
    first = loads.run()
    loads.fix()
    done = loads.replay(first)
    undo = place.run("jobs", "rollback", done.uid, "--yes")
    assert undo.returncode == 0, undo.stderr
    assert loads.replay(first).state == job_pb2.Job.STATE_SUCCEEDED
    assert [row[0] for row in loads.table()] == [1, 2, 3, 5]


def test_what_a_table_refused_is_replayed_once_it_fits(place: Place) -> None:
    live = place.live
    live.query("create table narrow_again (id bigint, amount varchar(3), who text)")
    loads = Loads(place, "narrow_again", "id,amount,who\n1,abc,ann\n2,abcd,bob\n")
    first = loads.run()
    assert [count.code for count in first.rejects.counts] == ["TARGET_REFUSED"]
    live.query("alter table narrow_again alter column amount type text")
    done = loads.replay(first)
    assert done.state == job_pb2.Job.STATE_SUCCEEDED, done.error
    assert (done.sinks[0].books.read, done.sinks[0].books.loaded) == (1, 1)
    assert loads.table() == [(1, "abc", "ann"), (2, "abcd", "bob")]


WIDE = """\
api: etlplus/v1
name: wide
sources:
  orders: {{csv: {{uri: wide_orders.csv}}}}
  users: {{csv: {{uri: wide_users.csv}}}}
  notes: {{csv: {{uri: wide_notes.csv}}}}
steps:
  - {{name: known, from: orders, join: {{with: users, on: [user], how: lookup, missing: reject}}}}
  - {{name: checked, from: known, validate: {{rules: [{{name: old, expr: "{rule}"}}]}}}}
sinks:
  table: {{from: checked, postgres: {{connection: local, table: wide}}}}
  beside: {{from: notes, postgres: {{connection: local, table: wide_notes}}}}
"""


def test_what_is_looked_up_is_read_whole_and_what_stands_beside_not_at_all(place: Place) -> None:
    live = place.live
    place.file("wide_orders.csv", "id,user\n1,7\n2,8\n3,9\n")
    place.file("wide_users.csv", "user,age\n7,70\n8,8\n")
    place.file("wide_notes.csv", "note\na\nb\n")
    first = live.run(WIDE.format(rule="age > 18"))
    assert first.state == job_pb2.Job.STATE_SUCCEEDED, first.error
    assert {count.step: count.rows for count in first.rejects.counts} == {"known": 1, "checked": 1}
    place.file("wide_users.csv", "user,age\n7,70\n8,8\n9,90\n")
    live.apply(WIDE.format(rule="age > 0"))
    request = job_pb2.ReplayRejectsRequest(name=first.name)
    done = live.wait(live.jobs.ReplayRejects(request, metadata=live.metadata, timeout=60))
    assert done.state == job_pb2.Job.STATE_SUCCEEDED, done.error
    assert done.replay.rows == 2
    assert live.query("select id, age from wide order by id") == [(1, 70), (2, 8), (3, 90)]
    assert live.query("select note from wide_notes order by note") == [("a",), ("b",)]
