"""Reads the body of a request, which may be too long or never end."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request

from etlplus.domain.errors import Cancelled, DeadlineExceeded, LimitExceeded

#: So many times the limit is read and thrown away of a body that is too large: a sender that is cut
#: off while it sends does not see the answer.
_DRAINED: Final = 4


async def read_body(request: Request, *, largest: int, seconds: float) -> bytes:
    """The whole body, of at most `largest` bytes.

    Raises:
        LimitExceeded: BODY_TOO_LARGE, when it says so itself or turns out to be.
        DeadlineExceeded: BODY_TOO_SLOW, when it is not there after `seconds`.
        Cancelled: the sender has gone.
    """
    if _declared(request) > largest and "expect" in request.headers:
        raise _too_large(largest)  # it waits to be asked for the body
    read = bytearray()
    length = 0
    try:
        async with asyncio.timeout(seconds):
            async for piece in request.stream():
                length += len(piece)
                if length <= largest:
                    read += piece
                elif length > _DRAINED * largest:
                    break
    except TimeoutError:
        raise DeadlineExceeded(
            f"The body did not arrive within {seconds:g} s",
            code="BODY_TOO_SLOW",
            hint="Send it again, at once",
        ) from None
    except ClientDisconnect:
        raise Cancelled("the sender has gone") from None
    if length > largest:
        raise _too_large(largest)
    return bytes(read)


def _declared(request: Request) -> int:
    """The length that the body is said to have; 0 when nothing is said."""
    declared = request.headers.get("content-length", "")
    return int(declared[:20]) if declared.isdigit() else 0


def _too_large(largest: int) -> LimitExceeded:
    return LimitExceeded(
        f"The body is larger than {largest} bytes",
        code="BODY_TOO_LARGE",
        hint="Send what is large as a file or table that the pipeline reads",
        metadata={"limit": str(largest)},
    )
