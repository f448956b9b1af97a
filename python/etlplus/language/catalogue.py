"""The kinds of sources, sinks and steps, with their manual and the schema of their options."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

from google.protobuf.message import Message

from etlplus.app.ports import CatalogueEntry
from etlplus.language import schema
from etlplus.language.comments import comments
from etlplus.language.jsonschema import options_schema
from etlplus.v1 import plan_pb2


@cache
def connectors() -> tuple[CatalogueEntry, ...]:
    """Return the kinds of sources and sinks: one entry for each kind in each role."""
    entries = [*_entries(plan_pb2.Source, "source"), *_entries(plan_pb2.Sink, "sink")]
    return tuple(sorted(entries, key=lambda entry: (entry.kind, entry.roles)))


@cache
def steps() -> tuple[CatalogueEntry, ...]:
    """Return the kinds of steps, in the order of the contract."""
    return tuple(_entries(plan_pb2.Step, "step"))


def _entries(owner: type[Message], role: str) -> Iterator[CatalogueEntry]:
    descriptor = schema.descriptor_of(owner)
    for kind in schema.kinds(descriptor):
        options = schema.message_of(descriptor.fields_by_name[kind])
        yield CatalogueEntry(
            kind=kind,
            roles=(role,),
            summary=comments()[options.full_name],
            options_schema=json.dumps(options_schema(options), ensure_ascii=False),
        )
