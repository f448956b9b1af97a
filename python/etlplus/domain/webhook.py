"""Signed requests that start runs, in the form of the Standard Webhooks specification.

A sender signs `ID.TIMESTAMP.BODY` by HMAC-SHA-256 and sends the three headers `webhook-id`,
`webhook-timestamp` (seconds since 1970) and `webhook-signature`: `v1,` and the signature in base64,
several of them with a space between, one for each secret that it has.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from etlplus.domain.errors import Unauthenticated

#: How far a sender's clock may be off, either way; older requests could be replayed ones.
TOLERANCE: Final = timedelta(minutes=5)
PREFIX: Final = "whsec_"
#: A shorter key could be guessed from one signature.
SHORTEST_KEY: Final = 16
_ID: Final = re.compile(r"[!-~]{1,255}")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_VERSION: Final = "v1,"
_MOST_SIGNATURES: Final = 16


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request as it arrived.

    Attributes:
        id: `webhook-id`; a repeated delivery has that of the first.
        timestamp: `webhook-timestamp`.
        signatures: `webhook-signature`.
        body: may be empty.
    """

    id: str
    timestamp: str
    signatures: str = field(repr=False)
    body: bytes = field(repr=False)


def webhook_path(pipeline: str) -> str:
    """The path that a pipeline's senders post to."""
    return f"/v1/hooks/{pipeline}"


def key_of(secret: str) -> bytes:
    """The key in a secret, as `whsec_` and base64; the prefix may be left out.

    Raises:
        ValueError: it is not base64, or shorter than `SHORTEST_KEY` bytes.
    """
    try:
        key = base64.b64decode(secret.strip().removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("it is not `whsec_` and base64") from error
    if len(key) < SHORTEST_KEY:
        raise ValueError(f"its key has fewer than {SHORTEST_KEY} bytes")
    return key


def sign(key: bytes, delivery_id: str, timestamp: str, body: bytes) -> str:
    """A signature as it stands in the header."""
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return _VERSION + base64.b64encode(digest).decode()


def is_signed(delivery: Delivery, keys: Sequence[bytes], now: float) -> bool:
    """Whether one of its signatures was made with one of the keys, not long before or after `now`.

    It takes the same time wherever a signature differs. `now` is in seconds since 1970.
    """
    if not _ID.fullmatch(delivery.id) or not _TIMESTAMP.fullmatch(delivery.timestamp):
        return False
    if abs(now - int(delivery.timestamp)) > TOLERANCE.total_seconds():
        return False
    given = [
        one.encode("utf-8", "replace")
        for one in delivery.signatures.split(" ", _MOST_SIGNATURES)[:_MOST_SIGNATURES]
    ]
    good = False
    for key in keys:
        wanted = sign(key, delivery.id, delivery.timestamp, delivery.body).encode()
        for one in given:
            good |= hmac.compare_digest(one, wanted)
    return good


def refused() -> Unauthenticated:
    """The one answer to all that may not know more: which pipelines there are, what did not fit."""
    return Unauthenticated(
        "There is no such webhook, or the request is not signed as it should be",
        code="WEBHOOK_REFUSED",
        hint="Check the path, the secret, the three `webhook-` headers and the sender's clock",
    )
