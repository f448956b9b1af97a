"""How far pipelines have come with their sources."""

from __future__ import annotations

from collections.abc import Sequence

from etlplus.domain import names
from etlplus.domain.window import Position
from etlplus.rpc.convert.times import to_timestamp
from etlplus.v1 import pipeline_pb2


def to_state(name: str, positions: Sequence[Position]) -> pipeline_pb2.PipelineState:
    """The state of the pipeline with this resource name."""
    workspace, _ = names.parse_pipeline(name)
    return pipeline_pb2.PipelineState(
        name=name, sources=[_to_position(workspace, each) for each in positions]
    )


def _to_position(workspace: str, position: Position) -> pipeline_pb2.SourcePosition:
    value = position.value or {}
    by = position.held_by
    return pipeline_pb2.SourcePosition(
        source=position.source,
        kind=value.get("kind", ""),
        column=value.get("column", ""),
        type=value.get("type", ""),
        value=value.get("value", value.get("last", "")),
        files=value.get("files", 0),
        inclusive=value.get("read", False),
        update_time=to_timestamp(position.update_time),
        rolling_back="" if by is None else names.job_name(workspace, by),
    )
