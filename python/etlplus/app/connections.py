"""Use cases of connections."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from etlplus.app.access import enter
from etlplus.app.paging import Page, PageTokens, page_size
from etlplus.app.ports import Inspection, Stores
from etlplus.app.requests import once
from etlplus.domain import names
from etlplus.domain.connection import Connection, ConnectionCheck, ConnectionDraft, Table
from etlplus.domain.errors import AlreadyExists, InvalidInput, NotFound, WrongState
from etlplus.domain.principal import Principal
from etlplus.domain.request import RequestKey

_OPTIONS: Final = ("host", "port", "database", "user", "sslmode", "sslrootcert")
_NEEDED: Final = ("host", "database", "user")
_SSL_MODES: Final = ("disable", "prefer", "require", "verify-ca", "verify-full")
_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+")
_LARGEST_PORT: Final = 65535


class Connections:
    """Keeps, tests and discovers connections. Names are resource names."""

    def __init__(
        self,
        stores: Stores,
        inspection: Inspection,
        tokens: PageTokens,
        local: Mapping[str, str] | None,
    ) -> None:
        """`local`: options of the built-in connection; None when there is no warehouse."""
        self._stores = stores
        self._inspection = inspection
        self._tokens = tokens
        self._local = local

    async def create(
        self,
        caller: Principal,
        parent: str,
        connection_id: str,
        draft: ConnectionDraft,
        *,
        request_id: str = "",
        validate_only: bool = False,
    ) -> Connection:
        """Stores a connection; whether it leads anywhere is for `test` to find out.

        Raises:
            InvalidInput: NAME_INVALID, CONNECTION_OPTION_INVALID.
            AlreadyExists: CONNECTION_EXISTS.
        """
        workspace = enter(caller, names.parse_workspace(parent))
        name = names.check_id(connection_id, "connection")
        _check(draft)
        if name == names.LOCAL_CONNECTION:
            raise AlreadyExists(
                "The connection 'local' is built in",
                code="CONNECTION_EXISTS",
                hint="Choose another id",
                metadata={"name": name},
            )
        if validate_only:
            return _unsaved(workspace, name, draft)
        return await once(
            self._stores.requests,
            RequestKey(workspace, "CreateConnection", request_id),
            (name, draft.kind, dict(draft.options), draft.password),
            lambda: self._stores.connections.create(workspace, name, draft),
            write=lambda made: made.name,
            read=lambda answer: self._stores.connections.get(workspace, answer),
        )

    async def get(self, caller: Principal, name: str) -> Connection:
        """The connection. Raises NotFound (CONNECTION_NOT_FOUND)."""
        workspace, connection = names.parse_connection(name)
        return await self._find(enter(caller, workspace), connection)

    async def list(
        self, caller: Principal, parent: str, *, size: int = 0, page_token: str = ""
    ) -> Page[Connection]:
        """Connections by name, the built-in one among them. Raises InvalidInput."""
        workspace = enter(caller, names.parse_workspace(parent))
        limit = page_size(size)
        arguments = {"list": "connections", "workspace": workspace}
        after = (await self._tokens.read(arguments, page_token))[0] if page_token else ""
        stored = await self._stores.connections.list(workspace, after=after, limit=limit + 1)
        found = list(stored)
        if self._local is not None and after < names.LOCAL_CONNECTION:
            found.append(built_in_connection(workspace, self._local))
            found.sort(key=lambda each: each.name)
        if len(found) <= limit:
            return Page(tuple(found), "")
        token = await self._tokens.write(arguments, [found[limit - 1].name])
        return Page(tuple(found[:limit]), token)

    async def update(
        self,
        caller: Principal,
        name: str,
        draft: ConnectionDraft,
        *,
        etag: str = "",
        request_id: str = "",
        validate_only: bool = False,
    ) -> Connection:
        """Replaces a connection; runs that have begun keep the old one.

        Raises:
            InvalidInput: CONNECTION_OPTION_INVALID.
            NotFound: CONNECTION_NOT_FOUND.
            WrongState: CONNECTION_BUILT_IN.
            EtagMismatch: it has changed since `etag`.
        """
        workspace, connection = names.parse_connection(name)
        _changeable(enter(caller, workspace), connection)
        _check(draft)
        if validate_only:
            now = await self._stores.connections.get(workspace, connection)
            return replace(now, kind=draft.kind, options=draft.options, password=draft.password)
        return await once(
            self._stores.requests,
            RequestKey(workspace, "UpdateConnection", request_id),
            (connection, draft.kind, dict(draft.options), draft.password, etag),
            lambda: self._stores.connections.update(workspace, connection, draft, etag=etag),
            write=lambda made: made.name,
            read=lambda answer: self._stores.connections.get(workspace, answer),
        )

    async def delete(
        self,
        caller: Principal,
        name: str,
        *,
        etag: str = "",
        request_id: str = "",
        validate_only: bool = False,
    ) -> None:
        """Takes a connection away. Raises as `update`."""
        workspace, connection = names.parse_connection(name)
        _changeable(enter(caller, workspace), connection)
        if validate_only:
            await self._stores.connections.get(workspace, connection)
            return

        async def remove() -> str:
            await self._stores.connections.delete(workspace, connection, etag=etag)
            return connection

        await once(
            self._stores.requests,
            RequestKey(workspace, "DeleteConnection", request_id),
            (connection, etag),
            remove,
            write=str,
            read=_unchanged,
        )

    async def test(self, caller: Principal, name: str) -> ConnectionCheck:
        """Connects and asks who answers. Raises NotFound, RunError (CONNECTION_FAILED)."""
        return await self._inspection.test(await self.get(caller, name))

    async def discover(self, caller: Principal, name: str, *, schema: str = "") -> Sequence[Table]:
        """Tables and views, of one schema or all. Raises as `test`."""
        found = await self._inspection.discover(await self.get(caller, name))
        return [table for table in found if schema in ("", table.schema)]

    async def _find(self, workspace: str, name: str) -> Connection:
        if name != names.LOCAL_CONNECTION:
            return await self._stores.connections.get(workspace, name)
        if self._local is None:
            raise NotFound(
                "There is no built-in connection, since the service has no warehouse",
                code="CONNECTION_NOT_FOUND",
                metadata={"name": name},
            )
        return built_in_connection(workspace, self._local)


def built_in_connection(workspace: str, options: Mapping[str, str]) -> Connection:
    """The connection `local` as a stored one would be, without a password."""
    beginning = datetime.fromtimestamp(0, UTC)
    return Connection(
        workspace=workspace,
        name=names.LOCAL_CONNECTION,
        kind="postgres",
        options={name: value for name, value in options.items() if name != "password"},
        password="",
        etag="",
        create_time=beginning,
        update_time=beginning,
    )


def _changeable(workspace: str, name: str) -> None:
    if name == names.LOCAL_CONNECTION:
        raise WrongState(
            "The connection 'local' is built in",
            code="CONNECTION_BUILT_IN",
            place=names.connection_name(workspace, name),
            hint="Create a connection of your own",
            metadata={"name": name},
        )


def _check(draft: ConnectionDraft) -> None:
    if draft.kind != "postgres":
        raise _wrong("kind", f"There is no kind of connection {draft.kind!r}", "Use `postgres`")
    for option, value in draft.options.items():
        if option == "password":
            hint = "Give it as `password`, a reference: env:NAME or file:PATH"
            raise _wrong("options.password", "A password is not stored as an option", hint)
        if option not in _OPTIONS:
            hint = f"The options are {', '.join(_OPTIONS)}"
            raise _wrong(f"options.{option}", f"There is no option {option!r}", hint)
        if "\0" in value or "\n" in value:
            raise _wrong(f"options.{option}", f"{option} holds a character that is not allowed")
    for option in _NEEDED:
        if not draft.options.get(option):
            raise _wrong(f"options.{option}", f"{option} is missing")
    _check_values(draft)


def _check_values(draft: ConnectionDraft) -> None:
    port = draft.options.get("port", "5432")
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) <= _LARGEST_PORT:
        raise _wrong("options.port", f"{port!r} is not a port", "A port is from 1 to 65535")
    mode = draft.options.get("sslmode", "prefer")
    if mode not in _SSL_MODES:
        raise _wrong("options.sslmode", f"{mode!r} is no mode", f"Use {', '.join(_SSL_MODES)}")
    if draft.password and not _REFERENCE.fullmatch(draft.password):
        hint = "Write env:NAME or file:PATH; the value itself is never stored"
        raise _wrong("password", "The password is not a reference", hint)


def _wrong(place: str, message: str, hint: str | None = None) -> InvalidInput:
    return InvalidInput(message, code="CONNECTION_OPTION_INVALID", place=place, hint=hint)


async def _unchanged(answer: str) -> str:
    return answer


def _unsaved(workspace: str, name: str, draft: ConnectionDraft) -> Connection:
    now = datetime.now(UTC)
    return Connection(
        workspace=workspace,
        name=name,
        kind=draft.kind,
        options=draft.options,
        password=draft.password,
        etag="",
        create_time=now,
        update_time=now,
    )
