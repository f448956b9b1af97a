"""Tokens and rights."""

from __future__ import annotations

import pytest

from etlplus.domain.errors import PermissionDenied, Unauthenticated
from etlplus.domain.principal import NewToken, Principal
from tests.unit.app.service import Service


async def test_the_first_token_is_made_once_and_works(service: Service) -> None:
    token = await service.auth.bootstrap()
    assert token is not None
    assert await service.auth.bootstrap() is None
    caller = await service.auth.authenticate(token)
    assert (caller.id, caller.kind, caller.workspace) == ("root", "root", "default")
    assert token.split("_")[2] == caller.token_id


async def test_the_secret_is_not_stored(service: Service) -> None:
    token = await service.auth.bootstrap()
    assert token is not None
    _, _, identifier, secret = token.split("_")
    stored = await service.stores.tokens.get(identifier)
    assert stored is not None
    assert len(stored.secret_hash) == 32
    assert secret.encode() not in stored.secret_hash


async def test_wrong_tokens_are_refused_alike(service: Service) -> None:
    token = await service.auth.bootstrap()
    assert token is not None
    for wrong in (
        "",
        "Bearer",
        token[:-1],
        token[:-1] + ("0" if token[-1] != "0" else "1"),
        token.replace("root", "user"),
        token + "\n",
        "etlp_root_" + "0" * 62,
    ):
        with pytest.raises(Unauthenticated) as caught:
            await service.auth.authenticate(wrong)
        assert caught.value.code == "TOKEN_INVALID"
        assert wrong not in str(caught.value) or not wrong


async def test_a_token_of_another_service_is_unknown(service: Service, other: Service) -> None:
    await service.auth.bootstrap()
    foreign = await other.auth.bootstrap()
    assert foreign is not None
    with pytest.raises(Unauthenticated, match="unknown, revoked or expired"):
        await service.auth.authenticate(foreign)


async def test_a_known_id_with_another_secret_is_refused(service: Service, other: Service) -> None:
    foreign = await other.auth.bootstrap()
    assert foreign is not None
    identifier = foreign.split("_")[2]
    await service.stores.tokens.create(
        NewToken(identifier, "root", "root", "default", secret_hash=bytes(32))
    )
    with pytest.raises(Unauthenticated):
        await service.auth.authenticate(foreign)


def test_the_root_may_do_everything_and_nobody_else_anything(service: Service) -> None:
    service.auth.authorize(Principal("root", "root", "default", "t"), "delete", "pipeline")
    with pytest.raises(PermissionDenied) as caught:
        service.auth.authorize(Principal("eve", "user", "default", "t"), "get", "pipeline")
    assert caught.value.metadata == {"principal": "eve", "verb": "get", "resource": "pipeline"}


async def test_callers_may_know_themselves(service: Service) -> None:
    token = await service.auth.bootstrap()
    assert token is not None
    caller = await service.auth.authenticate(token)
    found = await service.auth.who_am_i(caller)
    assert (found.principal, found.workspaces, found.permissions) == (
        caller,
        ("default",),
        ("* *",),
    )
    assert found.expire_time is None
