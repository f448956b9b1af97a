"""The command against a real server: exit codes, what goes to stdout, data forms, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from etlplus.v1 import job_pb2
from tests.live import ETLPLUS, WORKSPACE, Service

PIPELINE = """\
api: etlplus/v1
name: {name}
params: {{least: {{type: int, default: 0}}}}
sources:
  people: {{csv: {{uri: people.csv, columns: {{id: bigint, amount: "decimal(12,2)"}}}}}}
steps:
  - {{name: large, filter: "amount >= ${{params.least}}"}}
  - {{name: checked, validate: {{not_null: [name]}}}}
sinks:
  out: {{parquet: "{name}.parquet"}}
{more}
"""
# Compares each number with each other and finds nothing, which takes far longer than any test.
ENDLESS = """\
api: etlplus/v1
name: endless
sources:
  numbers: {csv: {uri: numbers.csv, columns: {n: bigint}}}
steps:
  - name: pairs
    sql: select a.n from numbers a join numbers b on a.n * b.n < a.n - 1000000 * b.n
sinks:
  out: {parquet: endless.parquet}
"""
PEOPLE = "id,name,amount\n1,Ada,9.90\n2,Grace,12.00\n3,,7.50\n4,Edsger,much\n"


@dataclass(frozen=True)
class Place:
    """The folder of a server's files and the environment of commands."""

    live: Service
    environ: dict[str, str]

    def file(self, name: str, text: str) -> str:
        """Write a file there and return its path."""
        path = self.live.root / name
        path.write_text(text)
        return str(path)

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [ETLPLUS, *arguments],
            env={**self.environ, **environ},
            cwd=self.live.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command whose stderr is read line by line."""
        return subprocess.Popen(
            [ETLPLUS, *arguments],
            env=self.environ,
            cwd=self.live.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def newest(self, pipeline: str) -> job_pb2.Job:
        """Return the newest job of a pipeline."""
        request = job_pb2.ListJobsRequest(parent=WORKSPACE, filter=f'pipeline = "{pipeline}"')
        return self.live.jobs.ListJobs(request, metadata=self.live.metadata).jobs[0]


@pytest.fixture(scope="module")
def place(live: Service) -> Place:
    environ = {**live.environ, "NO_COLOR": "1"}
    found = Place(live, environ)
    found.file("people.csv", PEOPLE)
    found.file("numbers.csv", "n\n" + "".join(f"{n}\n" for n in range(1, 300_000)))
    return found


def definition(place: Place, name: str, more: str = "") -> str:
    return place.file(f"{name}.yaml", PIPELINE.format(name=name, more=more))


def data(result: subprocess.CompletedProcess[str]) -> Any:  # noqa: ANN401 any data
    """Return what a command printed as JSON; nothing else may be on stdout."""
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_a_file_runs_and_the_books_are_printed(place: Place) -> None:
    result = place.run("run", definition(place, "books"), "-o", "json")
    job = data(result)
    assert job["state"] == "SUCCEEDED"
    assert job["sinks"][0]["books"] == {
        "read": 4,
        "loaded": 2,
        "rejected": 2,
        "filtered": 0,
        "merged_away": 0,
        "expanded": 0,
        "deleted": 0,
    }
    assert "stored as version 1" in result.stderr
    assert "SUCCEEDED" in result.stderr
    assert "\x1b" not in result.stderr


def test_the_table_form_shows_the_same(place: Place) -> None:
    result = place.run("run", definition(place, "shown"))
    assert result.returncode == 0
    assert "LOADED" in result.stdout
    assert "MISSING_VALUE" in result.stdout
    assert "etlplus rejects show" in result.stderr


def test_quiet_leaves_data_alone(place: Place) -> None:
    result = place.run("run", definition(place, "silent"), "--quiet", "--detach")
    assert result.returncode == 0
    assert place.run("jobs", "watch", "-q", result.stdout.strip()).returncode == 0
    assert "version" not in result.stderr


def test_parameters_reach_the_run(place: Place) -> None:
    file = definition(place, "params")
    job = data(place.run("run", file, "-p", "least=10", "-o", "json"))
    assert job["params"] == {"least": "10"}
    assert job["sinks"][0]["books"]["filtered"] == 2
    wrong = place.run("run", file, "--param", "least=many")
    assert wrong.returncode == 2
    assert "least" in wrong.stderr
    unknown = place.run("run", "params", "--param", "most=1")
    assert unknown.returncode == 2


def test_a_failed_run_ends_with_1(place: Place) -> None:
    file = place.file(
        "away.yaml", PIPELINE.format(name="away", more="").replace("people.csv", "nobody.csv")
    )
    result = place.run("run", file)
    assert result.returncode == 1
    assert "SOURCE_NOT_FOUND" in result.stderr
    assert "etlplus jobs logs" in result.stderr


def test_a_wrong_definition_ends_with_2(place: Place) -> None:
    file = place.file("wrong.yaml", "api: etlplus/v1\nname: wrong\nsorces: {}\n")
    for command in (["run"], ["apply"], ["plan"], ["validate"]):
        result = place.run(*command, file)
        assert result.returncode == 2
        assert result.stdout == ""
        assert "sources" in result.stderr


def test_a_server_that_is_away_ends_with_3(place: Place) -> None:
    result = place.run("list", "--server", "127.0.0.1:1")
    assert result.returncode == 3
    assert "etlplus serve" in result.stderr


@pytest.mark.parametrize("token", ["nonsense", "etlp_root_" + "0" * 61])
def test_a_wrong_token_ends_with_4(place: Place, token: str) -> None:
    result = place.run("list", ETLPLUS_TOKEN=token)
    assert result.returncode == 4
    assert token not in result.stderr
    assert "etlplus doctor" in result.stderr or "→" in result.stderr


def test_too_many_rejects_end_with_5(place: Place) -> None:
    result = place.run("run", definition(place, "budget", "limits: {rejects: {max: 1}}"))
    assert result.returncode == 5
    assert "REJECT_BUDGET_EXCEEDED" in result.stderr
    assert not (place.live.root / "budget.parquet").exists()
    shown = place.run("rejects", "show", place.newest("budget").uid)
    assert "3,,7.50" in shown.stdout
    assert "4,Edsger,much" in shown.stdout


def test_every_read_is_data(place: Place) -> None:
    assert place.run("apply", definition(place, "reads")).returncode == 0
    assert place.run("run", "reads", "-q").returncode == 0
    for words in (
        ["list"],
        ["get", "reads"],
        ["plan", "reads"],
        ["jobs", "list"],
        ["jobs", "show", "last"],
        ["conn", "test", "local"],
        ["conn", "discover", "local"],
        ["doctor"],
        ["version"],
    ):
        result = place.run(*words, "-o", "json")
        assert result.returncode == 0, (words, result.stderr)
        assert json.loads(result.stdout) is not None, words


def test_data_can_be_yaml(place: Place) -> None:
    result = place.run("conn", "list", "-o", "yaml")
    assert [connection["kind"] for connection in yaml.safe_load(result.stdout)][:1] == ["postgres"]


def test_rejects_name_line_reason_and_record(place: Place) -> None:
    job = data(place.run("run", definition(place, "refused"), "-o", "json"))
    result = place.run("rejects", "show", job["uid"], "-o", "json")
    rejects = [json.loads(line) for line in result.stdout.splitlines()]
    found = {reject["line"]: (reject["raw"], reject["reasons"][0]["code"]) for reject in rejects}
    assert found == {4: ("3,,7.50", "MISSING_VALUE"), 5: ("4,Edsger,much", "CONVERSION_FAILED")}
    table = place.run("rejects", "show", job["uid"], "--code", "MISSING_VALUE")
    assert "3,,7.50" in table.stdout
    assert "much" not in table.stdout


def test_preview_shows_values(place: Place) -> None:
    file = definition(place, "looked")
    rows = data(place.run("preview", file, "checked", "-n", "1", "-o", "json"))
    assert rows == [{"id": 1, "name": "Ada", "amount": "9.90"}]
    assert "Ada" in place.run("preview", file).stdout


def test_versions_are_made_by_changes_alone(place: Place) -> None:
    file = definition(place, "versioned")
    assert data(place.run("apply", file, "-o", "json"))["version"] == 1
    assert data(place.run("apply", file, "-o", "json"))["version"] == 1
    changed = definition(place, "versioned", "limits: {timeout: 1h}")
    assert data(place.run("apply", changed, "-m", "a limit", "-o", "json"))["version"] == 2
    found = data(place.run("versions", "versioned", "-o", "json"))
    assert [(v["version"], v["message"]) for v in found] == [(2, "a limit"), (1, "")]
    assert place.run("get", "versioned").stdout == Path(changed).read_text()
    assert "timeout" not in place.run("get", "versioned", "--version", "1").stdout


def test_versions_are_compared_and_restored(place: Place) -> None:
    assert place.run("apply", definition(place, "history")).returncode == 0
    assert place.run("diff", "history").returncode == 1
    changed = definition(place, "history", "limits: {timeout: 1h}")
    assert place.run("apply", changed).returncode == 0
    found = data(place.run("diff", "history", "-o", "json"))
    assert (found["old"], found["new"]) == (1, 2)
    assert {"path": "limits", "new": {"timeout": "1h"}} in found["changes"]
    shown = place.run("diff", "history", "2", "1").stdout
    assert "- limits" in shown
    assert "\n-limits: {timeout: 1h}" in shown
    assert data(place.run("restore", "history", "1", "-o", "json"))["version"] == 3
    assert place.run("diff", "history", "1", "3").stdout == ""
    newest = data(place.run("versions", "history", "-o", "json"))[0]
    assert (newest["version"], newest["message"]) == (3, "Restore version 1")
    assert place.run("restore", "history", "9").returncode == 1


def test_what_is_deleted_is_gone(place: Place) -> None:
    assert place.run("apply", definition(place, "gone")).returncode == 0
    assert place.run("delete", "gone").returncode == 2
    assert place.run("delete", "gone", "--yes").returncode == 0
    result = place.run("get", "gone")
    assert result.returncode == 1
    assert "etlplus list" in result.stderr


def test_connections(place: Place) -> None:
    url = "postgres://nobody@127.0.0.1:1/nothing?sslmode=disable"
    assert place.run("conn", "add", "crm", url, "--password", "env:CRM").returncode == 0
    found = {c["name"].split("/")[-1]: c for c in data(place.run("conn", "list", "-o", "json"))}
    assert found["crm"]["password"] == "env:CRM"
    assert found["crm"]["options"]["port"] == "1"
    result = place.run("conn", "test", "crm")
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")


def test_the_log_of_a_job(place: Place) -> None:
    assert place.run("run", definition(place, "logged"), "-q").returncode == 0
    uid = place.newest("logged").uid
    lines = place.run("jobs", "logs", uid, "-o", "json").stdout.splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == list(range(1, len(lines) + 1))
    assert place.run("jobs", "logs", uid, "--follow").stdout.count("\n") == len(lines)


def test_a_local_run_needs_no_server(place: Place, tmp_path: Path) -> None:
    file = definition(place, "local")
    environ = {"ETLPLUS_DATA_DIR": str(tmp_path), "ETLPLUS_SERVER": "127.0.0.1:1"}
    result = place.run("run", file, "--local", "-o", "json", **environ)
    job = data(result)
    assert job["sinks"][0]["books"]["loaded"] == 2
    [rejects] = (tmp_path / "rejects").glob("*.arrow")
    assert str(rejects) in result.stderr
    shown = place.run("rejects", "show", str(rejects), "-o", "json").stdout.splitlines()
    assert {json.loads(line)["line"] for line in shown} == {4, 5}


def until(process: subprocess.Popen[str], word: str) -> str:
    """Read stderr to the first line with a word and return what was read."""
    assert process.stderr is not None
    read = ""
    for line in process.stderr:
        read += line
        if word in line:
            return read
    raise AssertionError(f"{word} was not said: {read}")


def test_ctrl_c_cancels_the_job_and_waits(place: Place) -> None:
    process = place.start("run", place.file("endless.yaml", ENDLESS))
    until(process, "RUNNING")
    process.send_signal(signal.SIGINT)
    told = until(process, "CANCELLED")
    stdout, _ = process.communicate()
    assert process.returncode == 130
    assert "cancelling" in told
    assert "CANCELLED" in stdout
    assert place.newest("endless").state == job_pb2.Job.STATE_CANCELLED
    assert not (place.live.root / "endless.parquet").exists()


def test_ctrl_c_stops_a_local_run(place: Place) -> None:
    process = place.start("run", place.file("endless.yaml", ENDLESS), "--local")
    until(process, "rows")
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate()
    assert process.returncode == 130
    assert "CANCELLED" in stdout


def test_cancel_waits_for_the_end(place: Place) -> None:
    started = place.run("run", place.file("endless.yaml", ENDLESS), "--detach")
    uid = started.stdout.strip()
    result = place.run("jobs", "cancel", uid)
    assert result.returncode == 0
    assert result.stdout == f"{uid} CANCELLED\n"
    assert place.run("jobs", "watch", uid).returncode == 130


def test_a_server_that_waits_for_its_folder_can_be_stopped(place: Place) -> None:
    process = place.start("serve", "--listen", "127.0.0.1:0")
    told = until(process, "waiting for process")
    process.send_signal(signal.SIGTERM)
    stdout, rest = process.communicate()
    assert (process.returncode, stdout) == (0, "")
    assert "DATABASE_BUSY" not in told + rest


def test_a_reader_that_goes_away_is_no_error(place: Place) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run(
        [ETLPLUS, "conn", "list"],
        env=place.environ,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (result.returncode, result.stderr) == (0, "")
