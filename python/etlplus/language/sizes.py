"""Sizes as people write them: `256MiB`, `64 MB`, `4096`."""

from __future__ import annotations

import re
from typing import Final

from etlplus.language import codes
from etlplus.language.findings import Findings
from etlplus.v1 import plan_pb2

#: The least memory that a run can keep to, in bytes and as it is written. The engine has the same.
LEAST_MEMORY: Final = 8 << 20
_LEAST: Final = "8MiB"

_SIZE: Final = re.compile("([0-9]+) ?([KMG]i?)?B?")
_UNITS: Final = {
    "": 1,
    "K": 10**3,
    "Ki": 1 << 10,
    "M": 10**6,
    "Mi": 1 << 20,
    "G": 10**9,
    "Gi": 1 << 30,
}


def size(text: str) -> int | None:
    """A size in bytes; None where the text is empty or no size."""
    found = _SIZE.fullmatch(text)
    return int(found[1]) * _UNITS[found[2] or ""] if found else None


def check_memory(spec: plan_pb2.PipelineSpec, findings: Findings) -> None:
    """Report a memory limit that no run can keep to."""
    memory = size(spec.limits.memory)
    if memory is not None and memory < LEAST_MEMORY:
        text = f"A run cannot keep to {spec.limits.memory} of memory"
        hint = f"Write `memory: {_LEAST}` at least"
        findings.add(codes.LIMIT, text, ("limits", "memory"), hint)
