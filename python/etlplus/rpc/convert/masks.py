"""Field masks of updates."""

from __future__ import annotations

from collections.abc import Collection

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from etlplus.domain.errors import InvalidInput


def fields_to_change(message: Message, mask: FieldMask, changeable: Collection[str]) -> set[str]:
    """The names of the fields that an update changes.

    Args:
        message: what was sent.
        mask: what of it counts; without paths, the fields that are filled.
        changeable: the fields that may be changed at all.

    Raises:
        InvalidInput: a path that is not changeable.
    """
    if not mask.paths:
        return {field.name for field, _ in message.ListFields()} & set(changeable)
    if "*" in mask.paths:
        return set(changeable)
    for path in mask.paths:
        if path not in changeable:
            raise InvalidInput(
                f"{path!r} cannot be changed",
                place="update_mask",
                hint=f"Name some of {', '.join(changeable)}, or `*`",
                metadata={"path": path},
            )
    return set(mask.paths)
