"""Which rejects of a run can be read again, so that each record is loaded exactly once.

Two questions are asked of each of them. Was no part of the record loaded? Its way from the source
to where it was refused must be a single one, through steps that look at one row at a time. And do
the records alone, without those that were loaded before, come to the same as together with them?
Nothing on their further way may look at several rows, and no target may be replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from etlplus.domain.errors import WrongState
from etlplus.domain.replay import LeftOut, Refused, ReplayPlan, ReplaySource
from etlplus.language.graph import Graph
from etlplus.language.wiring import REJECTS
from etlplus.v1 import plan_pb2

UNSUPPORTED: Final = "REPLAY_UNSUPPORTED"
_REPEATED: Final = "DUPLICATE_KEY"
#: Kinds of sources whose records have a place to be found again.
_PLACED: Final = ("csv", "jsonl")
_MODES: Final = ("append", "merge")
#: Steps that make of a row one row or none.
_ROW_WISE: Final = frozenset(
    {"filter", "select", "map", "rename", "drop", "cast", "validate", "mask"}
)
#: Steps that look at one row, but may make several of it or send it elsewhere.
_SPREADING: Final = frozenset({"route", "unnest"})
#: Joins that make of a row on the driving side one row or none.
_DRIVEN: Final = frozenset({"lookup", "semi", "anti"})
#: Joins to which rows of one side can be added alone, by that side.
_LEFT: Final = _DRIVEN | {"inner", "left"}
_RIGHT: Final = frozenset({"inner", "right"})
_AGAIN: Final = "Run the whole pipeline again; what the job published can be rolled back first"


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why something cannot be replayed: the source, step or sink, and a sentence."""

    place: str
    text: str


def plan_replay(
    old: plan_pb2.PipelineSpec, new: plan_pb2.PipelineSpec, refused: Sequence[Refused]
) -> ReplayPlan:
    """Return which rejects a run of `new` can read again.

    Args:
        old: the definition that refused them.
        new: the definition that is to take them.
        refused: what each source, step and sink of `old` refused, those with rows.

    Raises:
        WrongState: NOTHING_TO_REPLAY, REPLAY_UNSUPPORTED.
    """
    before, after = Graph(old), Graph(new)
    found: dict[str, list[Refused]] = {}
    left: list[LeftOut] = []
    for each in refused:
        source, why = _source_of(before, after, each)
        if why is None:
            found.setdefault(source, []).append(each)
        else:
            left.append(why)
    if not found:
        raise _nothing(left)
    sources = [
        ReplaySource(name, tuple(each.step for each in some), sum(each.rows for each in some))
        for name, some in found.items()
    ]
    return ReplayPlan((*sources, *_silenced(before, after, list(found))), tuple(left))


def _source_of(before: Graph, after: Graph, refused: Refused) -> tuple[str, LeftOut | None]:
    """The source that rejects are read from, or why they are left out."""
    if _REPEATED in refused.codes:
        text = f"`{refused.step}` refused rows because another row of their key was loaded"
        return "", LeftOut(refused.step, refused.rows, _REPEATED, text)
    source, fault = _way(before, refused.step)
    if fault is None:
        fault = _unlike(before, after, source, refused.step)
    if fault is None:
        fault = _flow(before, [source], is_past=True) or _flow(after, [source])
    if fault is None:
        return source, None
    return "", LeftOut(refused.step, refused.rows, UNSUPPORTED, fault.text)


def _way(graph: Graph, refusing: str) -> tuple[str, _Fault | None]:
    """The source of what a source, step or sink refused, if no part of it can have been loaded."""
    at = refusing
    while at not in graph.sources:
        fault = None if at in graph.sinks else _not_one_row(graph, at, refusing)
        if fault is not None:
            return "", fault
        at = graph.inputs(at)[0]
        if len(graph.readers(at)) > 1:
            text = f"`{at}` is read more than once, so that parts of what `{refusing}` refused"
            return "", _Fault(at, f"{text} may have been loaded another way")
    return at, None


def _not_one_row(graph: Graph, name: str, refusing: str) -> _Fault | None:
    kind = graph.kind(name)
    if kind in _ROW_WISE or (kind in _SPREADING and name == refusing):
        return None
    if kind == "join":
        how = graph.steps[name].join.how or "inner"
        if how in _DRIVEN:
            return None
        kind = f"{how} join"
    if not kind:
        return _Fault(name, f"there is no `{name}` in the pipeline")
    return _Fault(name, f"`{name}` ({kind}) is not a step that makes one row of one row or none")


def _unlike(before: Graph, after: Graph, source: str, refusing: str) -> _Fault | None:
    """Why records of a source cannot be found again in the newest version's way."""
    kind = before.kind(source)
    if kind not in _PLACED:
        text = f"`{source}` is a {kind} source, whose records have no place to be found again"
        return _Fault(source, text)
    if after.kind(source) != kind:
        return _Fault(source, f"the newest version has no {kind} source `{source}`")
    if refusing not in after.steps and refusing not in after.sinks:
        return None
    now, fault = _way(after, refusing)
    if fault is None and now != source:
        return _Fault(refusing, f"`{refusing}` has `{now}` as its source in the newest version")
    return fault


