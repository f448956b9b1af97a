"""Keeps room for calls: streams that follow a job may last for days, and be many."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from etlplus.domain.errors import LimitExceeded
from etlplus.rpc.call import Call
from etlplus.rpc.interceptors.interceptor import Interceptor

#: Streams that last as long as a job.
WATCHES: Collection[str] = frozenset(
    {"/etlplus.v1.JobService/WatchJob", "/etlplus.v1.JobService/TailJobLog"}
)


class Room(Interceptor):
    """Counts watches. The server takes more calls than these, so that others are answered."""

    def __init__(self, most: int) -> None:
        """Lets `most` watches be open at once."""
        self._most = most
        self._open = 0

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Refuses a watch too many with LimitExceeded (TOO_MANY_WATCHES)."""
        if call.method not in WATCHES:
            yield
            return
        if self._open >= self._most:
            raise LimitExceeded(
                f"{self._most} watches are open, and the server allows no more",
                code="TOO_MANY_WATCHES",
                place=call.method,
                hint="End watches that nobody reads, or ask with GetJob now and then",
                metadata={"most": str(self._most)},
            )
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
