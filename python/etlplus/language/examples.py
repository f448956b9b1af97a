"""Makes a plan of one example of a definition (`tests:`): given rows in, staged rows out.

Sources and steps that the example gives rows for are replaced by files that hold those rows; what
nothing expected depends on is left out, so that no other source is touched; sinks are replaced by
files that are staged and read, and never published.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf.struct_pb2 import ListValue, Value

from etlplus.app.ports import RunContext
from etlplus.domain.errors import InvalidInput
from etlplus.language.interpolate import Reference, references
from etlplus.language.lowering import lower_spec
from etlplus.language.parameters import value_text
from etlplus.language.scalars import number_text
from etlplus.language.texts import texts
from etlplus.language.wiring import REJECTS, fill_defaults, set_from, wire
from etlplus.v1 import plan_pb2


@dataclass(frozen=True, slots=True)
class Example:
    """An example that is ready to run.

    Attributes:
        name: as in the definition.
        plan: the serialized Plan.
        expected: rows by the name of the step, or of `rejects`.
        sinks: for each name except `rejects`, the sink whose rows are compared.
    """

    name: str
    plan: bytes
    expected: dict[str, list[dict[str, Value]]]
    sinks: dict[str, str] = field(default_factory=dict)


def prepare(
    spec: plan_pb2.PipelineSpec, test: plan_pb2.PipelineTest, folder: Path, context: RunContext
) -> Example:
    """Return an example as a plan, after writing the given rows into a folder.

    Raises:
        InvalidInput: A source that is needed is not given (SPEC_INVALID), or a parameter has no
            good value (PARAM_INVALID).
    """
    part = deepcopy(spec)
    fill_defaults(part)
    names = _compared(part, test)
    _reduce(part, test, names)
    _give(part, test, folder)
    _collect(part, names, folder)
    _drop_unused_params(part)
    params = {
        name: text
        for name, value in test.params.items()
        if (text := value_text(value)) is not None and _declares(part, name)
    }
    plan = lower_spec(part, params, context)
    return Example(
        name=test.name,
        plan=plan.SerializeToString(deterministic=True),
        expected={name: _rows(rows) for name, rows in test.expect.items()},
        sinks={name: _sink_name(index) for index, name in enumerate(names)},
    )


def _compared(spec: plan_pb2.PipelineSpec, test: plan_pb2.PipelineTest) -> list[str]:
    """Return what must be computed; for rejects that is all that the sinks read."""
    names = {name for name in test.expect if name != REJECTS}
    if REJECTS in test.expect or not names:
        names |= {name for name in wire(spec).sink_inputs if name != REJECTS}
    return sorted(names)


def _reduce(spec: plan_pb2.PipelineSpec, test: plan_pb2.PipelineTest, names: list[str]) -> None:
    """Leave only what the names depend on, up to what is given."""
    wiring = wire(spec)
    inputs = dict(zip(wiring.steps, wiring.step_inputs, strict=True))
    for step, outputs in wiring.routes().items():
        inputs.update({name: [step] for name in outputs})
    needed: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop()
        if name not in needed:
            needed.add(name)
            queue += [] if name in test.given else inputs.get(name, [])
    missing = [name for name in wiring.sources if name in needed and name not in test.given]
    if missing:
        raise InvalidInput(
            f"The test `{test.name}` gives no rows for the source `{missing[0]}`",
            code="SPEC_INVALID",
            place=f"tests: {test.name}",
            hint=f"Add `{missing[0]}` to its `given`",
        )
    sources = [source for source in spec.sources if source.name in needed]
    steps = [step for step in spec.steps if step.name in needed and step.name not in test.given]
    given_steps = sorted((needed & set(test.given)) - {source.name for source in sources})
    sources += [plan_pb2.Source(name=name) for name in given_steps]
    copies = deepcopy(sources), deepcopy(steps)
    del spec.sources[:], spec.steps[:]
    spec.sources.extend(copies[0])
    spec.steps.extend(copies[1])


def _give(spec: plan_pb2.PipelineSpec, test: plan_pb2.PipelineTest, folder: Path) -> None:
    """Replace every source by a file with the given rows, of the columns it declares."""
    for source in spec.sources:
        columns: list[plan_pb2.Column] = []
        for kind in ("csv", "jsonl", "stream"):
            if source.HasField(kind):
                columns = list(getattr(source, kind).columns)
        path = folder / f"{source.name}.jsonl"
        rows = _rows(test.given[source.name])
        path.write_text("".join(json_line(row) + "\n" for row in rows), encoding="utf-8")
        replaced = plan_pb2.JsonlSource(uri=str(path), columns=columns)
        source.jsonl.CopyFrom(replaced)


def _collect(spec: plan_pb2.PipelineSpec, names: list[str], folder: Path) -> None:
    """Replace the sinks by files, one for each name."""
    del spec.sinks[:]
    for index, name in enumerate(names):
        sink = spec.sinks.add(name=_sink_name(index))
        set_from(sink, name)
        sink.jsonl.uri = str(folder / "out" / f"{name}.jsonl")
        sink.jsonl.mode = "replace"
    del spec.tests[:]
    spec.limits.ClearField("rejects")


def _sink_name(index: int) -> str:
    return f"out_{index}"


def _drop_unused_params(spec: plan_pb2.PipelineSpec) -> None:
    """Remove parameters that the remaining steps do not use: they need no value."""
    used = {
        found.name
        for _, _, text, _ in texts(spec)
        for found in references(text)
        if isinstance(found, Reference) and found.namespace == "params"
    }
    kept = deepcopy([param for param in spec.params if param.name in used])
    del spec.params[:]
    spec.params.extend(kept)


def _declares(spec: plan_pb2.PipelineSpec, name: str) -> bool:
    return any(param.name == name for param in spec.params)


def _rows(rows: ListValue) -> list[dict[str, Value]]:
    return [dict(row.struct_value.fields) for row in rows.values]


def json_line(row: dict[str, Value]) -> str:
    """Return a row as one line of JSON, its numbers with all their digits."""
    parts = (f"{json.dumps(name)}: {_json(value)}" for name, value in row.items())
    return "{" + ", ".join(parts) + "}"


def _json(value: Value) -> str:
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        return number_text(value.number_value)
    if kind == "list_value":
        return "[" + ", ".join(_json(item) for item in value.list_value.values) + "]"
    if kind == "struct_value":
        return json_line(dict(value.struct_value.fields))
    plain: Any = {
        "string_value": value.string_value,
        "bool_value": value.bool_value,
    }.get(kind or "")
    return json.dumps(plain)