def _silenced(before: Graph, after: Graph, replayed: list[str]) -> list[ReplaySource]:
    """Sources that must not be read at all, because all of their rows were loaded before.

    Raises:
        WrongState: REPLAY_UNSUPPORTED, when that or reading them together cannot be done.
    """
    quiet: list[str] = []
    for sink in after.sinks:
        source = after.first_source(sink)
        if not source or _reached(after, sink, [*replayed, *quiet]):
            continue
        if after.kind(source) not in _PLACED:
            text = f"`{sink}` would be loaded again from `{source}`, a {after.kind(source)} source"
            raise _unsupported(_Fault(sink, text))
        quiet.append(source)
    fault = _flow(before, [each for each in replayed if each in before.sources], is_past=True)
    fault = fault or _flow(after, [*replayed, *quiet])
    if fault is not None:
        raise _unsupported(fault)
    return [ReplaySource(name, (), 0) for name in quiet]


def _reached(graph: Graph, name: str, sources: Iterable[str]) -> bool:
    """Whether rows of a source come to a step or sink."""
    seen, open_ = set(sources), [name]
    done: set[str] = set()
    while open_:
        at = open_.pop()
        if at in seen:
            return True
        if at not in done:
            done.add(at)
            open_ += graph.inputs(at)
    return False


def _flow(graph: Graph, sources: Sequence[str], *, is_past: bool = False) -> _Fault | None:
    """Why records of some sources do not come to the same alone as among all others.

    With `is_past` it tells whether their absence has changed what was made of other records.
    """
    of = {source: source for source in sources}
    for step in graph.steps:
        inputs = graph.inputs(step)
        touched = [name for name in inputs if name in of]
        if not touched:
            continue
        fault = _step_fault(graph, step, of, is_past=is_past)
        if fault is not None:
            return fault
        of[step] = of[touched[0]]
    if is_past:
        return None
    for sink in graph.sinks:
        (read,) = graph.inputs(sink)
        mode = graph.mode(sink)
        if (read in of or read == REJECTS) and mode not in _MODES:
            text = f"`{sink}` has the mode {mode}, which would put the replayed rows in place of"
            return _Fault(sink, f"{text} those that were loaded; only append and merge add to them")
    return None


def _step_fault(graph: Graph, name: str, of: dict[str, str], *, is_past: bool) -> _Fault | None:
    step, kind = graph.steps[name], graph.kind(name)
    driving, *others = graph.inputs(name)
    partial = [each for each in others if each in of]
    if kind == "join":
        return _join_fault(step.join.how or "inner", name, driving, partial, of)
    if kind == "validate":
        return None if is_past else _validate_fault(step.validate, name, partial)
    if kind in _ROW_WISE or kind in _SPREADING or kind == "sort":
        return None
    text = f"`{name}` ({kind}) looks at several rows at a time"
    if kind == "sql":
        text = f"`{name}` is a query, of which cannot be told whether it looks at one row at a time"
    return _Fault(name, text)


def _validate_fault(
    validate: plan_pb2.ValidateStep, name: str, partial: list[str]
) -> _Fault | None:
    if validate.unique or validate.HasField("expect"):
        what = "unique" if validate.unique else "expect"
        return _Fault(name, f"`{name}` has `{what}`, which is about all rows together")
    if partial:
        text = f"`{name}` looks up keys in `{partial[0]}`, of which only refused records are"
        return _Fault(name, f"{text} read again")
    return None


def _join_fault(
    how: str, name: str, driving: str, others: list[str], of: dict[str, str]
) -> _Fault | None:
    if driving in of and others:
        pair = sorted({of[driving], of[others[0]]})
        both = " and ".join(f"`{each}`" for each in pair)
        text = f"`{name}` joins records of {both}"
        if len(pair) == 1:
            return _Fault(name, f"{text} with each other")
        return _Fault(name, f"{text}, of which both would be read only in part")
    if how in (_LEFT if driving in of else _RIGHT):
        return None
    text = f"`{name}` ({how} join) would give rows again that were loaded, as the replayed records"
    return _Fault(name, f"{text} come in by {'`from`' if driving in of else '`with`'}")


def _nothing(left: Sequence[LeftOut]) -> WrongState:
    hard = [each for each in left if each.code == UNSUPPORTED]
    if hard:
        return _unsupported(_Fault(hard[0].step, _all_reasons(hard)))
    if left:
        text = f"None of its rejects can be replayed: {_all_reasons(left)}"
    else:
        text = "The job refused nothing"
    return WrongState(
        text,
        code="NOTHING_TO_REPLAY",
        place=left[0].step if left else None,
        hint="Mend the rows in the source, and run the pipeline again" if left else None,
    )


def _all_reasons(left: Iterable[LeftOut]) -> str:
    return "; ".join(dict.fromkeys(each.reason for each in left))


def _unsupported(fault: _Fault) -> WrongState:
    return WrongState(
        f"The rejects cannot be replayed: {fault.text}",
        code=UNSUPPORTED,
        place=fault.place,
        hint=_AGAIN,
        metadata={"place": fault.place},
    )
