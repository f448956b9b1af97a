"""Each folder with a `pipeline.yaml` is a run of the real engine and what a careful user expects.

Beside the definition lie its input files, `params.json` where it has parameters, and `expected/`:

- `NAME.csv`, `NAME.jsonl`: what the sink NAME staged; rows of Parquet files are shown as JSON
- `rejects.jsonl`: the refused rows; `reasons` is left out where there is but one
- `warnings.jsonl`: how many rows broke each rule of severity `warn`
- `books.json`: the books of every sink
- `types.json`, where a case is about types: the columns of every source and step
- `error.json`: the error that ends the run; its `message` need only be a part of what is said,
  and what it leaves out is not looked at

Files that a case does not produce are absent. The order of rows means nothing.
`ETLPLUS_TEST_UPDATE=1` writes the expectations anew; read the difference before committing it.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.golden.engine.runner import Texts, failure_text, found

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/*/pipeline.yaml"))


def expectations(case: Path) -> Texts:
    return {file.name: file.read_bytes().decode() for file in (case / "expected").iterdir()}


def comparable(texts: Texts, expected: Texts) -> Texts:
    """Leave out what the expectation is silent about."""
    optional = {"types.json", *(["rejects.jsonl"] if "error.json" in texts else [])}
    shown = {name: texts[name] for name in texts if name in expected or name not in optional}
    if "error.json" in shown and "error.json" in expected:
        part, whole = (json.loads(one["error.json"]) for one in (expected, shown))
        if part["message"] in whole["message"]:
            whole["message"] = part["message"]
        shown["error.json"] = failure_text({name: whole[name] for name in part})
    return shown


def copied(case: Path, folder: Path) -> Path:
    """A copy to run, so that a sink never writes beside the case."""
    return Path(shutil.copytree(case, folder / case.name, ignore=lambda *_: {"expected"}))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_the_run_is_as_expected(case: Path, tmp_path: Path) -> None:
    texts = found(copied(case, tmp_path))
    if os.environ.get("ETLPLUS_TEST_UPDATE"):
        (case / "expected").mkdir(exist_ok=True)
        texts = comparable(texts, expectations(case))
        for name in expectations(case).keys() - texts.keys():
            (case / "expected" / name).unlink()
        for name, text in texts.items():
            (case / "expected" / name).write_bytes(text.encode())
    expected = expectations(case)
    assert comparable(texts, expected) == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_threads_and_batches_change_nothing(case: Path, tmp_path: Path) -> None:
    expected = expectations(case)
    texts = found(copied(case, tmp_path), threads=2, batch_rows=1)
    if "limit" in case.parent.name:
        # How many rows are read before the last wanted one is found depends on the batches.
        del texts["books.json"], expected["books.json"]
    assert comparable(texts, expected) == expected
