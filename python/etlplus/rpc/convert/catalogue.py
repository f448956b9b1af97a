"""Kinds of connectors and steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from etlplus.app.ports import CatalogueEntry
from etlplus.v1 import system_pb2

_ROLES = {
    "source": system_pb2.Connector.Role.ROLE_SOURCE,
    "sink": system_pb2.Connector.Role.ROLE_SINK,
}


def to_connectors(entries: Iterable[CatalogueEntry]) -> Iterator[system_pb2.Connector]:
    """A message for each role of each connector."""
    for entry in entries:
        for role in entry.roles:
            if role in _ROLES:
                yield system_pb2.Connector(
                    kind=entry.kind,
                    role=_ROLES[role],
                    description=entry.summary,
                    schema=_to_schema(entry),
                )


def to_steps(entries: Iterable[CatalogueEntry]) -> Iterator[system_pb2.StepKind]:
    """A message for each step."""
    for entry in entries:
        yield system_pb2.StepKind(
            kind=entry.kind, description=entry.summary, schema=_to_schema(entry)
        )


def _to_schema(entry: CatalogueEntry) -> Struct:
    return json_format.Parse(entry.options_schema or "{}", Struct())
