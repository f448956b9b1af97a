"""Variants of a plan that read the first records of its files and write to nothing that counts."""

from __future__ import annotations

from collections.abc import Collection
from copy import deepcopy
from typing import Final

from etlplus.domain.expectation import Node
from etlplus.language.graph import Graph
from etlplus.language.incremental import is_incremental
from etlplus.language.queryform import is_by_row
from etlplus.language.wiring import get_from, kind_of, set_from, step_names, wire
from etlplus.v1 import engine_pb2, plan_pb2

_FILES: Final = frozenset({"csv", "jsonl", "parquet"})
_BY_ROW: Final = frozenset(
    {
        "filter", "select", "map", "rename", "drop", "cast", "sort", "unnest", "route", "mask",
        "postgres", "parquet", "csv", "jsonl",
    }
)  # fmt: skip
#: Joins in which a row of the first input fares the same whatever other rows that input has.
_BY_ROW_JOINS: Final = frozenset({"inner", "left", "semi", "anti", "lookup"})
#: What the engine may hold while it computes a sample.
_MEMORY: Final = "64MiB"
_SOURCE: Final = "etlplus_sample_"
_COUNT: Final = "etlplus_count_"


def nodes(data: bytes) -> tuple[Node, ...]:
    """Return the sources, steps and sinks of a serialized Plan, each after what it reads."""
    spec = engine_pb2.Plan.FromString(data).spec
    graph = Graph(spec)
    found = [
        Node(each.name, kind_of(each), "source", unread=_unread(each)) for each in spec.sources
    ]
    found += [
        Node(name, kind_of(step), "step", tuple(graph.inputs(name)), by_row=_is_by_row(step))
        for name, step in graph.steps.items()
    ]
    found += [
        Node(sink.name, kind_of(sink), "sink", tuple(graph.inputs(sink.name)), by_row=True)
        for sink in spec.sinks
    ]
    return tuple(found)


def _unread(source: plan_pb2.Source) -> str:
    """Why a plan reads no rows of a source."""
    if kind_of(source) not in _FILES:
        return f"a plan reads no rows of {kind_of(source)} sources"
    if is_incremental(source):
        return "a run reads only files that are new to it"
    return ""


def _is_by_row(step: plan_pb2.Step) -> bool:
    if step.HasField("join"):
        return step.join.how in _BY_ROW_JOINS
    if step.HasField("validate"):
        return not step.validate.unique
    if step.HasField("sql"):
        return is_by_row(step.sql.query)
    return kind_of(step) in _BY_ROW


def sampled_source(data: bytes, source: str, rows: int, folder: str) -> bytes:
    """Return a Plan that reads the first records of one source. See `sampled`."""
    return _variant(data, {source}, {source: rows}, folder)


def sampled(data: bytes, names: Collection[str], rows: int, folder: str) -> bytes:
    """Return the Plan of some nodes over the first records of their sources.

    A source is read under the name that `read_as` says; under its own name stands the step that
    passes its first rows on. All rows that nothing reads are written to files in a folder, also
    those of sinks, which keep their names.

    Args:
        data: a serialized Plan.
        names: sources, steps and sinks, with all that they read.
        rows: how many of each source go on.
        folder: an absolute path.
    """
    spec = engine_pb2.Plan.FromString(data).spec
    return _variant(data, set(names), {each.name: rows for each in spec.sources}, folder)


def sampled_total(data: bytes, source: str, folder: str) -> bytes:
    """Return a Plan that counts the rows of a source by what its files say of themselves.

    None but Parquet files do; the bytes are empty for others.
    """
    plan = _bare(data, {source})
    if not plan.spec.sources[0].HasField("parquet"):
        return b""
    step = plan.spec.steps.add(name=f"{_COUNT}0", on_error="reject")
    step.aggregate.columns.add(name="n", expr="count(*)")
    set_from(step, source)
    _count(plan.spec, f"{_COUNT}rows", step.name, folder)
    return plan.SerializeToString(deterministic=True)


def read_as(source: str) -> str:
    """Return the name under which a sampled Plan reads a source."""
    return _SOURCE + source


def _variant(data: bytes, names: set[str], rows: dict[str, int], folder: str) -> bytes:
    plan = _bare(data, names)
    for step in plan.spec.steps:
        if step.HasField("validate"):
            # What all rows together must keep is not kept by a part of them.
            step.validate.ClearField("expect")
    steps = deepcopy(list(plan.spec.steps))
    del plan.spec.steps[:]
    for source in plan.spec.sources:
        first = plan.spec.steps.add(name=source.name, on_error="reject")
        first.limit.rows = rows[source.name]
        source.name = read_as(source.name)
        set_from(first, source.name)
    plan.spec.steps.extend(steps)
    _collect(plan.spec, engine_pb2.Plan.FromString(data).spec, names, folder)
    return plan.SerializeToString(deterministic=True)


def _bare(data: bytes, names: set[str]) -> engine_pb2.Plan:
    """The plan's sources and steps of these names, without sinks and limits."""
    plan = engine_pb2.Plan.FromString(data)
    spec = plan.spec
    steps = zip(step_names(spec), spec.steps, strict=True)
    kept = (
        deepcopy([each for each in spec.sources if each.name in names]),
        deepcopy([each for name, each in steps if name in names]),
    )
    del spec.sources[:], spec.steps[:], spec.sinks[:]
    spec.sources.extend(kept[0])
    spec.steps.extend(kept[1])
    spec.limits.Clear()
    spec.limits.memory = _MEMORY
    return plan


def _collect(
    spec: plan_pb2.PipelineSpec, whole: plan_pb2.PipelineSpec, names: set[str], folder: str
) -> None:
    """Adds the sinks: those that are wanted, and one for all rows that nothing reads."""
    for sink in whole.sinks:
        if sink.name in names:
            _count(spec, sink.name, get_from(sink), folder)
    used = wire(spec).used()
    outputs = [name for found in wire(spec).outputs for name in found]
    for index, name in enumerate(name for name in outputs if name not in used):
        _count(spec, f"{_COUNT}{index}", name, folder)


def _count(spec: plan_pb2.PipelineSpec, name: str, read: str, folder: str) -> None:
    sink = spec.sinks.add(name=name)
    set_from(sink, read)
    sink.jsonl.uri = f"{folder}/{name}.jsonl"
    sink.jsonl.mode = "replace"
