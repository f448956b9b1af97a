"""Variants of a plan by which the engine tells what it is about to do to tables."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from etlplus.domain.evolution import FREEZE, TableSink
from etlplus.language.wiring import get_from, set_from
from etlplus.v1 import engine_pb2, plan_pb2


def tables(data: bytes) -> tuple[TableSink, ...]:
    """Return the sinks of a serialized Plan that write tables."""
    plan = engine_pb2.Plan.FromString(data)
    return tuple(_table(sink) for sink in plan.spec.sinks if sink.HasField("postgres"))


def _table(sink: plan_pb2.Sink) -> TableSink:
    options = sink.postgres
    effective = [options.history.effective] if options.history.effective else []
    return TableSink(
        name=sink.name,
        connection=options.connection,
        target=_qualified(options.table),
        policy=options.schema_policy or FREEZE,
        keys=(*options.keys, *effective),
    )


def as_new(data: bytes) -> bytes:
    """Return the Plan with every table replaced by one that is not there.

    Compiled, it tells the columns of the rows and the types that a table made for them would have.
    """
    plan = engine_pb2.Plan.FromString(data)
    for sink in plan.spec.sinks:
        if sink.HasField("postgres"):
            schema = _qualified(sink.postgres.table).partition(".")[0]
            sink.postgres.table = f"{schema}.etlplus_{uuid.uuid4().hex}"
    return plan.SerializeToString(deterministic=True)


def without(data: bytes, columns: Mapping[str, Sequence[str]]) -> tuple[bytes, tuple[str, ...]]:
    """Return the Plan whose sinks do not get these columns, and the names of the steps for that.

    Compiled, it tells whether the other columns fit the tables as they are.
    """
    plan = engine_pb2.Plan.FromString(data)
    added = []
    for sink in plan.spec.sinks:
        dropped = columns.get(sink.name)
        if not dropped:
            continue
        step = plan.spec.steps.add(name=f"etlplus_{uuid.uuid4().hex}", on_error="reject")
        step.drop.columns.extend(dropped)
        set_from(step, get_from(sink))
        set_from(sink, step.name)
        added.append(step.name)
    return plan.SerializeToString(deterministic=True), tuple(added)


def _qualified(table: str) -> str:
    return table if "." in table else f"public.{table}"
