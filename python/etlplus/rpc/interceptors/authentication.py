"""Finds out who calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from etlplus.domain.errors import Unauthenticated
from etlplus.rpc.access import Access, Rule
from etlplus.rpc.authenticator import Authenticator
from etlplus.rpc.call import Call, set_caller
from etlplus.rpc.interceptors.interceptor import Interceptor

_SCHEME = "bearer"


class Authentication(Interceptor):
    """Reads `authorization: Bearer TOKEN` and sets the principal for the handler."""

    def __init__(self, access: Access, authenticator: Authenticator) -> None:
        self._access = access
        self._authenticator = authenticator

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Refuses calls without a good token, but for the methods that the table exempts."""
        if self._access.rule(call.method) is Rule.ANYONE:
            yield
            return
        principal = await self._authenticator.authenticate(_token(call))
        set_caller(principal)
        structlog.contextvars.bind_contextvars(principal=principal.id)
        try:
            yield
        finally:
            set_caller(None)


def _token(call: Call) -> str:
    hint = "Send the metadata `authorization: Bearer TOKEN`"
    given = call.values("authorization")
    if not given:
        raise Unauthenticated("the call carries no token", code="TOKEN_MISSING", hint=hint)
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != _SCHEME or not token.strip():
        raise Unauthenticated("the authorization is not one bearer token", hint=hint)
    return token.strip()
