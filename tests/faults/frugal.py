"""Runs a pipeline in a process that is given little more memory than the pipeline's own limit.

Usage: python -m tests.faults.frugal FOLDER WARM_UP MORE. FOLDER holds `pipeline.yaml`; WARM_UP has
a small one that loads all code first; MORE are the bytes that the process may map beyond what it
has then. Prints one line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from etlplus.domain.errors import EtlError
from tests.property.oneshot import start


def run(folder: Path) -> dict[str, object]:
    """What became of the pipeline in a folder."""
    try:
        outcome = start((folder / "pipeline.yaml").read_text(), folder, threads=2).wait()
    except EtlError as error:
        return {"code": error.code, "message": str(error), "place": error.place, "hint": error.hint}
    [sink] = outcome.sinks
    return {
        "code": "",
        "path": sink.files[0].staged_path,
        "peak": outcome.progress.peak_memory,
        "spilled": outcome.progress.spilled_bytes,
    }


def mapped() -> int:
    """The bytes that this process has mapped."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    run(Path(sys.argv[2]))
    limit = mapped() + int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    print(json.dumps(run(Path(sys.argv[1]))))
