"""Tokens, answered requests, the ledger of files and the service's keys in memory."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from etlplus.domain.errors import AlreadyExists
from etlplus.domain.fileload import FileLoad
from etlplus.domain.job import JobState, Lease
from etlplus.domain.principal import NewToken, Token
from etlplus.domain.request import Once, RequestKey
from etlplus.store.bounds import KEY_BYTES, LIFETIME
from etlplus.store.memory.state import Answered, Memory
from etlplus.store.refusals import lease_lost, no_load, request_id_reused


class MemoryTokens:
    """TokenStore in memory."""

    def __init__(self, memory: Memory) -> None:
        """Keeps its rows in a memory."""
        self._memory = memory

    async def create(self, token: NewToken) -> Token:
        """As `PostgresTokens.create`."""
        if token.id in self._memory.tables.tokens:
            raise AlreadyExists(f"There is a token {token.id!r} already.")
        made = Token(
            id=token.id,
            kind=token.kind,
            principal=token.principal,
            workspace=token.workspace,
            secret_hash=token.secret_hash,
            create_time=self._memory.now(),
            expire_time=token.expire_time,
            revoke_time=None,
            usable=True,
        )
        self._memory.tables.tokens[token.id] = made
        return self._judged(made)

    async def create_first(self, token: NewToken) -> bool:
        """As `PostgresTokens.create_first`."""
        if self._memory.tables.tokens:
            return False
        await self.create(token)
        return True

    async def get(self, id_: str, /) -> Token | None:
        """As `PostgresTokens.get`."""
        found = self._memory.tables.tokens.get(id_)
        return None if found is None else self._judged(found)

    async def revoke(self, id_: str, /) -> bool:
        """As `PostgresTokens.revoke`."""
        found = self._memory.tables.tokens.get(id_)
        if found is None or found.revoke_time is not None:
            return False
        self._memory.tables.tokens[id_] = replace(found, revoke_time=self._memory.now())
        return True

    def _judged(self, token: Token) -> Token:
        expired = token.expire_time is not None and token.expire_time <= self._memory.now()
        return replace(token, usable=token.revoke_time is None and not expired)


class MemoryRequests:
    """RequestStore in memory."""

    def __init__(self, memory: Memory) -> None:
        """Keeps its rows in a memory."""
        self._memory = memory

    @asynccontextmanager
    async def once(self, key: RequestKey, body_hash: bytes) -> AsyncIterator[Once]:
        """As `PostgresRequests.once`."""
        async with self._memory.transaction():
            earlier = self._memory.tables.requests.get(key)
            if earlier is not None and self._memory.now() - earlier.time <= LIFETIME:
                if earlier.body_hash != body_hash:
                    raise request_id_reused(key.id)
                yield Once(earlier.answer)
                return
            once = Once()
            yield once
            if once.answer is not None:
                answered = Answered(body_hash, once.answer, self._memory.now())
                self._memory.tables.requests[key] = answered


class MemoryLoads:
    """LoadStore in memory."""

    def __init__(self, memory: Memory) -> None:
        """Keeps its rows in a memory."""
        self._memory = memory

    async def get(self, load_id: str, sink: str) -> FileLoad | None:
        """As `PostgresLoads.get`."""
        return self._memory.tables.loads.get((load_id, sink))

    async def record(self, lease: Lease, load: FileLoad) -> FileLoad:
        """As `PostgresLoads.record`."""
        earlier = self._memory.tables.loads.get((load.load_id, load.sink))
        if earlier is not None:
            return earlier
        job = self._memory.tables.jobs.get(lease.job)
        if job is None or job.state is not JobState.RUNNING or job.epoch != lease.epoch:
            raise lease_lost(lease)
        made = replace(load, create_time=self._memory.now())
        self._memory.tables.loads[load.load_id, load.sink] = made
        return made

    async def standing(self, load: FileLoad) -> Sequence[FileLoad]:
        """As `PostgresLoads.standing`."""
        since = _age(load)
        found = [
            each
            for each in self._memory.tables.loads.values()
            if each.target == load.target and each.rolled_back_time is None and _age(each) >= since
        ]
        return sorted(found, key=_order, reverse=True)

    async def roll_back(self, load: FileLoad, *, cause: str, author: str, reason: str) -> FileLoad:
        """As `PostgresLoads.roll_back`."""
        key = (load.load_id, load.sink)
        found = self._memory.tables.loads.get(key)
        if found is None:
            raise no_load(load)
        if found.rolled_back_time is None:
            found = replace(
                found,
                rolled_back_time=self._memory.now(),
                rolled_back_author=author,
                rolled_back_for=cause,
                rollback_reason=reason,
            )
            self._memory.tables.loads[key] = found
        return found

    async def rolled_back_for(self, load_id: str) -> Sequence[FileLoad]:
        """As `PostgresLoads.rolled_back_for`."""
        loads = self._memory.tables.loads.values()
        found = [each for each in loads if each.rolled_back_for == load_id]
        return sorted(found, key=_order, reverse=True)


def _age(load: FileLoad) -> datetime:
    return load.create_time or datetime.min.replace(tzinfo=UTC)


def _order(load: FileLoad) -> tuple[datetime, str, str]:
    return (_age(load), load.load_id, load.sink)


class MemoryKeys:
    """KeyStore in memory."""

    def __init__(self, memory: Memory) -> None:
        """Keeps its rows in a memory."""
        self._memory = memory

    async def key(self, name: str) -> bytes:
        """As `PostgresKeys.key`."""
        return self._memory.tables.keys.setdefault(name, os.urandom(KEY_BYTES))
