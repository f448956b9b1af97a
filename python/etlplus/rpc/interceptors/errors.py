"""Turns what handlers and inner interceptors raise into statuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from etlplus.domain.errors import Bug, EtlError
from etlplus.rpc.call import Call, request_id
from etlplus.rpc.interceptors.identification import REQUEST_ID
from etlplus.rpc.interceptors.interceptor import Interceptor
from etlplus.rpc.status import DETAILS_KEY, code_of, to_status

_logger: Final = structlog.stdlib.get_logger(__name__)


class Errors(Interceptor):
    """Answers every error with a `google.rpc.Status`, and logs it once.

    A cancelled call passes untouched: swallowing the cancellation would leak it.
    """

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Ends the call with the status of what was raised."""
        try:
            yield
        except Bug as error:
            _logger.exception("a call met a fault of the service", code=error.code)
            await _abort(call, _closed(error.code))
        except EtlError as error:
            _logger.info(
                "a call was refused", code=error.code, place=error.place, reason=error.message
            )
            await _abort(call, error)
        except Exception:
            _logger.exception("a call met a fault of the service", code=Bug.default)
            await _abort(call, _closed(Bug.default))


def _closed(code: str) -> Bug:
    """What a caller is told of a fault: its code, and where to look."""
    return Bug(
        "a fault of the service; its log has the details under this request id",
        code=code,
        metadata={"request_id": request_id()},
    )


async def _abort(call: Call, error: EtlError) -> None:
    status = to_status(error)
    await call.context.abort(
        code_of(error),
        status.message,
        ((DETAILS_KEY, status.SerializeToString()), (REQUEST_ID, request_id())),
    )
