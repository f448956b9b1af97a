"""The command without a server: overview, usage, files, exit codes, what goes where."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from etlplus.cli.application import build
from etlplus.cli.catalogue import COMMANDS
from etlplus.cli.main import main

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples" / "flights" / "pipeline.yaml"
WRONG = "api: etlplus/v1\nname: wrong\nsources: {a: {csv: a.csv}}\nsinks: {b: {parkuet: b/}}\n"


def imported_by(*arguments: str) -> set[str]:
    """Return the modules that a command imports."""
    code = (
        "import sys; from etlplus.cli.main import main; main(sys.argv[1:]);"
        " print(*sorted(sys.modules), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(result.stderr.split())


def test_the_overview_imports_nothing_that_takes_time() -> None:
    slow = {"cyclopts", "rich", "grpc", "google.protobuf", "pydantic", "psycopg", "asyncio", "yaml"}
    assert not imported_by("--help") & slow


def test_the_overview_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {command.words} " in shown for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.words)
def test_every_command_explains_itself(
    command: tuple[str, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = command[0].split()
    assert main([*words, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage: etlplus {command[0]}")


@pytest.mark.parametrize("words", [["jobs"], ["conn", "--help"], ["rejects"]])
def test_a_group_lists_its_commands(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    shown = capsys.readouterr().out
    wanted = [c.words.split()[1] for c in COMMANDS if c.words.startswith(f"{words[0]} ")]
    assert all(re.search(rf"\b{name}\b", shown) for name in wanted)


@pytest.mark.parametrize(
    "words",
    [["validate", "--no-such"], ["jobs", "show"], ["nothing"], ["run", "a", "b", "c"],
     ["list", "-o", "xml"]],
)  # fmt: skip
def test_wrong_usage_says_what_is_right(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert "--help" in captured.err


def test_a_sound_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(EXAMPLE)]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "is sound" in captured.err


def test_quiet_says_nothing_of_a_sound_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--quiet", str(EXAMPLE)]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_wrong_file_shows_the_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(WRONG)
    assert main(["validate", str(file)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "parquet" in captured.err
    assert "^" in captured.err


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_problems_as_data(tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(WRONG)
    assert main(["validate", str(file), "-o", form]) == 2
    captured = capsys.readouterr()
    problems = (json.loads if form == "json" else yaml.safe_load)(captured.out)
    assert problems[0]["file"] == str(file)
    assert problems[0]["line"] == 4
    assert captured.err == ""


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "No such file"), (b"\xff\xfe", "not UTF-8"), (b"#" * (1 << 21), "larger than 1 MiB")],
)
def test_files_that_cannot_be_read(
    tmp_path: Path, content: bytes | None, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pipeline.yaml"
    if content is not None:
        file.write_bytes(content)
    assert main(["validate", str(file)]) == 2
    assert told in capsys.readouterr().err


def test_the_server_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ETLPLUS_DATA_DIR", str(tmp_path))
    assert main(["list", "--server", "127.0.0.1:1"]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "SERVER_UNREACHABLE" in captured.err
    assert "etlplus serve" in captured.err


@pytest.mark.parametrize("given", ["day", "=x", "day=1 day=2"])
def test_parameters_must_be_pairs(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = [part for text in given.split() for part in ("--param", text)]
    assert main(["run", str(EXAMPLE), *pairs]) == 2
    assert "PARAM_INVALID" in capsys.readouterr().err


def test_nothing_is_deleted_without_a_yes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["delete", "flights"]) == 2
    assert "--yes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://host/db", "postgres://"),
        ("postgres://user:secret@host/db", "--password env:NAME"),
        ("postgres://host:many/db", "does not parse"),
    ],
)
def test_addresses_of_databases(url: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conn", "add", "crm", url]) == 2
    captured = capsys.readouterr()
    assert told in captured.err
    assert "secret" not in captured.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(command.words.split()[-1] in script for command in COMMANDS)


def test_the_schema_is_the_one_in_the_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert capsys.readouterr().out == (ROOT / "docs" / "pipeline.schema.json").read_text()


def test_the_manual_says_more_than_the_summary() -> None:
    assert "stored as the pipeline's next version" in (build(["run"])["run"].help or "")


def test_signs_that_the_encoding_lacks_are_escaped(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("api: etlplus/v1\nname: größe→\n", encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-m", "etlplus.cli", "validate", str(file), "-o", "yaml"],
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        encoding="latin-1",
        check=False,
    )
    assert result.returncode == 2
    assert "größe\\u2192" in result.stdout
