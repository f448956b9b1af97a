"""Writes a definition as YAML in its short forms. Reading it gives the same definition."""

from __future__ import annotations

from typing import Any

import yaml
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import ListValue, Value

from etlplus.language import canonical, schema
from etlplus.language.scalars import NULLS
from etlplus.v1 import plan_pb2

_Single = str | bool | float


class _Quoted(str):
    """Text that must not be taken for a number or anything else than text."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as blocks and indents lists."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """Indent lists inside mappings too."""
        super().increase_indent(flow, indentless=False)


def _write_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = (
        "|" if "\n" in text and not any(char in text for char in "\t\r\x85\u2028\u2029") else None
    )
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _write_quoted(dumper: _Dumper, text: _Quoted) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style='"')


_Dumper.add_representer(str, _write_text)
_Dumper.add_representer(_Quoted, _write_quoted)


def to_yaml(data: bytes) -> str:
    """Return the canonical bytes of a definition as YAML. Raises InvalidInput for damaged bytes."""
    return yaml.dump(
        to_plain(canonical.decode(data)),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )


def to_plain(spec: plan_pb2.PipelineSpec) -> dict[str, Any]:
    """Return a definition as dictionaries, lists and single values, in its short forms."""
    return _fields(spec, "")


def _fields(message: Message, given: str) -> dict[str, Any]:
    return {
        field.name: _value(field, value)
        for field, value in message.ListFields()
        if field.name != given
    }


def _message(message: Message, given: str = "") -> Any:  # noqa: ANN401 - any shape of YAML
    if isinstance(message, Value | ListValue):
        return _free(message)
    fields = _fields(message, given)
    short = schema.shorthand(schema.descriptor_of(message))
    if short is not None and fields.keys() == {short.name} and fields[short.name] is not None:
        return fields[short.name]
    return fields


def _value(field: FieldDescriptor, value: Any) -> Any:  # noqa: ANN401 - any shape of YAML
    if schema.is_map(field):
        return {name: _message(value[name]) for name in sorted(value)}
    if not field.is_repeated:
        return _message(value) if schema.is_message(field) else _single(value)
    key = schema.keyed_by(field) if schema.is_message(field) else None
    if key is not None:
        names = [getattr(entry, key.name) for entry in value]
        if len(set(names)) == len(names):
            return {
                name: _message(entry, key.name) for name, entry in zip(names, value, strict=True)
            }
    return [_message(item) if schema.is_message(field) else _single(item) for item in value]


def _single(value: _Single) -> _Single:
    return _Quoted(value) if isinstance(value, str) and value in NULLS else value


def _free(value: Value | ListValue) -> Any:  # noqa: ANN401 - any shape of YAML
    if isinstance(value, ListValue):
        return [_free(item) for item in value.values]
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return _Quoted(value.string_value)
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) <= 1 << 53 else number
    if kind == "list_value":
        return _free(value.list_value)
    if kind == "struct_value":
        fields = value.struct_value.fields
        return {name: _free(fields[name]) for name in sorted(fields)}
    return value.bool_value if kind == "bool_value" else None
