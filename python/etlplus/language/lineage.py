"""Of which columns of sources each column of a sink is computed, step by step.

What a step makes of its columns is compared with what the engine says that it has. Where the two
differ, or where an expression is not understood, the answer is that nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from etlplus.domain.lineage import ColumnLineage, Origin, SinkLineage
from etlplus.domain.run import PlanReport
from etlplus.language.queryform import columns_of
from etlplus.language.querylineage import query_lineage
from etlplus.language.sqltext import words
from etlplus.language.wiring import REJECTS, get_from, kind_of, step_names, wire
from etlplus.v1 import engine_pb2, plan_pb2

#: The origins of a column; or why they are unknown.
Known = frozenset[Origin] | str
#: The columns of a node in their order.
Columns = Mapping[str, Known]

_UNCLEAR: Final = "its expression is not followed"


def lineage(data: bytes, report: PlanReport) -> tuple[SinkLineage, ...]:
    """Return the lineage of every sink.

    Args:
        data: a serialized Plan.
        report: what compiling it told.
    """
    spec = engine_pb2.Plan.FromString(data).spec
    reported = {node.name: [c.name for c in node.columns] for node in report.nodes}
    nodes: dict[str, Columns] = {
        source.name: {
            name: frozenset({Origin(source.name, name)}) for name in reported.get(source.name, ())
        }
        for source in spec.sources
    }
    outputs = wire(spec).outputs
    for name, step, names in zip(step_names(spec), spec.steps, outputs, strict=True):
        for output in names:
            columns = reported.get(output, [])
            nodes[output] = _checked(name, _step(step, nodes, columns), columns)
    reads = {sink.name: get_from(sink) for sink in spec.sinks}
    return tuple(
        SinkLineage(
            sink.name,
            tuple(_column(c.name, nodes, reads.get(sink.name, "")) for c in sink.columns),
        )
        for sink in report.sinks
    )


def _column(name: str, nodes: Mapping[str, Columns], read: str) -> ColumnLineage:
    if read == REJECTS:
        return ColumnLineage(name, unknown="it tells of the rows that were refused")
    # A column that the rows lack is set by the load.
    known = nodes.get(read, {}).get(name, frozenset())
    if isinstance(known, str):
        return ColumnLineage(name, unknown=known)
    return ColumnLineage(name, tuple(sorted(known)))


def _checked(name: str, made: Columns, columns: Sequence[str]) -> Columns:
    """The columns, if they are those that the engine says."""
    if list(made) == list(columns):
        return made
    return dict.fromkeys(columns, f"what {name} makes of its columns is not followed")


def _step(step: plan_pb2.Step, nodes: Mapping[str, Columns], columns: Sequence[str]) -> Columns:
    kind = kind_of(step)
    if kind == "sql":
        return _sql(step, nodes, columns)
    rows = nodes.get(get_from(step), {})
    if kind == "join":
        return _join(step.join, rows, nodes.get(getattr(step.join, "with"), {}))
    if kind == "unnest":
        return {name: rows.get(name, rows.get(step.unnest.column, _UNCLEAR)) for name in columns}
    return _BY_KIND.get(kind, _as_they_are)(step, rows)


def _as_they_are(_: plan_pb2.Step, rows: Columns) -> Columns:
    return rows


def _select(step: plan_pb2.Step, rows: Columns) -> Columns:
    return {name: rows[name] for name in step.select.columns if name in rows}


def _drop(step: plan_pb2.Step, rows: Columns) -> Columns:
    return {name: known for name, known in rows.items() if name not in step.drop.columns}


def _rename(step: plan_pb2.Step, rows: Columns) -> Columns:
    names = {each.column: each.to for each in step.rename.columns}
    return {names.get(name, name): known for name, known in rows.items()}


def _map(step: plan_pb2.Step, rows: Columns) -> Columns:
    return {**rows, **{each.name: _expression(each.expr, rows) for each in step.map.columns}}


def _aggregate(step: plan_pb2.Step, rows: Columns) -> Columns:
    groups = {name: rows[name] for name in step.aggregate.by if name in rows}
    made = {each.name: _expression(each.expr, rows) for each in step.aggregate.columns}
    return {**groups, **made}


def _expression(text: str, rows: Columns) -> Known:
    """What an expression over the columns of rows is computed of."""
    named = columns_of(text)
    if named is None or not named <= rows.keys():
        return _UNCLEAR
    return _union(rows[name] for name in named)


def _union(parts: Iterable[Known]) -> Known:
    """All origins; unknown where one of them is."""
    found: frozenset[Origin] = frozenset()
    for part in parts:
        if isinstance(part, str):
            return part
        found |= part
    return found


def _join(join: plan_pb2.JoinStep, rows: Columns, other: Columns) -> Columns:
    keys = {name: name for name in join.on} | {key.left: key.right for key in join.keys}
    found = dict(rows)
    if join.how in {"right", "full"}:
        # A row without a partner on this side has the keys of the other one.
        for left, right in keys.items():
            if left in rows:
                found[left] = _union([rows[left], other.get(right, _UNCLEAR)])
    if join.how in {"semi", "anti"}:
        return found
    if join.columns:
        return found | {each.name: other.get(each.column, _UNCLEAR) for each in join.columns}
    return found | {name: each for name, each in other.items() if name not in keys.values()}


def _sql(step: plan_pb2.Step, nodes: Mapping[str, Columns], columns: Sequence[str]) -> Columns:
    named = words(step.sql.query)
    tables = {name: list(each) for name, each in nodes.items() if set(name.split(".")) <= named}
    found = query_lineage(step.sql.query, tables, columns)
    made: dict[str, Known] = {}
    for name, known in zip(columns, found, strict=True):
        if isinstance(known, str):
            made[name] = known
        else:
            made[name] = _union(nodes[table][column] for table, column in known)
    return made


_BY_KIND: Final[Mapping[str, Callable[[plan_pb2.Step, Columns], Columns]]] = {
    "select": _select,
    "drop": _drop,
    "rename": _rename,
    "map": _map,
    "aggregate": _aggregate,
}
