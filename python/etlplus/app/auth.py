"""Who calls, and what it may do: tokens of the form `etlp_<kind>_<id>_<secret and checksum>`.

The checksum tells a mistyped token from an unknown one without asking the store, and lets scanners
find leaked tokens. Only the SHA-256 of the secret is stored: it has 256 bits of its own, so that
stretching it would add nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from etlplus.app.ports import TokenStore
from etlplus.domain.errors import PermissionDenied, Unauthenticated
from etlplus.domain.names import DEFAULT_WORKSPACE
from etlplus.domain.principal import NewToken, Principal

#: The kind of the token that is made at first start; it may do everything.
ROOT: Final = "root"
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH: Final = 12
_SECRET_LENGTH: Final = 43  # 62 ** 43 > 2 ** 256
_CHECK_LENGTH: Final = 6  # 62 ** 6 > 2 ** 32
_FORM = re.compile(r"etlp_([a-z]{1,20})_([0-9A-Za-z]{12})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})")
_NO_HASH: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a caller may know of itself. `permissions` are as in `run pipeline`; `* *` is all."""

    principal: Principal
    workspaces: tuple[str, ...]
    permissions: tuple[str, ...]
    expire_time: datetime | None


class Auth:
    """Makes the first token, knows callers by their tokens, decides what they may do."""

    def __init__(self, tokens: TokenStore) -> None:
        """Keeps tokens, hashed, in the store."""
        self._tokens = tokens

    async def bootstrap(self) -> str | None:
        """The first token, when this call made it: to be shown once. None when there is one."""
        identifier = _random(_ID_LENGTH)
        secret = _random(_SECRET_LENGTH)
        token = NewToken(
            id=identifier,
            kind=ROOT,
            principal=ROOT,
            workspace=DEFAULT_WORKSPACE,
            secret_hash=_hash(secret),
        )
        made = await self._tokens.create_first(token)
        text = f"etlp_{ROOT}_{identifier}_{secret}"
        return text + _checksum(text) if made else None

    async def authenticate(self, token: str, /) -> Principal:
        """Who presents this token.

        Raises:
            Unauthenticated: TOKEN_INVALID; which part is wrong is not said.
        """
        form = _FORM.fullmatch(token)
        if form is None or not hmac.compare_digest(_checksum(token[:-_CHECK_LENGTH]), form[4]):
            raise _refused("is not a token of this service; was it cut while copying?")
        kind, identifier, secret, _ = form.groups()
        stored = await self._tokens.get(identifier)
        wanted = stored.secret_hash if stored else _NO_HASH
        same = hmac.compare_digest(_hash(secret), wanted)
        if stored is None or not same or stored.kind != kind or not stored.usable:
            raise _refused("is unknown, revoked or expired")
        return Principal(stored.principal, stored.kind, stored.workspace, stored.id)

    def authorize(self, principal: Principal, verb: str, resource: str, /) -> None:
        """Returns when the principal may do this.

        Raises:
            PermissionDenied: it may not; nothing is allowed that is not granted.
        """
        if principal.kind != ROOT:
            raise PermissionDenied(
                f"{principal.id!r} may not {verb} {resource}s",
                metadata={"principal": principal.id, "verb": verb, "resource": resource},
            )

    async def who_am_i(self, caller: Principal) -> Identity:
        """What the caller may know of itself."""
        token = await self._tokens.get(caller.token_id)
        granted = ("* *",) if caller.kind == ROOT else ()
        expires = token.expire_time if token else None
        return Identity(caller, (caller.workspace,), granted, expires)


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _checksum(text: str) -> str:
    value = zlib.crc32(text.encode())
    digits = []
    for _ in range(_CHECK_LENGTH):
        value, digit = divmod(value, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def _refused(reason: str) -> Unauthenticated:
    return Unauthenticated(
        f"The token {reason}",
        code="TOKEN_INVALID",
        hint="Log in again, or use the token that was shown at the first start",
    )
