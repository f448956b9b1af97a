"""`etlplus sniff`."""

from __future__ import annotations

import bz2
import gzip
import json
from pathlib import Path

import pytest

from etlplus.cli.main import main
from etlplus.language import parse, render

PIPELINE = "api: etlplus/v1\nname: p\n{sources}sinks: {{out: {{csv: out.csv}}}}\n"
PRICES = "Prices of 2024\n\nid; name; price\n1; 'a; b'; 2.50\n2; 'c'; 3.25\n3; d; 4.75\n"


def test_a_table_tells_people_how_the_file_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "Prices 2024.csv"
    file.write_text(PRICES)
    assert main(["sniff", str(file)]) == 0
    out = capsys.readouterr().out
    for shown in ("'; '", "skip_rows", "price   decimal(18,2)", "prices_2024:", "OPTION"):
        assert shown in out


def test_the_block_is_a_source_that_finds_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "prices.csv"
    file.write_text(PRICES)
    assert main(["sniff", str(file), "-o", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    options = {finding["option"]: finding["value"] for finding in found["findings"]}
    assert options == {
        "compression": "none",
        "encoding": "utf-8",
        "delimiter": "; ",
        "quote": "'",
        "skip_rows": 2,
        "header_rows": 1,
    }
    assert all(0.5 <= finding["sure"] <= 1 for finding in found["findings"])
    assert found["columns"] == {"id": "bigint", "name": "text", "price": "decimal(18,2)"}
    parsed = parse(PIPELINE.format(sources=found["source"]))
    assert parsed.spec is not None, render(parsed.problems)
    csv = parsed.spec
    assert b"prices.csv" in csv


@pytest.mark.parametrize(
    ("name", "content", "option", "value"),
    [
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0), "compression", "gzip"),
        ("a.csv.bz2", bz2.compress(b"a,b\n1,2\n"), "compression", "bzip2"),
        ("a.csv", "\ufeffa\tb\n1\t2\n".encode("utf-16-le"), "encoding", "utf-16le"),
        ("a.csv", "name,age\nZoë,1\nJosé,2\n".encode("latin-1"), "encoding", "windows-1252"),
        ("1.csv", b"1|2\n3|4\n", "header_rows", 0),
    ],
)
def test_what_is_detected(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes,
    option: str,
    value: str | int,
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    assert main(["sniff", str(file), "-o", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"option": option, "value": value} in [
        {"option": finding["option"], "value": finding["value"]} for finding in found["findings"]
    ]


def test_the_block_says_how_values_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("name;price;count\nx;1.234,50;1\ny;2,25;n/a\nz;7,00;3\nu;1,00;4\n")
    assert main(["sniff", str(file), "-o", "json"]) == 0
    source = json.loads(capsys.readouterr().out)["source"]
    for declared in ('decimal_mark: ","', 'thousands_mark: "."', 'null_values: ["", "NA", "n/a"]'):
        assert declared in source
    assert parse(PIPELINE.format(sources=source)).spec is not None


def test_no_file_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sniff", str(tmp_path / "nothing.csv")]) == 2
    assert "is no file" in capsys.readouterr().err
    empty = tmp_path / "empty.csv"
    empty.touch()
    assert main(["sniff", str(empty)]) != 0
    assert "SOURCE_EMPTY" in capsys.readouterr().err
