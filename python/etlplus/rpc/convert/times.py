"""Times and durations."""

from __future__ import annotations

from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp


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
