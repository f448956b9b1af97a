"""What the edge needs to know callers and their rights."""

from __future__ import annotations

from typing import Protocol

from etlplus.domain.principal import Principal


class Authenticator(Protocol):
    """Knows tokens and rights."""

    async def authenticate(self, token: str, /) -> Principal:
        """Who presents this token. Raises Unauthenticated (TOKEN_INVALID)."""
        ...

    def authorize(self, principal: Principal, verb: str, resource: str, /) -> None:
        """Returns when the principal may do this. Raises PermissionDenied."""
        ...
