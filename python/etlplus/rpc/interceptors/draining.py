"""Ends streams that have no end of their own when the server begins to stop."""

from __future__ import annotations

from collections.abc import Collection

from etlplus.rpc.access import HEALTH_METHODS, REFLECTION_METHODS
from etlplus.rpc.call import Call
from etlplus.rpc.drain import Drain
from etlplus.rpc.interceptors.interceptor import Interceptor, Responses

#: Streams that last as long as their subject or their caller. All others may end by themselves.
ENDLESS: Collection[str] = frozenset(
    {
        "/etlplus.v1.JobService/WatchJob",
        "/etlplus.v1.JobService/TailJobLog",
        *HEALTH_METHODS,
        *REFLECTION_METHODS,
    }
)


class Draining(Interceptor):
    """Lets watchers go at once, with the advice to try again, so that stopping need not wait."""

    def __init__(self, drain: Drain) -> None:
        self._drain = drain

    def responses(self, call: Call, stream: Responses) -> Responses:
        """Ends endless streams with Unavailable (DRAINING)."""
        return self._drain.until_begun(stream) if call.method in ENDLESS else stream
