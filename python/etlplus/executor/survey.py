"""Looks at what a prepared plan would do to tables, and lets them follow the rows where it says so.

The engine settles types against the tables as they are, so a table that is to follow is altered
first. What the rows bring is what a table made for them would have: the plan is compiled with
tables that are not there. Before anything is altered, the plan is compiled without the columns that
will be added, so that whatever else does not fit is refused by name while nothing is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from etlplus.app.ports import Stop
from etlplus.domain.evolution import EVOLVE, Incoming, SchemaDiff
from etlplus.domain.planhash import Survey
from etlplus.domain.run import ColumnReport, Load, PlanReport, SinkReport
from etlplus.executor.parts import Parts
from etlplus.executor.preparation import Prepared


def survey(parts: Parts, prepared: Prepared) -> Survey:
    """What a run would do to every table, and all else that compiling tells. Changes nothing.

    Raises:
        InvalidInput: what the engine says of the plan.
        RunError: TARGET_MISMATCH, and whatever sources and targets say.
    """
    diffs = tuple(diff for diff, _ in _compared(parts, prepared, evolving=False))
    return Survey(_checked(parts, prepared, diffs), diffs)


def evolve(parts: Parts, prepared: Prepared, load: Load, stop: Stop) -> Sequence[SchemaDiff]:
    """Alters the tables that follow the rows; returns those that were altered.

    Raises:
        Cancelled: `stop` said so; tables that were altered until then stay so.
        WrongState: STALE_EPOCH, a later claim of the load was here.
        InvalidInput, RunError: as `survey`, before any table is altered; PUBLISH_CONFLICT.
    """
    if not any(sink.policy == EVOLVE for sink in parts.language.tables(prepared.plan)):
        return ()
    compared = _compared(parts, prepared, evolving=True)
    wanted = [(diff, incoming) for diff, incoming in compared if diff.statements]
    if not wanted:
        return ()
    _checked(parts, prepared, [diff for diff, _ in wanted])
    done = []
    for diff, incoming in wanted:
        stop.check()
        connection = prepared.connections[diff.sink.connection]
        evolver = parts.evolvers[connection.kind]
        done.append(evolver.evolve(diff.sink, incoming, load, connection, stop))
    return [diff for diff in done if diff.statements]


def _compared(
    parts: Parts, prepared: Prepared, *, evolving: bool
) -> list[tuple[SchemaDiff, tuple[Incoming, ...]]]:
    """The tables beside the rows: all, or those that follow the rows."""
    sinks = {
        sink.name: sink
        for sink in parts.language.tables(prepared.plan)
        if (sink.policy == EVOLVE or not evolving)
        and sink.connection in prepared.connections
        and prepared.connections[sink.connection].kind in parts.evolvers
    }
    if not sinks:
        return []
    probe = parts.engine.plan(parts.language.as_new(prepared.plan), prepared.runtime)
    compared = []
    for report in probe.sinks:
        sink = sinks.get(report.name)
        if sink is None:
            continue
        connection = prepared.connections[sink.connection]
        incoming = tuple(Incoming(column.name, column.type) for column in report.columns)
        diff = parts.evolvers[connection.kind].compare(sink, incoming, connection)
        compared.append((diff, incoming))
    return compared


def _checked(parts: Parts, prepared: Prepared, diffs: Sequence[SchemaDiff]) -> PlanReport:
    """What the engine says of the plan once the tables that follow are altered."""
    altered = {diff.sink.name: diff for diff in diffs if diff.statements}
    added = {name: diff.added for name, diff in altered.items()}
    plan, steps = parts.language.without(prepared.plan, added)
    report = parts.engine.plan(plan, prepared.runtime)
    if not altered:
        return report
    nodes = tuple(node for node in report.nodes if node.name not in steps)
    sinks = (_altered(sink, altered.get(sink.name)) for sink in report.sinks)
    return replace(report, nodes=nodes, sinks=tuple(sinks))


def _altered(sink: SinkReport, diff: SchemaDiff | None) -> SinkReport:
    """A sink's report with the columns that its table will have."""
    if diff is None:
        return sink
    types = {each.column: each.after for each in diff.alters}
    columns = [replace(each, type=types.get(each.name, each.type)) for each in sink.columns]
    columns += [ColumnReport(column, types[column]) for column in diff.added]
    return replace(sink, columns=tuple(columns))
