"""`etlplus init`."""

from __future__ import annotations

from pathlib import Path

import pytest

from etlplus.cli import starter
from etlplus.cli.main import main
from etlplus.language import parse, render


@pytest.mark.parametrize(
    ("name", "text", "columns"),
    [
        ("people.csv", "id,name\n1,Ada\n2,\n", ["id"]),
        ("semicolon.csv", "id;name\n1;Ada\n2;Grace\n", ["id", "name"]),
        ("ragged.csv", "id,name\n1\n2,Grace\n", []),
        ("odd names.csv", "1st,Größe,ok\n1,2,3\n", ["ok"]),
        ("head only.csv", "id,name\n", ["id", "name"]),
        ("2013.csv", "\ufeffid,name\n1,Ada\n", ["id", "name"]),
        ('quo"te.csv', "id\n1\n", ["id"]),
    ],
)
def test_what_is_written_is_sound(tmp_path: Path, name: str, text: str, columns: list[str]) -> None:
    data = tmp_path / name
    data.write_text(text, encoding="utf-8")
    assert starter.complete_columns(data) == columns
    assert render(parse(starter.text_for(data)).problems) == ""


def test_the_sample_is_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    assert main(["validate", "pipeline.yaml"]) == 0
    assert (tmp_path / "sample.csv").exists()
    assert capsys.readouterr().out == ""


def test_nothing_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pipeline.yaml").write_text("mine")
    assert main(["init"]) == 1
    assert Path("pipeline.yaml").read_text() == "mine"
    assert "--force" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, ""])
def test_a_file_without_rows_is_refused(
    tmp_path: Path, content: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "none.csv"
    if content is not None:
        data.write_text(content)
    assert main(["init", str(data), "--to", str(tmp_path / "p.yaml")]) == 2
    assert "none.csv" in capsys.readouterr().err
