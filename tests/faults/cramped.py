"""Runs pipelines one after another in this process and tells what became of each.

Usage: python -m tests.faults.cramped FOLDER FILE...; one line of JSON for each pipeline file.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from etlplus import language, settings
from etlplus.bootstrap.local import run_local


def told(folder: Path, file: Path) -> dict[str, object]:
    """What a run said in the end, and the files that it left beneath the folder."""
    before = set(folder.rglob("*"))
    text = file.read_text(encoding="utf-8")
    parsed = language.parse(text)
    assert parsed.spec is not None, language.render(parsed.problems)
    spec = parsed.spec
    job = run_local(
        settings.load(), spec, text, {}, progress=lambda _: None, cancel=threading.Event()
    )
    error = job.error
    left = (path for path in folder.rglob("*") if path.is_file() and path not in before)
    return {
        "state": job.state.name,
        "code": error.code if error else "",
        "place": error.place if error else "",
        "message": error.message if error else "",
        "hint": error.hint if error else "",
        "left": sorted(str(path.relative_to(folder)) for path in left),
        "loaded": sum(sink.books.loaded for sink in job.sinks),
    }


if __name__ == "__main__":
    for name in sys.argv[2:]:
        print(json.dumps(told(Path(sys.argv[1]), Path(name))), flush=True)
