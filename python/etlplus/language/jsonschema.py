"""The JSON Schema of the language, for editors and forms; both short forms included."""

from __future__ import annotations

import json
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from etlplus.language import schema
from etlplus.language.comments import comments
from etlplus.v1 import plan_pb2
from etlplus.v1.buf.validate import validate_pb2

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_INTEGERS: Final = frozenset(
    {
        FieldDescriptor.TYPE_INT32,
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_UINT32,
        FieldDescriptor.TYPE_UINT64,
    }
)
_UNSIGNED: Final = frozenset({FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_UINT64})
# A text may be written as any single value: it is read by the field's type.
_SINGLE: Final = ["string", "number", "boolean"]


def json_schema() -> Schema:
    """Return the JSON Schema (2020-12) of a pipeline definition."""
    root = schema.descriptor_of(plan_pb2.PipelineSpec)
    return {"$schema": DIALECT, "title": "ETL Plus pipeline", **_standalone(root)}


def options_schema(descriptor: Descriptor) -> Schema:
    """Return the JSON Schema (2020-12) of one kind's options."""
    return {"$schema": DIALECT, **_standalone(descriptor)}


def json_schema_text() -> str:
    """Return the JSON Schema of a pipeline definition as text."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _standalone(descriptor: Descriptor) -> Schema:
    builder = _Builder()
    shown = builder.message(descriptor)
    return {**shown, "$defs": dict(sorted(builder.definitions.items()))}


class _Builder:
    """Collects the definitions that a schema refers to."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}

    def message(self, descriptor: Descriptor, given: str = "") -> Schema:
        """Return the schema of a message; `given`: the field that the key around it fills."""
        shown: Schema = {"description": comments().get(descriptor.full_name, "")}
        long = self._object(descriptor, given)
        short = schema.shorthand(descriptor)
        choices = [long]
        if short is not None:
            choices.insert(0, self._value(short))
        if not long.get("required") and "oneOf" not in long:
            choices.append({"type": "null"})
        return {**shown, **long} if len(choices) == 1 else {**shown, "anyOf": choices}

    def _object(self, descriptor: Descriptor, given: str) -> Schema:
        fields = [field for field in descriptor.fields if field.name != given]
        shown: Schema = {
            "type": "object",
            "additionalProperties": False,
            "properties": {field.name: self._property(field) for field in fields},
        }
        required = [field.name for field in fields if _is_required(field)]
        if required:
            shown["required"] = required
        kinds = schema.kinds(descriptor)
        if kinds:
            shown["oneOf"] = [{"required": [kind]} for kind in kinds]
        return shown

    def _property(self, field: FieldDescriptor) -> Schema:
        return {"description": comments().get(field.full_name, ""), **self._value(field)}

    def _value(self, field: FieldDescriptor) -> Schema:
        rules = _rules(field)
        if schema.is_map(field):
            value = schema.message_of(field).fields_by_name["value"]
            return {"type": "object", "additionalProperties": self._single(value)}
        if not field.is_repeated:
            return self._single(field)
        items = {"type": "array", "items": self._single(field), **_bounds(rules, "Items")}
        key = schema.keyed_by(field) if schema.is_message(field) else None
        if key is not None:
            return {"anyOf": [self._keyed(field, key), items]}
        if schema.is_message(field):
            return items
        return {"anyOf": [items, self._single(field)]}

    def _keyed(self, field: FieldDescriptor, key: FieldDescriptor) -> Schema:
        names = {name: text for name, text in _text(key).items() if name != "type"}
        return {
            "type": "object",
            "propertyNames": names,
            "additionalProperties": self._reference(schema.message_of(field), key.name),
            **_bounds(_rules(field), "Properties"),
        }

    def _single(self, field: FieldDescriptor) -> Schema:
        if field.full_name == schema.PARAM_DEFAULT:
            return {"type": [*_SINGLE, "null"]}
        if schema.is_free(field):
            name = schema.message_of(field).full_name
            return {"type": "array", "items": {"type": "object"}} if name == schema.LIST else {}
        if schema.is_message(field):
            return self._reference(schema.message_of(field))
        return _scalar(field)

    def _reference(self, descriptor: Descriptor, given: str = "") -> Schema:
        name = f"{descriptor.name}Entry" if given else str(descriptor.name)
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = self.message(descriptor, given)
        return {"$ref": f"#/$defs/{name}"}


def _scalar(field: FieldDescriptor) -> Schema:
    if field.type == FieldDescriptor.TYPE_BOOL:
        return {"type": "boolean"}
    if field.type in _INTEGERS:
        return {"type": "integer", **({"minimum": 0} if field.type in _UNSIGNED else {})}
    if field.type == FieldDescriptor.TYPE_DOUBLE:
        return {"type": "number", **_range(_rules(field))}
    return _text(field)


def _rules(field: FieldDescriptor) -> validate_pb2.FieldRules:
    options = field.GetOptions()
    return options.Extensions[validate_pb2.field]  # type: ignore[index]


def _text_rules(field: FieldDescriptor) -> validate_pb2.StringRules:
    rules = _rules(field)
    return rules.repeated.items.string if field.is_repeated else rules.string


def _text(field: FieldDescriptor) -> Schema:
    rules = _text_rules(field)
    allowed = [value for value in getattr(rules, "in") if value]
    if rules.const:
        return {"const": rules.const}
    if allowed:
        return {"enum": allowed}
    if rules.pattern:
        return {"type": "string", "pattern": rules.pattern}
    shown: Schema = {"type": _SINGLE}
    if rules.min_bytes:
        shown["minLength"] = 1
    longest = rules.max_len or rules.max_bytes
    if longest:
        shown["maxLength"] = longest
    return shown


def _bounds(rules: validate_pb2.FieldRules, what: str) -> Schema:
    shown: Schema = {}
    if rules.repeated.min_items:
        shown[f"min{what}"] = rules.repeated.min_items
    if rules.repeated.max_items:
        shown[f"max{what}"] = rules.repeated.max_items
    return shown


def _range(rules: validate_pb2.FieldRules) -> Schema:
    shown: Schema = {}
    if rules.double.HasField("gte"):
        shown["minimum"] = rules.double.gte
    if rules.double.HasField("lte"):
        shown["maximum"] = rules.double.lte
    return shown


def _is_required(field: FieldDescriptor) -> bool:
    rules = _rules(field)
    if field.is_repeated:
        return bool(rules.repeated.min_items)
    text = rules.string
    named = bool(text.pattern) and not text.pattern.startswith("^(")
    return field.containing_oneof is None and bool(text.const or text.min_bytes or named)
