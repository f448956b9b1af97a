"""Serves `etlplus.v1.AuthService`."""

from __future__ import annotations

from etlplus.app.auth import Auth
from etlplus.domain import names
from etlplus.rpc.call import Context, caller
from etlplus.rpc.convert.times import to_timestamp
from etlplus.v1 import auth_pb2


class AuthServicer:
    """Translates; the use cases decide."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    async def WhoAmI(  # noqa: N802, D102 the contract's
        self, _request: auth_pb2.WhoAmIRequest, _context: Context
    ) -> auth_pb2.WhoAmIResponse:
        identity = await self._auth.who_am_i(caller())
        return auth_pb2.WhoAmIResponse(
            principal=identity.principal.id,
            credential=identity.principal.kind,
            token_id=identity.principal.token_id,
            workspaces=[names.workspace_name(each) for each in identity.workspaces],
            permissions=identity.permissions,
            expire_time=to_timestamp(identity.expire_time),
        )
