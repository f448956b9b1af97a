"""Walks every text of a message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from etlplus.language import schema
from etlplus.language.text import Path


def texts(
    message: Message, path: Path = ()
) -> Iterator[tuple[Path, FieldDescriptor, str, Message | Sequence[str]]]:
    """Yield each text of a message: its path, field, value and the message or list that holds it.

    Free values (defaults, rows of tests) are left out.
    """
    for field, value in message.ListFields():
        inner = (*path, field.name)
        if schema.is_map(field) or schema.is_free(field):
            continue
        if schema.is_message(field):
            parts = enumerate(value) if field.is_repeated else ((None, value),)
            for index, part in parts:
                yield from texts(part, inner if index is None else (*inner, index))
        elif field.type == FieldDescriptor.TYPE_STRING:
            if field.is_repeated:
                for index, text in enumerate(value):
                    yield (*inner, index), field, text, value
            else:
                yield inner, field, value, message
