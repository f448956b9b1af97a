"""How sources, steps and sinks hang together: names, and who reads whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from etlplus.language import schema
from etlplus.language.interpolate import masked
from etlplus.language.sqltext import words
from etlplus.v1 import plan_pb2

#: The name of the run's rejects, which sinks may read.
REJECTS: Final = "rejects"
_MEMORY: Final = "256MiB"


def kind_of(part: plan_pb2.Source | plan_pb2.Step | plan_pb2.Sink) -> str:
    """Return the kind of a source, step or sink; empty when it has none."""
    return part.WhichOneof(schema.KIND) or ""


def get_from(part: plan_pb2.Step | plan_pb2.Sink) -> str:
    """Return `from`, which is a keyword of Python."""
    return str(getattr(part, "from"))


def set_from(part: plan_pb2.Step | plan_pb2.Sink, name: str) -> None:
    """Set `from`."""
    setattr(part, "from", name)


def step_names(spec: plan_pb2.PipelineSpec) -> list[str]:
    """Return the names of the steps: a step without one is called by its kind and position."""
    return [
        step.name or f"{kind_of(step) or 'step'}_{position}"
        for position, step in enumerate(spec.steps, start=1)
    ]


@dataclass(frozen=True, slots=True)
class Wiring:
    """Who reads whom, with every default filled in. An empty input is one that cannot be known.

    Attributes:
        sources: names of sources.
        steps: names of steps, in order.
        step_inputs: for each step, the names it reads; a query's are those it may read.
        sink_inputs: for each sink, the name it reads.
        outputs: for each step, the names by which its rows are read: its own, or those of a
            route's outputs.
    """

    sources: list[str]
    steps: list[str]
    step_inputs: list[list[str]]
    sink_inputs: list[str]
    outputs: list[list[str]]

    def readable(self, index: int | None = None) -> list[str]:
        """Return the names that a step may read, or that a sink may when there is no index."""
        return [*self.sources, *(name for names in self.outputs[:index] for name in names)]

    def routes(self) -> dict[str, list[str]]:
        """Return the outputs of each route."""
        pairs = zip(self.steps, self.outputs, strict=True)
        return {step: outputs for step, outputs in pairs if outputs != [step]}

    def owner(self, name: str) -> str:
        """Return the step that a route's output belongs to; any other name as it is."""
        pairs = zip(self.steps, self.outputs, strict=True)
        return next((step for step, outputs in pairs if name in outputs), name)

    def used(self) -> set[str]:
        """Return every name that something reads."""
        return {name for inputs in self.step_inputs for name in inputs} | set(self.sink_inputs)


def wire(spec: plan_pb2.PipelineSpec) -> Wiring:
    """Return who reads whom."""
    sources = [source.name for source in spec.sources]
    steps = step_names(spec)
    outputs = [_outputs(name, step) for name, step in zip(steps, spec.steps, strict=True)]
    names = [*sources, *(name for found in outputs for name in found)]
    first = sources[0] if len(sources) == 1 else ""
    inputs: list[list[str]] = []
    for index, step in enumerate(spec.steps):
        above = steps[index - 1] if index else first
        inputs.append(_inputs(step, above, names))
    last = steps[-1] if steps else first
    read = [get_from(sink) or last for sink in spec.sinks]
    return Wiring(sources, steps, inputs, read, outputs)


def _outputs(name: str, step: plan_pb2.Step) -> list[str]:
    if not step.HasField("route"):
        return [name]
    outputs = [output.name for output in step.route.outputs]
    return [f"{name}.{output}" for output in [*outputs, step.route.default] if output]


def _inputs(step: plan_pb2.Step, above: str, names: list[str]) -> list[str]:
    written = get_from(step)
    if step.HasField("sql"):
        found = words(masked(step.sql.query))
        return ([written] if written else []) + [
            name for name in names if found.issuperset(name.split("."))
        ]
    inputs = [written or above]
    if step.HasField("join") and getattr(step.join, "with"):
        inputs.append(getattr(step.join, "with"))
    inputs += [reference.to for reference in step.validate.references if reference.to]
    return inputs


def fill_defaults(spec: plan_pb2.PipelineSpec) -> None:
    """Fill names, `from` and options with their defaults, in place. The pipeline must be sound.

    A query names its inputs itself, so its `from` stays as it is.
    """
    wiring = wire(spec)
    for index, step in enumerate(spec.steps):
        step.name = wiring.steps[index]
        step.on_error = step.on_error or "reject"
        if not step.HasField("sql"):
            set_from(step, wiring.step_inputs[index][0])
        if step.HasField("join"):
            step.join.how = step.join.how or "inner"
            if step.join.how == "lookup":
                step.join.missing = step.join.missing or "keep"
        if step.HasField("dedupe"):
            step.dedupe.keep = step.dedupe.keep or "first"
        if step.HasField("unnest"):
            step.unnest.empty = step.unnest.empty or "keep"
    for sink, read in zip(spec.sinks, wiring.sink_inputs, strict=True):
        set_from(sink, read)
        options = getattr(sink, kind_of(sink))
        options.mode = sink_mode(sink)
    for sink in spec.sinks:
        if sink.HasField("parquet"):
            sink.parquet.compression = sink.parquet.compression or "zstd"
    spec.limits.memory = spec.limits.memory or _MEMORY


def sink_mode(sink: plan_pb2.Sink) -> str:
    """Return a sink's mode: tables and folders are appended to, single files are replaced."""
    options = getattr(sink, kind_of(sink))
    if options.mode:
        return str(options.mode)
    if sink.HasField("postgres") or options.uri.endswith("/"):
        return "append"
    return "replace"
