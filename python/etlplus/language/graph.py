"""The graph of a sound definition, by name: who reads whom, and what stands where."""

from __future__ import annotations

from etlplus.language.wiring import kind_of, sink_mode, wire
from etlplus.v1 import plan_pb2


class Graph:
    """Sources, steps and sinks by their names. A route stands for its outputs.

    Attributes:
        sources: by name.
        steps: by name, in order.
        sinks: by name.
    """

    def __init__(self, spec: plan_pb2.PipelineSpec) -> None:
        """Reads a sound definition."""
        wiring = wire(spec)
        self.sources = {source.name: source for source in spec.sources}
        self.steps = dict(zip(wiring.steps, spec.steps, strict=True))
        self.sinks = {sink.name: sink for sink in spec.sinks}
        self._inputs = {
            step: [wiring.owner(name) for name in names]
            for step, names in zip(wiring.steps, wiring.step_inputs, strict=True)
        }
        for sink, name in zip(spec.sinks, wiring.sink_inputs, strict=True):
            self._inputs[sink.name] = [wiring.owner(name)]

    def inputs(self, name: str) -> list[str]:
        """What a step or sink reads, the rows that it goes through first; nothing for a source."""
        return self._inputs.get(name, [])

    def readers(self, name: str) -> list[str]:
        """Who reads a source or step, once for each time that it does."""
        return [
            reader for reader, inputs in self._inputs.items() for each in inputs if each == name
        ]

    def kind(self, name: str) -> str:
        """The kind of a source, step or sink."""
        part = self.sources.get(name) or self.steps.get(name) or self.sinks.get(name)
        return "" if part is None else kind_of(part)

    def mode(self, sink: str) -> str:
        """A sink's mode."""
        return sink_mode(self.sinks[sink])

    def first_source(self, name: str) -> str:
        """The source at the beginning of the rows that a step or sink goes through."""
        while name not in self.sources:
            inputs = self.inputs(name)
            if not inputs:
                return ""
            name = inputs[0]
        return name
