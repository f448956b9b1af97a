"""A secret is a bound value and appears nowhere else."""

from __future__ import annotations

from pathlib import Path

from etlplus.engine import RustEngine
from etlplus.language import lower, runtime
from tests.unit.language.definitions import CONTEXT, definition, sound


def test_a_plan_does_not_show_secrets(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("a\n1\n2\n")
    text = definition(steps="[{filter: \"concat(a, ${secret.salt}) <> 'x'\"}]")
    settings = runtime(
        connections=(),
        file_roots=[str(tmp_path)],
        base_dir=str(tmp_path),
        work_dir=str(tmp_path),
        load_id="0" * 32,
        epoch=1,
    )
    report = RustEngine().plan(lower(sound(text), {}, CONTEXT), settings)
    assert "***" in report.explain
    assert "secret salt" not in repr(report)
