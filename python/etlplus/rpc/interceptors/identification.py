"""Gives each call an id that its log lines, its errors and its answer carry."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from etlplus.rpc.call import Call, set_request_id
from etlplus.rpc.interceptors.interceptor import Interceptor

REQUEST_ID: Final = "x-request-id"
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class Identification(Interceptor):
    """Takes the caller's `x-request-id` and `traceparent` when they are well formed."""

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Binds the ids to the log and sends the request id back in the trailing metadata."""
        given = [value for value in call.values(REQUEST_ID) if _ACCEPTED.fullmatch(value)]
        identity = given[0] if given else uuid.uuid4().hex
        traces = [found[1] for v in call.values("traceparent") if (found := _TRACE.fullmatch(v))]
        bound = {"request_id": identity, "method": call.method}
        if traces:
            bound["trace_id"] = traces[0]
        set_request_id(identity)
        structlog.contextvars.bind_contextvars(**bound)
        call.context.set_trailing_metadata(((REQUEST_ID, identity),))
        try:
            yield
        finally:
            set_request_id("")
            structlog.contextvars.clear_contextvars()
