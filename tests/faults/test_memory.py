"""More rows than memory: a run spills and is right, or says that its limit is too small."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.property.oneshot import start

ROOT = Path(__file__).parents[2]
ROWS = 500_000
MIB = 1 << 20
#: What scans, queues and sinks may need beside the operators; the rows alone are larger.
MORE = 96 * MIB
PIPELINE = """\
api: etlplus/v1
name: p
sources:
  words: {{csv: {{uri: words.csv, header: true, columns: {{id: bigint, word: text}}}}}}
steps: [{step}]
sinks: {{out: {{parquet: out.parquet}}}}
limits: {{memory: {memory}MiB}}
"""
STEPS = {
    "sort": 'sql: "select * from words order by word"',
    "group": 'sql: "select word, count(*) as n from words group by word"',
    "window": 'sql: "select id, row_number() over (order by word) as n from words"',
    "join": 'sql: "select a.id, b.id as other from words a join words b on a.word = b.word"',
    "cross": 'sql: "select a.id, b.id as other from words a cross join words b"',
    "unique": "validate: {unique: [word]}",
    "collect": 'sql: "select array_agg(word) as words from words"',
    "whole": 'sql: "select id, count(word) over () as n, word from words"',
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 100 MB, and one of two rows in the folder beside it."""
    folder = tmp_path_factory.mktemp("words")
    draw = random.Random(1)
    with (folder / "words.csv").open("w") as file:
        file.write("id,word\n")
        file.writelines(f"{number},{draw.randbytes(96).hex()}\n" for number in range(ROWS))
    (folder / "few").mkdir()
    (folder / "few" / "words.csv").write_text("id,word\n1,a\n2,b\n")
    return folder


def confined(source: Path, step: str, memory: int) -> dict[str, Any]:
    """Runs a step in a process that may map little more than `memory` MiB. What it printed."""
    text = PIPELINE.format(step=f"{{{STEPS[step]}}}", memory=memory)
    for folder in (source, source / "few"):
        (folder / "pipeline.yaml").write_text(text)
    more = str(memory * MIB + MORE)
    command = [sys.executable, "-m", "tests.faults.frugal", str(source), str(source / "few"), more]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, f"it was ended by {done.returncode}: {done.stderr[-2000:]}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def is_sorted(rows: pa.Table) -> bool:
    words = rows["word"].combine_chunks()
    in_order = pc.all(pc.less_equal(words[:-1], words[1:])).as_py()
    return bool(in_order) and pc.sum(rows["id"]).as_py() == ROWS * (ROWS - 1) // 2


def is_complete(rows: pa.Table) -> bool:
    return is_sorted(rows.sort_by("word"))


def is_joined(rows: pa.Table) -> bool:
    own, other = rows["id"].combine_chunks(), rows["other"].combine_chunks()
    return bool(own.equals(other) and pc.count_distinct(own).as_py() == ROWS)


def is_grouped(rows: pa.Table) -> bool:
    words, numbers = pc.count_distinct(rows["word"]).as_py(), pc.sum(rows["n"]).as_py()
    return bool(words == ROWS and numbers == ROWS)


def is_numbered(rows: pa.Table) -> bool:
    return bool(pc.sum(rows["n"]).as_py() == ROWS * (ROWS + 1) // 2)


@pytest.mark.parametrize(
    ("step", "is_right"), [("sort", is_sorted), ("group", is_grouped), ("window", is_numbered)]
)
def test_what_can_be_spilled_is_spilled_and_right(
    source: Path, step: str, is_right: Callable[[pa.Table], bool]
) -> None:
    found = confined(source, step, 128)
    assert found["code"] == "", found
    assert found["peak"] < 128 * MIB
    assert found["spilled"] > 0
    rows = pq.read_table(found["path"])
    assert rows.num_rows == ROWS
    assert is_right(rows)


@pytest.mark.parametrize(("step", "is_right"), [("sort", is_sorted), ("group", is_grouped)])
def test_many_threads_share_little_memory(
    source: Path, step: str, is_right: Callable[[pa.Table], bool]
) -> None:
    text = PIPELINE.format(step=f"{{{STEPS[step]}}}", memory=128)
    outcome = start(text, source, threads=16).wait()
    assert outcome.progress.spilled_bytes > 0
    assert is_right(pq.read_table(outcome.sinks[0].files[0].staged_path))


@pytest.mark.parametrize("step", ["cross", "collect", "whole"])
def test_a_limit_that_is_too_small_is_named(source: Path, step: str) -> None:
    found = confined(source, step, 16)
    assert found["code"]
    named(found, source)


@pytest.mark.parametrize(
    ("step", "is_right"), [("sort", is_sorted), ("unique", is_complete), ("join", is_joined)]
)
def test_a_limit_that_may_be_too_small_is_named_if_it_is(
    source: Path, step: str, is_right: Callable[[pa.Table], bool]
) -> None:
    found = confined(source, step, 16)
    if found["code"]:
        named(found, source)
    else:
        assert is_right(pq.read_table(found["path"]))


def named(found: dict[str, Any], folder: Path) -> None:
    assert found["code"] == "MEMORY_EXCEEDED"
    assert found["place"].startswith(("sql_1", "validate_1")), "the step is named"
    assert "limits.memory" in found["place"]
    assert "limits.memory" in found["hint"]
    assert not (folder / "out.parquet").exists()
