"""Sources that read only new files: each content is loaded once, whatever happens in between."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etlplus.v1 import job_pb2
from tests.e2e.folder import Folder
from tests.live import Service

PIPELINE = """\
api: etlplus/v1
name: {name}
sources:
  files: {{csv: {{uri: "{name}/*.csv", columns: {{id: bigint}}, incremental: only_new}}}}
sinks:
  one: {{postgres: {{connection: local, table: {name}_one}}}}
  two: {{postgres: {{connection: local, table: {name}_two}}}}
"""
SUCCEEDED = job_pb2.Job.STATE_SUCCEEDED
FAILED = job_pb2.Job.STATE_FAILED


class Files(Folder):
    """A folder of files, and the pipeline that appends what is new in it to two tables."""

    def __init__(self, live: Service, name: str) -> None:
        super().__init__(live)
        self.name = name
        self.text = PIPELINE.format(name=name)
        self.folder = Path(live.root) / name
        self.folder.mkdir()

    def put(self, name: str, *ids: object) -> Path:
        path = self.folder / name
        path.write_text("id\n" + "".join(f"{each}\n" for each in ids))
        return path

    def load(self) -> job_pb2.Job:
        job = self.live.run(self.text)
        assert job.state == SUCCEEDED, job.error
        return job

    def ids(self, sink: str = "one") -> list[int]:
        found = self.live.query(f"select id from {self.name}_{sink} order by id")
        return [row[0] for row in found]

    def roll_back(self, job: job_pb2.Job) -> None:
        request = job_pb2.RollbackJobRequest(name=job.name)
        self.live.jobs.RollbackJob(request, metadata=self.live.metadata, timeout=60)


def test_only_contents_that_were_not_loaded_are_read(live: Service) -> None:
    files = Files(live, "contents")
    first = files.put("a.csv", 1, 2)
    job = files.load()
    assert files.ids() == [1, 2]
    assert job.windows[0].summary == f"1 new file: {first}"
    # Nothing new, though the file is called otherwise and a copy lies beside it.
    first.rename(first.with_name("z.csv"))
    files.put("copy.csv", 1, 2)
    job = files.load()
    assert (job.windows[0].summary, job.sinks[0].books.read) == ("no new file", 0)
    files.put("b.csv", 3)
    files.put("c.csv", 3)
    files.load()
    assert files.ids() == files.ids("two") == [1, 2, 3]
    # Another content is another file, whatever it is called.
    files.put("b.csv", 4, 5)
    files.load()
    assert files.ids() == files.ids("two") == [1, 2, 3, 4, 5]


def test_a_load_that_ended_between_two_sinks_goes_on_with_the_same_files(live: Service) -> None:
    files = Files(live, "cut")
    live.query("create table cut_two (id bigint check (id < 2))")
    files.put("a.csv", 1, 2)
    assert live.run(files.text).state == FAILED
    assert (files.ids(), files.ids("two")) == ([1, 2], [])
    live.query("alter table cut_two drop constraint cut_two_id_check")
    files.put("b.csv", 3)
    files.load()
    assert files.ids() == files.ids("two") == [1, 2]
    files.load()
    assert files.ids() == files.ids("two") == [1, 2, 3]


def test_a_file_that_was_changed_under_such_a_load_is_refused_until_it_is_given_up(
    live: Service,
) -> None:
    files = Files(live, "moved")
    live.query("create table moved_two (id bigint check (id < 2))")
    files.put("a.csv", 1, 2)
    failed = live.run(files.text)
    live.query("alter table moved_two drop constraint moved_two_id_check")
    files.put("a.csv", 1, 2, 3)
    job = live.run(files.text)
    assert (job.state, job.error.code) == (FAILED, "SOURCE_CHANGED")
    files.roll_back(failed)
    files.load()
    assert files.ids() == files.ids("two") == [1, 2, 3]


def test_a_rollback_lets_the_next_job_read_the_same_files(live: Service) -> None:
    files = Files(live, "taken")
    files.put("a.csv", 1)
    files.load()
    files.put("b.csv", 2)
    files.roll_back(files.load())
    assert files.ids() == [1]
    files.load()
    assert files.ids() == files.ids("two") == [1, 2]


def test_a_job_that_failed_before_it_published_has_loaded_nothing(live: Service) -> None:
    files = Files(live, "early")
    files.put("a.csv", 1)
    broken = files.text + 'steps: [{name: all, sql: "select id / 0 as id from files"}]\n'
    assert live.run(broken + "limits: {rejects: 0}\n").state == FAILED
    files.load()
    assert files.ids() == files.ids("two") == [1]


def test_the_command_shows_and_resets_what_was_read(live: Service) -> None:
    files = Files(live, "ledger")
    path = files.put("a.csv", 1)
    job = files.load()
    assert f"1 file, the last {path}" in files.run("state", "show", "ledger").stdout
    assert f"reads      files: 1 new file: {path}" in files.run("jobs", "show", job.uid).stdout
    refused = files.run("state", "reset", "ledger", "--to", "1")
    assert refused.returncode == 2
    assert "is read by its files" in refused.stderr
    assert "nothing yet" in files.run("state", "reset", "ledger").stdout
    files.load()
    assert files.ids() == [1, 1]
    planned = files.run("plan", files.write("ledger.yaml", files.text))
    assert "only files are read whose content was not loaded before" in planned.stdout


def test_a_source_that_is_read_in_another_way_begins_only_after_a_reset(live: Service) -> None:
    files = Files(live, "turned")
    files.put("a.csv", 1)
    files.load()
    live.query("create table turned_orders (id bigint)")
    live.query("insert into turned_orders values (2)")
    source = "{postgres: {connection: local, table: turned_orders, incremental: id}}"
    turned = files.text.replace(
        '{csv: {uri: "turned/*.csv", columns: {id: bigint}, incremental: only_new}}', source
    )
    job = live.run(turned)
    assert (job.state, job.error.code) == (FAILED, "CURSOR_CHANGED")
    assert files.run("state", "reset", "turned").returncode == 0
    live.query("create unique index on turned_orders (id)")
    assert live.run(turned).state == SUCCEEDED
    assert files.ids() == [1, 2]
    job = live.run(files.text)
    assert (job.state, job.error.code) == (FAILED, "CURSOR_CHANGED")


def test_a_replay_reads_the_refused_records_and_moves_nothing(live: Service) -> None:
    files = Files(live, "mend")
    files.put("a.csv", 1, "x")
    text = files.text.replace("columns: {id: bigint}", "columns: {id: text}")
    text = text.replace("sinks:", 'steps: [{name: n, map: {id: "cast(id as bigint)"}}]\nsinks:')
    text = text.split("  two:", maxsplit=1)[0]
    job = live.run(text)
    assert (job.sinks[0].books.loaded, job.rejects.rows) == (1, 1)
    files.put("b.csv", 7)
    live.apply(text.replace("cast(id as bigint)", "cast(replace(id, 'x', '2') as bigint)"))
    replayed = files.run("rejects", "replay", job.uid)
    assert replayed.returncode == 0, replayed.stderr
    assert files.ids() == [1, 2]
    assert live.run(text).state == SUCCEEDED
    assert files.ids() == [1, 2, 7]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_every_kind_of_file_is_read_so(live: Service, kind: str) -> None:
    folder = Path(live.root) / f"kind_{kind}"
    folder.mkdir()
    text = (
        f"api: etlplus/v1\nname: kind_{kind}\n"
        f"sources: {{s: {{{kind}: {{uri: 'kind_{kind}/*', incremental: {{files: only_new}}}}}}}}\n"
        f"sinks: {{o: {{postgres: {{connection: local, table: kind_{kind}}}}}}}\n"
    )
    for number in (1, 2):
        path = folder / f"{number}.{kind}"
        if kind == "jsonl":
            path.write_text(json.dumps({"id": number}) + "\n")
        else:
            pq.write_table(pa.table({"id": [number]}), path)
        assert live.run(text).state == SUCCEEDED
    assert live.query(f"select id from kind_{kind} order by 1") == [(1,), (2,)]
