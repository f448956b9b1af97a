"""Domain values as JSON columns, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from etlplus.domain.events import LogLine
from etlplus.domain.job import JobError, SinkResult, SinkRollback
from etlplus.domain.replay import LeftOut, Replay, ReplayPlan, ReplaySource
from etlplus.domain.run import Books, NodeCounters, Progress, RejectCount, RejectSummary
from etlplus.store.text import clean_text

Json = Mapping[str, Any]


def to_json(value: Progress | RejectSummary | JobError) -> Jsonb:
    """A value as a JSON object, by its fields' names."""
    return Jsonb(_clean(asdict(value)))


def sinks_to_json(sinks: tuple[SinkResult, ...]) -> Jsonb:
    """Results of sinks as a JSON array."""
    return Jsonb(_clean([asdict(sink) for sink in sinks]))


def lines_to_arrays(lines: Sequence[LogLine]) -> dict[str, object]:
    """Lines of a log, as the statements that insert some name their columns."""
    return {
        "times": [line.time for line in lines],
        "levels": [line.level for line in lines],
        "messages": [clean_text(line.message) for line in lines],
        "nodes": [clean_text(line.node) for line in lines],
    }


def progress_from(value: Json) -> Progress:
    """Counters from JSON; what is missing is 0."""
    nodes = tuple(NodeCounters(**node) for node in value.get("nodes", ()))
    return Progress(**{**value, "nodes": nodes})


def rejects_from(value: Json) -> RejectSummary:
    """A summary of rejects from JSON; what is missing is 0."""
    counts = tuple(RejectCount(**count) for count in value.get("counts", ()))
    warnings = tuple(RejectCount(**count) for count in value.get("warnings", ()))
    return RejectSummary(**{**value, "counts": counts, "warnings": warnings})


def sinks_from(values: list[Json]) -> tuple[SinkResult, ...]:
    """Results of sinks from JSON."""
    return tuple(SinkResult(**{**value, "books": Books(**value["books"])}) for value in values)


def rollbacks_to_json(rollbacks: Sequence[SinkRollback]) -> Jsonb:
    """Rollbacks of sinks as a JSON array."""
    return Jsonb(_clean([{**asdict(each), "time": each.time.isoformat()} for each in rollbacks]))


def rollbacks_from(values: list[Json]) -> tuple[SinkRollback, ...]:
    """Rollbacks of sinks from JSON."""
    return tuple(
        SinkRollback(**{**value, "time": datetime.fromisoformat(value["time"])}) for value in values
    )


def replay_to_json(replay: Replay) -> Jsonb:
    """What a job replays as a JSON object."""
    told = {**asdict(replay), "of": str(replay.of), "since": replay.since.isoformat()}
    return Jsonb(_clean(told))


def replay_from(value: Json | None) -> Replay | None:
    """What a job replays from JSON; None stays None."""
    if value is None:
        return None
    sources = tuple(
        ReplaySource(**{**each, "steps": tuple(each["steps"])}) for each in value["plan"]["sources"]
    )
    left_out = tuple(LeftOut(**each) for each in value["plan"]["left_out"])
    plan = ReplayPlan(sources, left_out)
    return Replay(UUID(value["of"]), datetime.fromisoformat(value["since"]), plan)


def error_from(value: Json | None) -> JobError | None:
    """An error from JSON; None stays None."""
    return None if value is None else JobError(**value)


def errors_to_json(errors: Sequence[JobError]) -> Jsonb:
    """Errors as a JSON array."""
    return Jsonb(_clean([asdict(each) for each in errors]))


def errors_from(values: list[Json]) -> tuple[JobError, ...]:
    """Errors from JSON."""
    return tuple(JobError(**value) for value in values)


def _clean(value: object) -> object:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {key: _clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    return value
