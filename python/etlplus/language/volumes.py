"""What a definition says of the volume of its runs, and what is wrong with that."""

from __future__ import annotations

from typing import Final

from etlplus.domain.volume import RUNS, Volume
from etlplus.language import codes
from etlplus.language.findings import Findings
from etlplus.language.suggest import hint
from etlplus.language.text import Path
from etlplus.language.wiring import REJECTS, get_from, wire
from etlplus.v1 import plan_pb2

_PLACE: Final[Path] = ("limits", "volume")


def read_volume(spec: plan_pb2.PipelineSpec) -> Volume | None:
    """Return the limit of a sound definition; None where it has none."""
    if not spec.limits.HasField("volume"):
        return None
    given = spec.limits.volume
    fails = given.action != "warn"
    return Volume(
        of=tuple(given.of) or _sinks(spec),
        least=given.min_rows if given.HasField("min_rows") else None,
        most=given.max_rows if given.HasField("max_rows") else None,
        change=given.change if given.HasField("change") else None,
        runs=given.runs if given.HasField("runs") else RUNS,
        fails=fails,
        empty={"": fails, "fail": True, "warn": False, "allow": None}[given.empty],
    )


def _sinks(spec: plan_pb2.PipelineSpec) -> tuple[str, ...]:
    """Those that are loaded; how much is refused is another matter, and `limits.rejects`."""
    return tuple(sink.name for sink in spec.sinks if get_from(sink) != REJECTS)


def check_volume(spec: plan_pb2.PipelineSpec, findings: Findings, broken: set[Path]) -> None:
    """Report a limit that no run keeps or that none can break, and names of nothing."""
    if not spec.limits.HasField("volume"):
        return
    given = spec.limits.volume
    if given.HasField("max_rows") and given.min_rows > given.max_rows:
        text = f"No run has at least {given.min_rows} and at most {given.max_rows} rows"
        findings.add(codes.VOLUME, text, (*_PLACE, "min_rows"))
    bounds = [given.HasField(each) for each in ("min_rows", "max_rows", "change")]
    if given.empty == "allow" and not any(bounds) and not _breaks(broken):
        text = "This limit allows everything"
        known = "Add `min_rows`, `max_rows` or `change`, or leave the limit out"
        findings.add(codes.VOLUME, text, (*_PLACE, "empty"), known)
    if given.HasField("runs") and given.empty == "allow" and not given.HasField("change"):
        text = "`runs` has no effect: nothing is compared with earlier runs"
        known = "Add `change`, or leave it out"
        findings.add(codes.VOLUME, text, (*_PLACE, "runs"), known)
    nodes = [*wire(spec).readable(), *(sink.name for sink in spec.sinks)]
    for index, name in enumerate(given.of):
        if name not in nodes:
            text = f"There is no source, step or sink `{name}`"
            findings.add(codes.UNDEFINED, text, (*_PLACE, "of", index), hint(name, nodes, "Known"))


def _breaks(broken: set[Path]) -> bool:
    return any(path[:2] == _PLACE for path in broken)
