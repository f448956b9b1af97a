"""Definitions that cannot be right: all problems come back at once, and nothing is stored."""

from __future__ import annotations

from typing import cast

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from etlplus.v1 import pipeline_pb2
from tests.live import WORKSPACE, Service

PIPELINE = """\
api: etlplus/v1
name: {name}
sources:
  numbers: {{csv: {{uri: wrong_numbers.csv}}}}
steps:
{steps}
sinks:
  out: {{{sink}}}
"""
SINK = "parquet: {uri: out/}"
STEPS = '  - {name: kept, filter: "id > 0"}'


def written(steps: str = STEPS, sink: str = SINK) -> str:
    return PIPELINE.format(name="wrong", steps=steps, sink=sink)


# The text, the code, the line, and what the hint or message must name.
PROBLEMS = {
    "unknown step": (written("  - filtre: id > 0"), "E0201", 6, "filter"),
    "unknown option": (written(sink="parquet: {url: out/}"), "E0201", 8, "uri"),
    "unknown kind of sink": (written(sink="postgrs: {table: t}"), "E0201", 8, "postgres"),
    "a step that reads itself": (
        written('  - {name: kept, from: kept, filter: "id > 0"}'),
        "E0410",
        6,
        "kept",
    ),
    "steps that read each other": (
        written(
            '  - {name: a, from: b, filter: "id > 0"}\n  - {name: b, from: a, filter: "id > 1"}'
        ),
        "E0410",
        6,
        "b",
    ),
    "duplicate step": (written(f"{STEPS}\n{STEPS}"), "E0401", 7, "kept"),
    "duplicate key": (written(sink="parquet: {uri: a/, uri: b/}"), "E0111", 8, "uri"),
    "undefined reference": (
        written('  - {name: kept, from: nobody, filter: "id > 0"}'),
        "E0402",
        6,
        "nobody",
    ),
    "undeclared parameter": (
        written('  - {name: kept, filter: "id > ${params.least}"}'),
        "E0304",
        6,
        "least",
    ),
    "template": (written(sink='parquet: {uri: "out/{{ ds }}/"}'), "E0301", 8, "${"),
    "merge without keys": (
        written(sink="postgres: {connection: local, table: t, mode: merge}"),
        "E0406",
        8,
        "keys",
    ),
    "a tab": ("api: etlplus/v1\nname: wrong\nsources:\n\tnumbers: {csv: a.csv}\n", "E0102", 4, ""),
    "deeply nested": ("a: " + "[" * 10_000 + "]" * 10_000 + "\n", "E0104", 1, ""),
    "an alias bomb": (
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n"
            for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "E0105",
        0,
        "",
    ),
}


def validate(live: Service, text: str) -> list[pipeline_pb2.Problem]:
    request = pipeline_pb2.ValidatePipelineRequest(parent=WORKSPACE, source_text=text)
    answer = live.pipelines.ValidatePipeline(request, metadata=live.metadata, timeout=30)
    return list(answer.problems)


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_has_a_code_a_place_and_a_next_step(live: Service, name: str) -> None:
    text, code, line, named = PROBLEMS[name]
    problems = validate(live, text)
    found = [problem for problem in problems if problem.code == code]
    assert found, problems
    problem = found[0]
    if line:
        assert problem.line == line
        assert problem.column > 0
        assert "^" in problem.excerpt
    assert named in f"{problem.message} {problem.hint}"
    assert problem.hint


def test_all_problems_come_back_at_once(live: Service) -> None:
    text = written(
        '  - {name: kept, filtre: "id > 0"}\n  - {from: nobody, select: [id]}',
        "parquet: {uri: out/, mode: upsert}",
    )
    assert {problem.code for problem in validate(live, text)} >= {"E0201", "E0402", "E0210"}


def test_nothing_wrong_is_stored(live: Service) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        live.apply(written("  - filtre: id > 0"))
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    status = rpc_status.from_call(cast(grpc.Call, raised.value))
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    assert info.reason == "SPEC_INVALID"
    assert len(status.SerializeToString()) <= 4096
    request = pipeline_pb2.GetPipelineRequest(name=f"{WORKSPACE}/pipelines/wrong")
    with pytest.raises(grpc.RpcError) as raised:
        live.pipelines.GetPipeline(request, metadata=live.metadata, timeout=30)
    assert raised.value.code() == grpc.StatusCode.NOT_FOUND


def test_a_definition_that_is_too_large_is_refused(live: Service) -> None:
    text = written() + "# " + "x" * (1 << 21)
    with pytest.raises(grpc.RpcError) as raised:
        live.apply(text)
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_a_message_that_is_too_large_is_refused_and_the_server_lives(live: Service) -> None:
    request = pipeline_pb2.ValidatePipelineRequest(parent=WORKSPACE, source_text="x" * (64 << 20))
    with pytest.raises(grpc.RpcError) as raised:
        live.pipelines.ValidatePipeline(request, metadata=live.metadata, timeout=60)
    assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not [p for p in validate(live, written()) if p.severity == p.SEVERITY_ERROR]
