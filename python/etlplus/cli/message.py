"""Messages of the contract as plain data."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

_SCALARS_AS_TEXT: Final = frozenset({"google.protobuf.Struct", "google.protobuf.Value"})


def plain(message: Message) -> dict[str, Any]:
    """Every field by its name in the contract.

    Numbers stay numbers, enum values lose their prefix, times are RFC 3339 text, messages that are
    not set are left out.
    """
    fields: list[FieldDescriptor] = list(message.DESCRIPTOR.fields)  # type: ignore[arg-type]
    return {
        field.name: _field(message, field)
        for field in fields
        if not field.has_presence or message.HasField(field.name)
    }


def _field(message: Message, field: FieldDescriptor) -> Any:  # noqa: ANN401 any data
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return dict(value)
    if field.is_repeated:
        return [_value(item, field) for item in value]
    return _value(value, field)


def _value(value: Any, field: FieldDescriptor) -> Any:  # noqa: ANN401 any data
    if isinstance(value, Timestamp):
        return value.ToJsonString()
    if isinstance(value, Duration):
        return value.ToTimedelta().total_seconds()
    if isinstance(value, Message):
        if value.DESCRIPTOR.full_name in _SCALARS_AS_TEXT:
            return MessageToDict(value)
        return plain(value)
    if field.enum_type is not None:
        return state_name(field.enum_type.values_by_number[value].name)
    return value.hex() if isinstance(value, bytes) else value


def state_name(name: str) -> str:
    """An enum value without its prefix: RUNNING for STATE_RUNNING."""
    return name.partition("_")[2]
