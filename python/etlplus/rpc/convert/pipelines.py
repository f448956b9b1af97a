"""Pipelines, versions and problems."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from google.protobuf.json_format import ParseDict

from etlplus.domain import names
from etlplus.domain.difference import NOTHING, Difference
from etlplus.domain.pipeline import Pipeline, PipelineVersion
from etlplus.domain.problem import Problem
from etlplus.rpc.convert.schedules import to_schedule_state
from etlplus.rpc.convert.times import to_timestamp
from etlplus.rpc.convert.triggers import to_trigger_state
from etlplus.v1 import pipeline_pb2, plan_pb2


def to_pipeline(pipeline: Pipeline, *, full: bool = True) -> pipeline_pb2.Pipeline:
    """A pipeline; without its definition and text when not `full`."""
    message = pipeline_pb2.Pipeline(
        name=names.pipeline_name(pipeline.workspace, pipeline.name),
        version=pipeline.version,
        author=pipeline.author,
        message=pipeline.message,
        content_hash=pipeline.content_hash,
        etag=pipeline.etag,
        create_time=to_timestamp(pipeline.create_time),
        update_time=to_timestamp(pipeline.update_time),
    )
    if pipeline.schedule is not None:
        state = to_schedule_state(pipeline.workspace, pipeline.schedule)
        message.schedule_state.CopyFrom(state)
    if pipeline.triggers is not None:
        triggered = to_trigger_state(pipeline.workspace, pipeline.name, pipeline.triggers)
        message.trigger_state.CopyFrom(triggered)
    if full:
        message.spec.ParseFromString(pipeline.spec)
        message.source_text = pipeline.source_text
    return message


def to_version(version: PipelineVersion) -> pipeline_pb2.PipelineVersion:
    """A version, without its definition."""
    return pipeline_pb2.PipelineVersion(
        name=names.version_name(version.workspace, version.pipeline, version.version),
        version=version.version,
        author=version.author,
        message=version.message,
        content_hash=version.content_hash,
        create_time=to_timestamp(version.create_time),
    )


def to_comparison(found: Difference) -> pipeline_pb2.ComparePipelineVersionsResponse:
    """What changed; a part that is in one version alone has one side."""
    answer = pipeline_pb2.ComparePipelineVersionsResponse(
        old_version=found.old, new_version=found.new, text_diff=found.text
    )
    for change in found.changes:
        part = answer.changes.add(path=change.path)
        for side, value in ((part.old, change.old), (part.new, change.new)):
            if value is not NOTHING:
                ParseDict(value, side)
    return answer


def to_problems(problems: Iterable[Problem]) -> list[pipeline_pb2.Problem]:
    """Findings in their order."""
    return [
        pipeline_pb2.Problem(
            code=problem.code,
            path=problem.path,
            line=problem.line,
            column=problem.column,
            length=problem.length,
            message=problem.message,
            hint=problem.hint,
            excerpt=problem.excerpt,
            severity=(
                pipeline_pb2.Problem.Severity.SEVERITY_WARNING
                if problem.severity == "warning"
                else pipeline_pb2.Problem.Severity.SEVERITY_ERROR
            ),
        )
        for problem in problems
    ]


def to_validation(
    spec: bytes | None, problems: Iterable[Problem]
) -> pipeline_pb2.ValidatePipelineResponse:
    """What a check of a definition found; `spec` is None when there are errors."""
    message = pipeline_pb2.ValidatePipelineResponse(problems=to_problems(problems))
    if spec is not None:
        message.spec.ParseFromString(spec)
        message.content_hash = hashlib.sha256(spec).hexdigest()
    return message


def from_spec(spec: plan_pb2.PipelineSpec) -> bytes:
    """A definition as the domain holds it: equal definitions are equal bytes."""
    return spec.SerializeToString(deterministic=True)
