"""Asks whether the caller may do this. What no rule allows is denied."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from etlplus.domain.errors import PermissionDenied
from etlplus.rpc.access import Access, Rule
from etlplus.rpc.authenticator import Authenticator
from etlplus.rpc.call import Call, caller
from etlplus.rpc.interceptors.interceptor import Interceptor


class Authorisation(Interceptor):
    """Compares the method's `requires` with the principal's rights."""

    def __init__(self, access: Access, authenticator: Authenticator) -> None:
        self._access = access
        self._authenticator = authenticator

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Refuses the call unless a rule of the method's allows it."""
        match self._access.rule(call.method):
            case Rule.ANYONE:
                pass
            case Rule.AUTHENTICATED:
                caller()
            case Rule.PERMITTED:
                needs = self._access.permission(call.method)
                self._authenticator.authorize(caller(), needs.verb, needs.resource)
            case _:
                raise PermissionDenied("no rule allows this method", place=call.method)
        yield
