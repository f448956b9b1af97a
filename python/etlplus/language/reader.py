"""Walks a tree of nodes beside the contract's descriptors and fills the message.

Two short forms of the contract are understood: `keyed_by` (a mapping in place of a list of named
entries) and `shorthand` (a value in place of a message). The long forms always work too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import ListValue, Value

from etlplus.language import codes, schema
from etlplus.language.findings import Findings
from etlplus.language.nodes import Mapping, Node, Scalar, Sequence
from etlplus.language.scalars import WrongTypeError, convert, fill_value, is_null
from etlplus.language.suggest import closest, hint
from etlplus.language.text import Mark, Path, Span, join_path

_Single = str | bool | int | float


class _Entries(Protocol):
    """A repeated field: of messages, which are added, or of single values, which are appended."""

    def add(self) -> Message: ...
    def append(self, value: _Single, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where the reader is: the path in the message, and in the words of the text."""

    path: Path = ()
    written: str = ""

    def field(self, name: str) -> Place:
        """Return the place of a field that is written out."""
        return Place((*self.path, name), join_path(self.written, name))

    def hidden(self, *parts: str | int) -> Place:
        """Return the place of a field that the text leaves out."""
        return Place((*self.path, *parts), self.written)


class Reader:
    """Fills one message from one tree. What is wrong goes to the findings; the rest is read on."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        #: Paths whose value could not be read; nothing more is said about them.
        self.broken: set[Path] = set()

    def read(self, node: Node, message: Message) -> None:
        """Fill a message from the root of a tree."""
        place = Place()
        self._mark(place, node.span, node)
        if not isinstance(node, Mapping):
            self._shape(place, node, "A definition is a mapping: `api: …`, `name: …` and so on")
            return
        self._message(node, message, place)

    def _message(self, node: Node, message: Message, place: Place, given: str = "") -> None:
        """Fill a message from a node; `given` names the field that the key around it has filled."""
        descriptor = schema.descriptor_of(message)
        if descriptor.full_name in {schema.VALUE, schema.LIST}:
            self._free(node, message, place)
            return
        short = schema.shorthand(descriptor)
        if is_null(node) and not self._is_text(node, short):
            message.SetInParent()
        elif isinstance(node, Mapping):
            message.SetInParent()
            if short is not None and not node.broken and _is_short(node, descriptor, short):
                self._field(message, short, node, place.hidden(short.name))
            else:
                self._fields(node, message, place, given)
        elif short is not None:
            message.SetInParent()
            self._field(message, short, node, place.hidden(short.name))
        else:
            known = ", ".join(field.name for field in descriptor.fields if field.name != given)
            self._shape(place, node, f"This must be a mapping with some of: {known}")

    def _is_text(self, node: Node, short: FieldDescriptor | None) -> bool:
        """Tell whether `null` is meant as text: as a SQL expression it is one."""
        is_string = short is not None and short.type == short.TYPE_STRING and not short.is_repeated
        return is_string and isinstance(node, Scalar) and node.text not in {"", "~"}

    def _fields(self, node: Mapping, message: Message, place: Place, given: str) -> None:
        descriptor = schema.descriptor_of(message)
        chosen: dict[str, str] = {}
        if node.broken:
            self.broken.add(place.path)
            return
        for key, child in node.entries:
            field = schema.field_named(descriptor, key.text)
            if field is None:
                self._unknown(descriptor, key, place)
                continue
            inner = place.field(field.name)
            self._mark(inner, key.span, child)
            if field.name == given:
                text = f"`{field.name}` is given by the key already"
                self._findings.at(codes.KEY_GIVEN_TWICE, text, key.span, inner.written)
                continue
            oneof = field.containing_oneof
            if oneof is not None and oneof.name == schema.KIND:
                first = chosen.setdefault(oneof.name, field.name)
                if first != field.name:
                    self._two_kinds(descriptor, first, field.name, key, inner)
                    continue
            self._present(message, field, child, inner)

    def _present(self, message: Message, field: FieldDescriptor, node: Node, place: Place) -> None:
        """Fill a field that is written out; `null` leaves a single value absent."""
        if is_null(node) and not schema.is_message(field):
            return
        self._field(message, field, node, place)

    def _field(self, message: Message, field: FieldDescriptor, node: Node, place: Place) -> None:
        if place.path not in self._findings.marks:
            self._mark(place, node.span, node)
        if schema.is_map(field):
            self._map(message, field, node, place)
        elif field.is_repeated:
            self._list(message, field, node, place)
        elif field.full_name == schema.PARAM_DEFAULT and isinstance(node, Scalar):
            fill_value(getattr(message, field.name), node, verbatim=True)
        elif schema.is_message(field):
            self._message(node, getattr(message, field.name), place)
        else:
            value = self._scalar(field, node, place)
            if value is not None:
                setattr(message, field.name, value)

    def _scalar(self, field: FieldDescriptor, node: Node, place: Place) -> _Single | None:
        if not isinstance(node, Scalar):
            written = "a list" if isinstance(node, Sequence) else "a mapping"
            self._shape(place, node, f"One value belongs here, not {written}")
            return None
        try:
            return convert(field, node)
        except WrongTypeError as error:
            self.broken.add(place.path)
            text = f"`{field.name}`: {error}"
            self._findings.at(codes.WRONG_TYPE, text, node.span, place.written, error.hint)
            return None

    def _list(self, message: Message, field: FieldDescriptor, node: Node, place: Place) -> None:
        target = getattr(message, field.name)
        key_field = schema.keyed_by(field) if schema.is_message(field) else None
        if isinstance(node, Sequence):
            for index, item in enumerate(node.items):
                inner = Place((*place.path, index), join_path(place.written, index))
                self._item(target, field, item, inner)
        elif isinstance(node, Mapping) and key_field is not None:
            self._keyed(target, key_field, node, place)
        elif is_null(node):
            return
        elif isinstance(node, Scalar) and not schema.is_message(field):
            self._item(target, field, node, Place((*place.path, 0), place.written))
        elif key_field is not None:
            self._shape(place, node, f"This must be a mapping of {key_field.name} to its options")
        else:
            self._shape(place, node, "This must be a list; start each item with `- `")

    def _item(self, target: _Entries, field: FieldDescriptor, node: Node, place: Place) -> None:
        self._mark(place, node.span, node)
        if isinstance(node, Scalar) and node.plain and not node.text:
            text = "A value is missing here"
            self._findings.at(codes.VALUE_MISSING, text, node.span, place.written)
            # The place is kept, so that the items after it keep their numbers.
            self.broken.add(place.path)
            target.add() if schema.is_message(field) else target.append("")
        elif schema.is_message(field):
            self._message(node, target.add(), place)
        else:
            value = self._scalar(field, node, place)
            target.append(field.default_value if value is None else value)

    def _keyed(self, target: _Entries, key: FieldDescriptor, node: Mapping, place: Place) -> None:
        if node.broken:
            self.broken.add(place.path)
            return
        for index, (name, child) in enumerate(node.entries):
            inner = Place((*place.path, index), join_path(place.written, name.text))
            self._mark(inner, name.span, child)
            self._findings.marks[*inner.path, key.name] = Mark(name.span, name.span, inner.written)
            entry = target.add()
            setattr(entry, key.name, name.text)
            self._message(child, entry, inner, given=key.name)

    def _map(self, message: Message, field: FieldDescriptor, node: Node, place: Place) -> None:
        if is_null(node):
            return
        if not isinstance(node, Mapping) or node.broken:
            self._shape(place, node, "This must be a mapping of names to values")
            return
        target = getattr(message, field.name)
        for name, child in node.entries:
            inner = place.field(name.text)
            self._mark(inner, name.span, child)
            self._message(child, target[name.text], inner)

    def _free(self, node: Node, message: Message, place: Place) -> None:
        """Fill a value whose shape is up to the user."""
        if isinstance(message, ListValue):
            if not isinstance(node, Sequence):
                self._shape(place, node, "This must be a list; start each item with `- `")
                return
            message.SetInParent()
            for index, item in enumerate(node.items):
                inner = Place((*place.path, "values", index), join_path(place.written, index))
                self._mark(inner, item.span, item)
                self._free(item, message.values.add(), inner)
        elif not isinstance(message, Value):
            return
        elif isinstance(node, Scalar):
            fill_value(message, node)
        elif isinstance(node, Sequence):
            self._free(node, message.list_value, place)
        else:
            message.struct_value.SetInParent()
            for key, child in node.entries:
                self._free(child, message.struct_value.fields[key.text], place.field(key.text))

    def _mark(self, place: Place, key: Span, node: Node) -> None:
        value = node.span if isinstance(node, Scalar) else key
        self._findings.marks[place.path] = Mark(key, value, place.written)

    def _shape(self, place: Place, node: Node, text: str) -> None:
        self.broken.add(place.path)
        if isinstance(node, Mapping) and node.broken:
            return
        self._findings.at(codes.WRONG_SHAPE, text, node.span, place.written)

    def _unknown(self, descriptor: Descriptor, key: Scalar, place: Place) -> None:
        owner = schema.owner_name(descriptor)
        kinds = schema.kinds(descriptor)
        self.broken.add((*place.path, schema.KIND))
        if kinds:
            text = f"`{key.text}` is neither an option nor a kind of {owner.removeprefix('a ')}"
        else:
            text = f"`{key.text}` is not an option of {owner}"
        names = [field.name for field in descriptor.fields]
        meant = closest(key.text, names)
        if meant is not None:
            self.broken.add((*place.path, meant))
        written = join_path(place.written, key.text)
        known = hint(key.text, names, f"{owner.capitalize()} has")
        self._findings.at(codes.UNKNOWN_FIELD, text, key.span, written, known)

    def _two_kinds(
        self, descriptor: Descriptor, first: str, second: str, key: Scalar, place: Place
    ) -> None:
        owner = schema.owner_name(descriptor)
        text = f"{owner.capitalize()} has one kind; this one has `{first}` and `{second}`"
        known = "Make two steps of it" if owner == "a step" else "Make two of it"
        self._findings.at(codes.TWO_KINDS, text, key.span, place.written, known)


def _is_short(node: Mapping, descriptor: Descriptor, short: FieldDescriptor) -> bool:
    """Tell whether a mapping stands for the shorthand's field rather than for the message.

    It does when it has a key that is no field of the message. When all keys are fields, it still
    does if one of them could not be read as that field: `cast: {columns: text}` names a column.
    """
    if not schema.takes_mapping(short) or not node.entries:
        return False
    for key, child in node.entries:
        field = schema.field_named(descriptor, key.text)
        if field is None or (field.name == short.name and isinstance(child, Scalar)):
            return True
    return False
