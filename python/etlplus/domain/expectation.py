"""What to expect of a run, from the first records of each file.

A source that was read to its end is whole, and what is computed of whole sources alone is counted.
Of other sources a part was read: what fares row by row is scaled up from it. All else is unknown,
because a part says nothing of groups, of keys that meet, or of the first rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from etlplus.domain.run import NodeCounters, RejectCount, RejectRow

Role = Literal["source", "step", "sink"]
#: Records of each file source that are looked at unless somebody says otherwise.
DEFAULT_SAMPLE = 10_000
MOST_SAMPLE = 100_000


@dataclass(frozen=True, slots=True)
class Node:
    """A source, step or sink, as far as it matters for what a sample can tell.

    Attributes:
        inputs: the sources and steps that it reads; the first is the one whose rows it passes on.
        unread: for sources, why a plan reads no rows of it; empty where it does.
        by_row: whether a row of the first input fares the same whichever other rows that input
            has, given all rows of the other inputs.
    """

    name: str
    kind: str
    role: Role
    inputs: tuple[str, ...] = ()
    unread: str = ""
    by_row: bool = False


@dataclass(frozen=True, slots=True)
class Sampled:
    """What was read of a source, in rows.

    Attributes:
        read: records that were looked at.
        good: those that fitted.
        passed: those of them that went on to the steps.
        whole: whether that was all of it.
        total: about how many records it has; None where nobody can tell.
        unread: why nothing was read; empty when something was.
    """

    read: int = 0
    good: int = 0
    passed: int = 0
    whole: bool = False
    total: float | None = None
    unread: str = ""

    @property
    def share(self) -> float | None:
        """How many rows stand behind a row that was passed on; None when nobody can tell."""
        if self.whole:
            return 1.0
        if self.total is None or not self.read or not self.passed:
            return None
        return self.total * self.good / self.read / self.passed


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the sample carries to a node.

    Attributes:
        source: the source of which only a part was read; empty when all is whole.
        unknown: why nothing can be said; empty when something can.
    """

    source: str = ""
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class ExpectedRows:
    """Rows of a source, step or sink.

    Attributes:
        looked_at: rows that came in while the sample was taken.
        rows: that a run is expected to give on, or to write for a sink; None when unknown.
        rejected: that a run is expected to refuse here; None when unknown.
        exact: whether the figures are counted, not scaled.
        unknown: why a figure is missing; empty when none is.
    """

    name: str
    kind: str
    role: Role
    looked_at: int = 0
    rows: int | None = None
    rejected: int | None = None
    exact: bool = False
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class ExpectedRejects:
    """Rows that are refused for one reason.

    Attributes:
        seen: in the sample.
        rows: in a run; None when unknown.
        exact: whether that is counted, not scaled.
        example: one of them; None when its first reason is another one.
    """

    step: str
    column: str
    code: str
    seen: int
    rows: int | None = None
    exact: bool = False
    example: RejectRow | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What to expect of a run.

    Attributes:
        sample: the records of each file source that were to be looked at.
        faults: why the sample is smaller, or was not taken.
    """

    sample: int
    nodes: tuple[ExpectedRows, ...] = ()
    rejects: tuple[ExpectedRejects, ...] = ()
    faults: tuple[str, ...] = ()


def reach(nodes: Sequence[Node], sources: Mapping[str, Sampled]) -> dict[str, Reach]:
    """How far the sample carries, by node.

    Args:
        nodes: in an order in which each comes after what it reads.
        sources: what was read of each file source.
    """
    found: dict[str, Reach] = {}
    for node in nodes:
        found[node.name] = _reach(node, found, sources)
    return found


def _reach(node: Node, found: Mapping[str, Reach], sources: Mapping[str, Sampled]) -> Reach:
    if node.role == "source":
        if node.unread:
            return Reach(unknown=node.unread)
        read = sources[node.name]
        return Reach(unknown=read.unread, source="" if read.whole else node.name)
    inputs = [found[name] for name in node.inputs if name in found]
    if not inputs:
        return Reach(unknown="it writes the rejects of the run")
    for name, each in zip(node.inputs, inputs, strict=False):
        if each.unknown:
            return Reach(unknown=_because(name, each.unknown))
    first, *others = inputs
    parts = [each.source for each in others if each.source]
    if parts or (first.source and not node.by_row):
        source = first.source or parts[0]
        return Reach(unknown=f"it depends on all rows of {source}, of which a part was read")
    return first


def _because(name: str, reason: str) -> str:
    return reason if reason.startswith("it reads ") else f"it reads {name}: {reason}"


def expected_rows(
    nodes: Sequence[Node],
    reached: Mapping[str, Reach],
    sources: Mapping[str, Sampled],
    counters: Mapping[str, NodeCounters],
) -> tuple[ExpectedRows, ...]:
    """The rows of each node, in order.

    Args:
        nodes: as for `reach`.
        reached: as `reach` says.
        sources: what was read of each file source.
        counters: of the run over the sample, by node; a node that it left out is missing.
    """
    return tuple(_rows(node, reached[node.name], sources, counters) for node in nodes)


def _rows(
    node: Node,
    reached: Reach,
    sources: Mapping[str, Sampled],
    counters: Mapping[str, NodeCounters],
) -> ExpectedRows:
    bare = ExpectedRows(node.name, node.kind, node.role, unknown=reached.unknown)
    if reached.unknown:
        return bare
    if node.role == "source":
        return _source_rows(bare, sources[node.name])
    count = counters.get(node.name)
    if count is None:
        return replace(bare, unknown="the sample did not get there")
    share = sources[reached.source].share if reached.source else 1.0
    bare = replace(bare, looked_at=count.rows_in, exact=not reached.source)
    if share is None:
        return replace(bare, unknown=_endless(reached.source))
    return replace(bare, rows=round(count.rows_out * share), rejected=round(count.rejected * share))


def _source_rows(bare: ExpectedRows, read: Sampled) -> ExpectedRows:
    bare = replace(bare, looked_at=read.read, exact=read.whole)
    if read.whole:
        return replace(bare, rows=read.good, rejected=read.read - read.good)
    if read.total is None or not read.read:
        return replace(bare, unknown=_endless(bare.name))
    good = round(read.total * read.good / read.read)
    return replace(bare, rows=good, rejected=round(read.total) - good)


def _endless(source: str) -> str:
    return f"nobody can tell how many records {source} has"


def expected_rejects(
    counts: Sequence[RejectCount],
    reached: Mapping[str, Reach],
    sources: Mapping[str, Sampled],
    examples: Mapping[tuple[str, str, str], RejectRow],
) -> tuple[ExpectedRejects, ...]:
    """The rejects by reason.

    Args:
        counts: of the sample.
        reached: as `reach` says.
        sources: what was read of each file source.
        examples: a row by step, column and code of its first reason.
    """
    found = []
    for count in counts:
        at = reached.get(count.step)
        if at is None or at.unknown:
            continue
        share = _share(count.step, at, sources)
        found.append(
            ExpectedRejects(
                step=count.step,
                column=count.column,
                code=count.code,
                seen=count.rows,
                rows=None if share is None else round(count.rows * share),
                exact=not at.source,
                example=examples.get((count.step, count.column, count.code)),
            )
        )
    return tuple(found)


def _share(step: str, reached: Reach, sources: Mapping[str, Sampled]) -> float | None:
    """By how much a step's figures are scaled. A source's own figures are of all records read."""
    if not reached.source:
        return 1.0
    read = sources[reached.source]
    if step != reached.source:
        return read.share
    return read.total / read.read if read.total is not None and read.read else None
