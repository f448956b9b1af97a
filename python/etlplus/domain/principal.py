"""Who calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    Attributes:
        id: stable, as in `root`; recorded as author.
        kind: `root` for the bootstrap token.
        workspace: the workspace it acts in.
        token_id: the public part of the token it came with.
    """

    id: str
    kind: str
    workspace: str
    token_id: str


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token to be stored. `secret_hash` is SHA-256 of the secret part, 32 bytes."""

    id: str
    kind: str
    principal: str
    workspace: str
    secret_hash: bytes
    expire_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A stored token. `usable`: neither revoked nor expired, by the database's clock."""

    id: str
    kind: str
    principal: str
    workspace: str
    secret_hash: bytes
    create_time: datetime
    expire_time: datetime | None
    revoke_time: datetime | None
    usable: bool
