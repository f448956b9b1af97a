"""Requests that may arrive twice and must count once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

from etlplus.app.ports import RequestStore
from etlplus.domain.request import RequestKey

Answer = TypeVar("Answer")


async def once(
    requests: RequestStore,
    key: RequestKey,
    body: tuple[object, ...],
    make: Callable[[], Awaitable[Answer]],
    *,
    write: Callable[[Answer], str],
    read: Callable[[str], Awaitable[Answer]],
) -> Answer:
    """What `make` answers, or answered when the request came before within 24 hours.

    Args:
        requests: where answers are kept.
        key: identifies the request; with an empty id it is simply made.
        body: everything that makes it the same request; made of JSON values.
        make: does it, in one transaction with the keeping of its answer.
        write: the answer's key, as text.
        read: the answer by its key.

    Raises:
        InvalidInput: REQUEST_ID_REUSED, when the id came before with another body.
    """
    if not key.id:
        return await make()
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest()
    async with requests.once(key, digest) as known:
        if known.answer is not None:
            return await read(known.answer.decode())
        answer = await make()
        known.answer = write(answer).encode()
        return answer
