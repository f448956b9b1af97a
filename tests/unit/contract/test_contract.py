"""Rules that the contract keeps and that no other tool checks."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest
from google.api import annotations_pb2, field_behavior_pb2
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from etlplus.v1 import (
    auth_pb2,
    connection_pb2,
    engine_pb2,
    job_pb2,
    options_pb2,
    pipeline_pb2,
    plan_pb2,
    report_pb2,
    system_pb2,
)
from etlplus.v1.buf.validate import validate_pb2

OPEN = (auth_pb2, connection_pb2, job_pb2, pipeline_pb2, plan_pb2, report_pb2, system_pb2)
FREE = {"google.protobuf.Value", "google.protobuf.ListValue", "google.protobuf.Struct"}


def messages() -> Iterator[Descriptor]:
    for module in OPEN:
        queue = list(module.DESCRIPTOR.message_types_by_name.values())
        for message in queue:
            queue += message.nested_types
            if not message.GetOptions().map_entry:
                yield message


def fields() -> Iterator[FieldDescriptor]:
    for message in messages():
        yield from message.fields


def methods() -> Iterator[MethodDescriptor]:
    for module in OPEN:
        for service in module.DESCRIPTOR.services_by_name.values():
            yield from service.methods


def option(owner: FieldDescriptor | MethodDescriptor | Descriptor, extension: Any) -> Any:  # noqa: ANN401
    return owner.GetOptions().Extensions[extension]


def text_is_limited(rules: validate_pb2.StringRules) -> bool:
    bounded = rules.max_len or rules.max_bytes or rules.const or rules.uuid
    pattern = rules.pattern and not {"*", "+"} & set(rules.pattern)
    return bool(bounded or getattr(rules, "in") or pattern)


def is_limited(field: FieldDescriptor) -> bool:
    rules = option(field, validate_pb2.field)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return bool(rules.map.max_pairs)
    if field.is_repeated:
        texts = field.type != FieldDescriptor.TYPE_STRING or text_is_limited(
            rules.repeated.items.string
        )
        return bool(rules.repeated.max_items) and texts
    if field.type == FieldDescriptor.TYPE_STRING:
        return text_is_limited(rules.string)
    return field.type != FieldDescriptor.TYPE_BYTES or bool(rules.bytes.max_len)


def test_every_text_list_and_map_has_a_limit() -> None:
    assert [field.full_name for field in fields() if not is_limited(field)] == []


def test_every_method_names_the_right_it_requires() -> None:
    for method in methods():
        required = option(method, options_pb2.requires)
        assert required.verb, method.full_name
        assert required.resource, method.full_name


def test_every_method_has_a_path_for_http() -> None:
    for method in methods():
        rule = option(method, annotations_pb2.http)
        assert rule.WhichOneof("pattern"), method.full_name


def test_every_field_of_a_request_says_how_it_behaves() -> None:
    for method in methods():
        for field in method.input_type.fields:
            behaviours = option(field, field_behavior_pb2.field_behavior)
            assert len(behaviours), field.full_name


def test_everything_has_a_comment() -> None:
    data = resources.files("etlplus.v1").joinpath("contract.binpb").read_bytes()
    for file in descriptor_pb2.FileDescriptorSet.FromString(data).file:
        if not file.name.startswith("etlplus/"):
            continue
        commented = {
            tuple(place.path)
            for place in file.source_code_info.location
            if place.leading_comments.strip()
        }
        for index, message in enumerate(file.message_type):
            assert (4, index) in commented, message.name
            for number, field in enumerate(message.field):
                assert (4, index, 2, number) in commented, f"{message.name}.{field.name}"
        for index, service in enumerate(file.service):
            for number, method in enumerate(service.method):
                assert (6, index, 2, number) in commented, method.name


@pytest.mark.parametrize("field", ["keyed_by", "shorthand"])
def test_short_forms_name_fields_that_exist(field: str) -> None:
    extension = getattr(options_pb2, field)
    for message in messages():
        if field == "shorthand":
            name = option(message, extension)
            assert not name or name in message.fields_by_name
            continue
        for part in message.fields:
            name = option(part, extension)
            if name:
                assert part.message_type is not None
                assert name in part.message_type.fields_by_name


def test_the_language_uses_only_kinds_of_fields_that_its_reader_knows() -> None:
    known = {
        FieldDescriptor.TYPE_STRING,
        FieldDescriptor.TYPE_BOOL,
        FieldDescriptor.TYPE_DOUBLE,
        FieldDescriptor.TYPE_UINT64,
        FieldDescriptor.TYPE_MESSAGE,
    }
    queue = [plan_pb2.PipelineSpec.DESCRIPTOR]
    seen = set()
    for message in queue:
        seen.add(message.full_name)
        for field in message.fields:
            assert field.type in known, field.full_name
            inner = field.message_type
            if inner is not None and inner.full_name not in seen | FREE:
                queue.append(inner)


def test_the_core_reads_the_messages_that_python_writes() -> None:
    image = resources.files("etlplus.v1").joinpath("contract.binpb").read_bytes()
    files = {file.name: file for file in descriptor_pb2.FileDescriptorSet.FromString(image).file}
    assert {message.name for message in files["etlplus/v1/engine.proto"].message_type} == set(
        engine_pb2.DESCRIPTOR.message_types_by_name
    )
