"""Bounds the time of unary calls. Streams end with their subject, or when their caller leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from etlplus.domain.errors import DeadlineExceeded
from etlplus.rpc.call import Call
from etlplus.rpc.config import LONGEST_DEADLINE
from etlplus.rpc.interceptors.interceptor import Interceptor


class Deadline(Interceptor):
    """Sets a deadline where the caller sets none, and caps the caller's."""

    def __init__(self, default: float) -> None:
        self._default = default

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Cancels the handler of a unary call when its time is over."""
        if call.response_streaming:
            yield
            return
        # None when the caller sets no deadline, whatever the declared type says.
        left: float | None = call.context.time_remaining()
        seconds = min(self._default if left is None else left, LONGEST_DEADLINE)
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                yield
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise DeadlineExceeded(
                f"the call took longer than {seconds:.3g} s",
                place=call.method,
                metadata={"seconds": f"{seconds:.3g}"},
            ) from error
