"""Requests as they came."""

from __future__ import annotations

from dataclasses import dataclass, field

from google.protobuf.message import DecodeError, Message

from etlplus.domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Undecoded:
    """The bytes of a request. They are looked into only when the caller is known and may call.

    Attributes:
        kind: the message that they are to be.
    """

    kind: type[Message]
    data: bytes = field(repr=False)

    def decode(self) -> Message:
        """The message. Raises InvalidInput."""
        try:
            return self.kind.FromString(self.data)
        except DecodeError as error:
            name = self.kind.DESCRIPTOR.full_name
            raise InvalidInput(
                f"the request cannot be read as {name}",
                place=name,
                hint="Send a protobuf message of this type, at most 100 messages deep",
            ) from error
