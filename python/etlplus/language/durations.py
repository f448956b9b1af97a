"""Durations such as `1h30m`."""

from __future__ import annotations

import re
from typing import Final

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART: Final = re.compile(r"([0-9]+)(ms|s|m|h|d)")


def seconds(duration: str) -> float | None:
    """Return a duration such as `1h30m` in seconds; None when it is empty."""
    if not duration:
        return None
    return sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(duration))
