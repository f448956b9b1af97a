"""What the control plane needs to know of a definition it otherwise treats as opaque."""

from __future__ import annotations

import re
from typing import Final

from etlplus.domain.pipeline import SpecSummary
from etlplus.language.wiring import wire
from etlplus.v1 import plan_pb2

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART: Final = re.compile(r"([0-9]+)(ms|s|m|h|d)")


def summarize(spec: plan_pb2.PipelineSpec) -> SpecSummary:
    """Return name, description, connections, streams, timeout and nodes of a definition."""
    read = {part.postgres.connection for part in spec.sources if part.HasField("postgres")}
    written = {part.postgres.connection for part in spec.sinks if part.HasField("postgres")}
    return SpecSummary(
        name=spec.name,
        description=spec.description,
        connections=tuple(sorted(read | written)),
        targets=tuple(sorted(written)),
        streams=tuple(source.name for source in spec.sources if source.HasField("stream")),
        timeout=seconds(spec.limits.timeout),
        nodes=tuple(wire(spec).readable()),
        sinks={s.name: s.postgres.connection for s in spec.sinks if s.HasField("postgres")},
    )


def seconds(duration: str) -> float | None:
    """Return a duration such as `1h30m` in seconds; None when it is empty."""
    if not duration:
        return None
    return sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(duration))
