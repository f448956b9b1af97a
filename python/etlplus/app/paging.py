"""Pages of lists: sizes and opaque, signed tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from etlplus.app.ports import KeyStore
from etlplus.domain.errors import InvalidInput

Item = TypeVar("Item")

DEFAULT_SIZE: Final = 50
LARGEST_SIZE: Final = 1000
_VERSION: Final = b"\x01"
_HASH_BYTES: Final = 8
_MAC_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A page and the token of the next one; the token is empty on the last page."""

    items: tuple[Item, ...]
    next_token: str


def page_size(asked: int) -> int:
    """The size of a page: 50 when none is asked for, 1000 at most.

    Raises:
        InvalidInput: a negative size.
    """
    if asked < 0:
        raise InvalidInput("page_size must not be negative", place="page_size")
    return min(asked or DEFAULT_SIZE, LARGEST_SIZE)


class PageTokens:
    """Makes and reads tokens: version, hash of the list's arguments, last key, signature."""

    def __init__(self, keys: KeyStore) -> None:
        """The signing key is made at first use and shared by all replicas."""
        self._keys = keys
        self._key: bytes | None = None

    async def write(self, arguments: Mapping[str, str], last: Sequence[str]) -> str:
        """The token that continues this list after the item with the key `last`."""
        body = _VERSION + _digest(arguments) + json.dumps(list(last)).encode()
        signed = body + await self._sign(body)
        return base64.urlsafe_b64encode(signed).rstrip(b"=").decode()

    async def read(self, arguments: Mapping[str, str], token: str) -> list[str]:
        """The key after which the list continues.

        Raises:
            InvalidInput: PAGE_TOKEN_INVALID, when the token is not ours or the arguments changed.
        """
        try:
            signed = base64.b64decode(
                token + "=" * (-len(token) % 4), altchars=b"-_", validate=True
            )
        except ValueError:
            raise _refused("is not one of this service's") from None
        body, mac = signed[:-_MAC_BYTES], signed[-_MAC_BYTES:]
        if not hmac.compare_digest(mac, await self._sign(body)) or body[:1] != _VERSION:
            raise _refused("is not one of this service's")
        if body[1 : 1 + _HASH_BYTES] != _digest(arguments):
            raise _refused("belongs to a list with other arguments")
        last: list[str] = json.loads(body[1 + _HASH_BYTES :])
        return last

    async def _sign(self, body: bytes) -> bytes:
        if self._key is None:
            self._key = await self._keys.key("page_token")
        return hmac.digest(self._key, body, "sha256")[:_MAC_BYTES]


def _digest(arguments: Mapping[str, str]) -> bytes:
    text = json.dumps(sorted(arguments.items()))
    return hashlib.sha256(text.encode()).digest()[:_HASH_BYTES]


def _refused(reason: str) -> InvalidInput:
    return InvalidInput(
        f"The page token {reason}",
        code="PAGE_TOKEN_INVALID",
        place="page_token",
        hint="Start again without a page token and change no other argument between pages",
    )
