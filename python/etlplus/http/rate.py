"""How many requests one address may make."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_MOST_ADDRESSES: Final = 10_000
_MINUTE: Final = 60.0
_SITE_BITS: Final = 64


class Rate:
    """A bucket for each address: it holds a minute's requests and fills evenly.

    Addresses that were not heard of for longest are forgotten when there are too many: a forgotten
    one starts anew, so memory is bounded and nobody is locked out by others.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Starts with full buckets. `clock` is in seconds."""
        self._most = float(per_minute)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """Takes one request from an address's bucket: 0, or the seconds until there is one."""
        now = self._clock()
        key = _site(address)
        left, since = self._buckets.pop(key, (self._most, now))
        left = min(self._most, left + (now - since) * self._most / _MINUTE)
        allowed = left >= 1
        self._buckets[key] = (left - 1 if allowed else left, now)
        if len(self._buckets) > _MOST_ADDRESSES:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) * _MINUTE / self._most


def _site(address: str) -> str:
    """What is counted together: an IPv4 address, or the network of an IPv6 one."""
    try:
        read = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if read.version == 4:  # noqa: PLR2004 the protocol's name
        return str(read)
    return str(ipaddress.ip_network((read, _SITE_BITS), strict=False))
