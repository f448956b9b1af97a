"""Small definitions for tests."""

from __future__ import annotations

from datetime import UTC, datetime

from etlplus.app.ports import RunContext
from etlplus.language import lower, parse
from etlplus.v1 import engine_pb2, plan_pb2

CONTEXT = RunContext(
    run_id="run-1",
    scheduled=datetime(2024, 2, 29, 12, tzinfo=UTC),
    env={"REGION": "eu"},
    secret=lambda name: f"secret {name}",
)


def definition(**parts: str) -> str:
    """A sound definition of one source and one sink; parts replace or extend it, as YAML."""
    whole = {
        "api": "etlplus/v1",
        "name": "small",
        "sources": "{s: {csv: in.csv}}",
        "sinks": "{o: {csv: out.csv}}",
        **parts,
    }
    return "\n".join(f"{key}: {value}" for key, value in whole.items())


def sound(text: str) -> bytes:
    """The canonical bytes of a definition without errors."""
    parsed = parse(text)
    assert parsed.spec is not None, parsed.problems
    return parsed.spec


def spec(text: str) -> plan_pb2.PipelineSpec:
    """The message of a definition without errors."""
    return plan_pb2.PipelineSpec.FromString(sound(text))


def lowered(text: str, **params: str) -> engine_pb2.Plan:
    """The plan of a definition without errors."""
    return engine_pb2.Plan.FromString(lower(sound(text), params, CONTEXT))
