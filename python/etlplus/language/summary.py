"""What the control plane needs to know of a definition it otherwise treats as opaque."""

from __future__ import annotations

from etlplus.domain.pipeline import SpecSummary
from etlplus.domain.retry import BACKOFF, MAX_BACKOFF, Retries
from etlplus.language.durations import seconds
from etlplus.language.incremental import incremental
from etlplus.language.schedules import read_schedule
from etlplus.language.triggers import read_triggers
from etlplus.language.volumes import read_volume
from etlplus.language.wiring import wire
from etlplus.v1 import plan_pb2


def summarize(spec: plan_pb2.PipelineSpec) -> SpecSummary:
    """Return what the control plane reads of a sound definition."""
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
        schedule=read_schedule(spec),
        retries=_retries(spec.limits.retries),
        triggers=read_triggers(spec),
        incremental=tuple(incremental(spec)),
        volume=read_volume(spec),
    )


def _retries(limit: plan_pb2.Retries) -> Retries:
    first, longest = seconds(limit.backoff), seconds(limit.max_backoff)
    return Retries(
        limit.max,
        BACKOFF if first is None else first,
        MAX_BACKOFF if longest is None else longest,
    )
