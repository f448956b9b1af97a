"""Checks names and references: what is read must exist, and come from above."""

from __future__ import annotations

from collections.abc import Iterable

from etlplus.language import codes
from etlplus.language.findings import Findings, Report
from etlplus.language.suggest import hint, listing
from etlplus.language.text import Path
from etlplus.language.wiring import REJECTS, Wiring, get_from, wire
from etlplus.v1 import plan_pb2


def check_names(spec: plan_pb2.PipelineSpec, findings: Findings, broken: set[Path]) -> None:
    """Report duplicate and reserved names, bad references, cycles, and what is never read."""
    wiring = wire(spec)
    _unique(spec, wiring, findings)
    for field, what in (("params", "parameter"), ("tests", "test")):
        _unique_in(field, what, [part.name for part in getattr(spec, field)], findings)
    for index in range(len(spec.steps)):
        _check_step(spec, wiring, index, findings)
    for index, sink in enumerate(spec.sinks):
        if get_from(sink) or ("steps",) not in broken:
            _check_sink(wiring, index, get_from(sink), findings)
    _check_unused(wiring, findings)


def _unique(spec: plan_pb2.PipelineSpec, wiring: Wiring, findings: Findings) -> None:
    """One name, one thing: counters, rejects and errors tell sources, steps and sinks by it."""
    first: dict[str, str] = {}
    paths: list[tuple[Path, str]] = [
        *((("sources", index), name) for index, name in enumerate(wiring.sources)),
        *((("steps", index), name) for index, name in enumerate(wiring.steps)),
        *((("sinks", index), sink.name) for index, sink in enumerate(spec.sinks)),
    ]
    for path, name in paths:
        kind = str(path[0]).removesuffix("s")
        if name == REJECTS and kind != "sink":
            text = f"A {kind} cannot be called `{REJECTS}`: that is the run's rejects"
            findings.add(codes.RESERVED, text, (*path, "name"))
        elif name in first:
            text = f"There is a {first[name]} called `{name}` already"
            findings.add(codes.DUPLICATE_NAME, text, (*path, "name"))
        elif name:
            first[name] = kind


def _unique_in(field: str, what: str, names: Iterable[str], findings: Findings) -> None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name and name in seen:
            text = f"There is a {what} called `{name}` already"
            findings.add(codes.DUPLICATE_NAME, text, (field, index, "name"))
        seen.add(name)


def _check_step(
    spec: plan_pb2.PipelineSpec, wiring: Wiring, index: int, findings: Findings
) -> None:
    step = spec.steps[index]
    path: Path = ("steps", index)
    written = get_from(step)
    if written:
        check_reference(wiring, index, written, findings.placed((*path, "from")))
    elif not step.HasField("sql") and not wiring.step_inputs[index][0]:
        _ambiguous(wiring, path, "The first step", findings)
    elif not step.HasField("sql"):
        _no_route(wiring, wiring.step_inputs[index][0], findings.placed((*path, "from")))
    if step.HasField("join") and getattr(step.join, "with"):
        other = getattr(step.join, "with")
        check_reference(wiring, index, other, findings.placed((*path, "join", "with")))
    for number, reference in enumerate(step.validate.references):
        if reference.to:
            place: Path = (*path, "validate", "references", number, "to")
            check_reference(wiring, index, reference.to, findings.placed(place))


def _ambiguous(wiring: Wiring, path: Path, who: str, findings: Findings) -> None:
    if wiring.sources:
        text = f"{who} must say which source it reads"
        known = f"Add `from: {wiring.sources[0]}`"
        findings.add(codes.AMBIGUOUS_FROM, text, (*path, "from"), known)


def _no_route(wiring: Wiring, name: str, report: Report) -> bool:
    """Report a name that means a route, of which only outputs can be read."""
    outputs = wiring.routes().get(name)
    if outputs is None:
        return False
    text = f"`{name}` is a route: say which of its outputs is read"
    known = f"It has: {listing(outputs)}"
    report(codes.ROUTE_OUTPUT, text, known)
    return True


def check_reference(wiring: Wiring, index: int, name: str, report: Report) -> None:
    """Report a name that a step reads and cannot."""
    if name in wiring.readable(index):
        return
    if name in wiring.steps[:index] and _no_route(wiring, name, report):
        return
    owner = wiring.owner(name)
    if owner == wiring.steps[index]:
        report(codes.CYCLE, f"The step `{owner}` reads itself")
    elif owner in wiring.steps:
        _check_later(wiring, index, owner, report)
    elif name == REJECTS:
        text = "Only sinks can read the rejects: they are complete when all steps are done"
        report(codes.UNDEFINED, text)
    else:
        known = hint(name, wiring.readable(index), "It can read")
        report(codes.UNDEFINED, f"There is no source or step `{name}`", known)


def _check_later(wiring: Wiring, index: int, name: str, report: Report) -> None:
    here = wiring.steps[index]
    way = _way(wiring, name, here)
    if way:
        circle = " → ".join(f"`{step}`" for step in [here, *way])
        report(codes.CYCLE, f"Steps read each other in a circle: {circle}")
        return
    text = f"`{here}` reads `{name}`, which is a later step"
    report(codes.FORWARD, text, f"Move `{name}` above `{here}`")


def _way(wiring: Wiring, start: str, goal: str) -> list[str]:
    """Return the steps from one to another by what they read; empty when there is no way."""
    inputs = dict(zip(wiring.steps, wiring.step_inputs, strict=True))
    came_from: dict[str, str] = {start: ""}
    queue = [start]
    for step in queue:
        if step == goal:
            way = [step]
            while came_from[way[0]]:
                way.insert(0, came_from[way[0]])
            return way
        for name in map(wiring.owner, inputs.get(step, [])):
            if name not in came_from:
                came_from[name] = step
                queue.append(name)
    return []


def _check_sink(wiring: Wiring, index: int, written: str, findings: Findings) -> None:
    path: Path = ("sinks", index)
    if not written and not wiring.sink_inputs[index]:
        _ambiguous(wiring, path, "A sink without steps above it", findings)
        return
    inner: Path = (*path, "from")
    if _no_route(wiring, wiring.sink_inputs[index], findings.placed(inner)) or not written:
        return
    if written not in {*wiring.readable(), REJECTS}:
        known = hint(written, [*wiring.readable(), REJECTS], "It can read")
        text = f"There is no source or step `{written}`"
        findings.add(codes.UNDEFINED, text, (*path, "from"), known)


def _check_unused(wiring: Wiring, findings: Findings) -> None:
    used = wiring.used()
    for index, name in enumerate(wiring.sources):
        if name not in used:
            text = f"The source `{name}` is never read"
            findings.add(codes.UNUSED_SOURCE, text, ("sources", index), on_key=True)
    for index, outputs in enumerate(wiring.outputs):
        for name in (name for name in outputs if name not in used):
            text = f"The rows of step `{name}` go nowhere"
            known = f"Read it with `from: {name}`, or remove it"
            findings.add(codes.UNUSED_STEP, text, ("steps", index), known, on_key=True)
