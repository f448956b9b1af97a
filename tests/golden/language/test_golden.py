"""Each folder in `cases` is a definition and what the language says of it, or makes of it.

`ETLPLUS_TEST_UPDATE=1` writes the expectations anew; read the difference before committing it.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.protobuf import text_format

from etlplus.app.ports import RunContext
from etlplus.engine import RustEngine
from etlplus.language import lower, parse, render, to_yaml
from etlplus.v1 import engine_pb2

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
SQL = RustEngine().read_sql
CONTEXT = RunContext(
    run_id="0b7c6a52",
    scheduled=datetime(2024, 2, 29, 12, tzinfo=UTC),
    env={"PLACE": "it's \\ here"},
    secret=lambda name: f"value of {name}",
)


def answer(path: Path) -> str:
    parsed = parse(path.read_text(encoding="utf-8"), SQL)
    parts = [render(parsed.problems, path.name)] if parsed.problems else []
    if parsed.spec is not None:
        plan = engine_pb2.Plan.FromString(lower(parsed.spec, {}, CONTEXT))
        parts += [f"== as YAML\n{to_yaml(parsed.spec)}"]
        parts += [f"== as plan\n{text_format.MessageToString(plan, as_utf8=True)}"]
    return "\n".join(parts)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_answer_is_as_expected(case: Path) -> None:
    found = answer(next(case.glob("pipeline.*")))
    expected = case / "expected.txt"
    if os.environ.get("ETLPLUS_TEST_UPDATE"):
        expected.write_text(found, encoding="utf-8")
    assert found == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_good_definitions_survive_writing_and_reading(case: Path) -> None:
    parsed = parse(next(case.glob("pipeline.*")).read_text(encoding="utf-8"), SQL)
    assert (parsed.spec is None) == case.name.startswith("bad_")
    if parsed.spec is not None:
        assert parse(to_yaml(parsed.spec)).spec == parsed.spec
