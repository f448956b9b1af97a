"""The contract's comments, which are the manual of the language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet

# Numbers of the fields that locations in source information are made of.
_MESSAGES = FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER
_FIELDS = DescriptorProto.FIELD_FIELD_NUMBER
_NESTED = DescriptorProto.NESTED_TYPE_FIELD_NUMBER


@cache
def comments() -> Mapping[str, str]:
    """Return the comment of each message and field of the contract by full name, in one line."""
    data = resources.files("etlplus.v1").joinpath("contract.binpb").read_bytes()
    found: dict[str, str] = {}
    for file in FileDescriptorSet.FromString(data).file:
        if not file.HasField("source_code_info"):
            continue
        texts = {
            tuple(location.path): " ".join(location.leading_comments.split())
            for location in file.source_code_info.location
            if location.leading_comments
        }
        for index, message in enumerate(file.message_type):
            found.update(_of_message(message, file.package, (_MESSAGES, index), texts))
    return found


def _of_message(
    message: DescriptorProto,
    scope: str,
    place: Sequence[int],
    texts: Mapping[tuple[int, ...], str],
) -> Iterator[tuple[str, str]]:
    name = f"{scope}.{message.name}"
    yield name, texts.get(tuple(place), "")
    for index, field in enumerate(message.field):
        yield f"{name}.{field.name}", texts.get((*place, _FIELDS, index), "")
    for index, nested in enumerate(message.nested_type):
        yield from _of_message(nested, name, (*place, _NESTED, index), texts)
