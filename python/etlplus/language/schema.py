"""What the contract says about a message's fields: names, kinds, short forms, interpolation."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from etlplus.v1 import options_pb2

VALUE: Final = "google.protobuf.Value"
LIST: Final = "google.protobuf.ListValue"
#: The free value that is read by the type beside it, so its text must survive as it is.
PARAM_DEFAULT: Final = "etlplus.v1.Param.default"
#: Names of the `Source`, `Step` and `Sink` messages' oneof.
KIND: Final = "kind"

_SUFFIX = re.compile(r"(Source|Step|Sink)$")
_OWNERS: Final = {"PipelineSpec": "a pipeline", "PipelineTest": "a test"}


def descriptor_of(message: Message | type[Message]) -> Descriptor:
    """Return the descriptor of a message or of its class."""
    return cast("Descriptor", message.DESCRIPTOR)


def field_named(descriptor: Descriptor, name: str) -> FieldDescriptor | None:
    """Return the field with a name, in the form of the contract or of protobuf's JSON."""
    found = descriptor.fields_by_name.get(name)
    return found or descriptor.fields_by_camelcase_name.get(name)


@cache
def keyed_by(field: FieldDescriptor) -> FieldDescriptor | None:
    """Return the entry's field that takes a mapping's key, for fields that may be mappings."""
    name = _option(field.GetOptions(), options_pb2.keyed_by)
    return message_of(field).fields_by_name[name] if name else None


@cache
def shorthand(descriptor: Descriptor) -> FieldDescriptor | None:
    """Return the field that takes a value written in the message's place."""
    name = _option(descriptor.GetOptions(), options_pb2.shorthand)
    return descriptor.fields_by_name[name] if name else None


@cache
def interpolation(field: FieldDescriptor) -> int:
    """Return what becomes of `${…}` in a field."""
    return int(_option(field.GetOptions(), options_pb2.interpolation))


def _option(options: Message, extension: FieldDescriptor) -> Any:  # noqa: ANN401 - as declared
    return options.Extensions[extension]  # type: ignore[index]


def is_message(field: FieldDescriptor) -> bool:
    """Tell whether a field holds messages."""
    return field.message_type is not None


def message_of(field: FieldDescriptor) -> Descriptor:
    """Return the type of a field that holds messages."""
    return cast("Descriptor", field.message_type)


def is_free(field: FieldDescriptor) -> bool:
    """Tell whether a field holds a value whose shape is up to the user."""
    return is_message(field) and message_of(field).full_name in {VALUE, LIST}


def is_map(field: FieldDescriptor) -> bool:
    """Tell whether a field is a protobuf map."""
    return is_message(field) and bool(message_of(field).GetOptions().map_entry)


def takes_mapping(field: FieldDescriptor) -> bool:
    """Tell whether a field may be written as a mapping from names that the user chooses."""
    return is_map(field) or (is_message(field) and keyed_by(field) is not None)


def kinds(descriptor: Descriptor) -> list[str]:
    """Return the kinds of a source, step or sink, in the order of the contract."""
    oneof = descriptor.oneofs_by_name.get(KIND)
    return [field.name for field in oneof.fields] if oneof else []


def owner_name(descriptor: Descriptor) -> str:
    """Return what people call a message: ``a step``, ``a `csv` source``, ``a `map` step``."""
    name = str(descriptor.name)
    if name in _OWNERS:
        return _OWNERS[name]
    role = _SUFFIX.search(name)
    if role is None:
        return f"a {_spaced(name)}"
    if role.start() == 0:
        return f"a {name.lower()}"
    return f"a `{name[: role.start()].lower()}` {role[1].lower()}"


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
