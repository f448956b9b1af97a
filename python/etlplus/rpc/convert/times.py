"""Times and durations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from etlplus.domain.errors import InvalidInput


def to_timestamp(time: datetime | None) -> Timestamp | None:
    """An aware time, exact to the microsecond; None stays None, which leaves a field unset."""
    if time is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(time)
    return stamp


def to_duration(milliseconds: int) -> Duration:
    """A duration."""
    duration = Duration()
    duration.FromTimedelta(timedelta(milliseconds=milliseconds))
    return duration


def from_timestamp(message: Message, field: str) -> datetime | None:
    """A request's time, exact to the microsecond; None when the field is unset.

    Raises:
        InvalidInput: the time is outside the calendar.
    """
    if not message.HasField(field):
        return None
    stamp: Timestamp = getattr(message, field)
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(f"{field} is outside the calendar", place=field) from None
