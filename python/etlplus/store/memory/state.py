"""What the twins share: the tables, the clock, the hub, and transactions that can be taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from etlplus.domain.connection import Connection
from etlplus.domain.events import JobEvent, NumberedLine
from etlplus.domain.fileload import FileLoad
from etlplus.domain.job import Job
from etlplus.domain.pipeline import Pipeline, PipelineVersion
from etlplus.domain.principal import Token
from etlplus.domain.request import RequestKey
from etlplus.domain.schedule import ScheduleState
from etlplus.domain.trigger import Success, TriggerState
from etlplus.store.hub import Hub

Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Claimed:
    """Who runs a job and until when that holds without a heartbeat."""

    worker: UUID
    until: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """A request that came with an id, and its answer."""

    body_hash: bytes
    answer: bytes
    time: datetime


@dataclass(frozen=True, slots=True)
class Arrival:
    """A success that another pipeline waits for, and the job that it started."""

    success: Success
    job: UUID | None = None


@dataclass(slots=True)
class Tables:
    """All rows, by key."""

    pipelines: dict[Name, Pipeline] = field(default_factory=dict)
    deleted: set[Name] = field(default_factory=set)
    versions: dict[tuple[str, str, int], PipelineVersion] = field(default_factory=dict)
    connections: dict[Name, Connection] = field(default_factory=dict)
    jobs: dict[UUID, Job] = field(default_factory=dict)
    claims: dict[UUID, Claimed] = field(default_factory=dict)
    events: dict[UUID, list[JobEvent]] = field(default_factory=dict)
    lines: dict[UUID, list[NumberedLine]] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    requests: dict[RequestKey, Answered] = field(default_factory=dict)
    loads: dict[tuple[str, str], FileLoad] = field(default_factory=dict)
    keys: dict[str, bytes] = field(default_factory=dict)
    schedules: dict[Name, ScheduleState] = field(default_factory=dict)
    fires: dict[tuple[str, str, datetime], UUID] = field(default_factory=dict)
    triggers: dict[Name, TriggerState] = field(default_factory=dict)
    arrivals: dict[tuple[str, str, UUID], Arrival] = field(default_factory=dict)
    epoch: int = 0

    def copy(self) -> Tables:
        """The rows as they are now; rows themselves never change."""
        return Tables(
            pipelines=dict(self.pipelines),
            deleted=set(self.deleted),
            versions=dict(self.versions),
            connections=dict(self.connections),
            jobs=dict(self.jobs),
            claims=dict(self.claims),
            events={job: list(events) for job, events in self.events.items()},
            lines={job: list(lines) for job, lines in self.lines.items()},
            tokens=dict(self.tokens),
            requests=dict(self.requests),
            loads=dict(self.loads),
            keys=dict(self.keys),
            schedules=dict(self.schedules),
            fires=dict(self.fires),
            triggers=dict(self.triggers),
            arrivals=dict(self.arrivals),
            epoch=self.epoch,
        )


class Memory:
    """The twins' database. No method of a twin awaits inside, so each is atomic."""

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        """Empty. `clock` gives the time, with a zone; the machine's when it is absent."""
        self._clock = clock or _machine_clock
        self.tables = Tables()
        self.hub = Hub()
        self._lock = asyncio.Lock()
        self._joined: ContextVar[bool] = ContextVar("memory_transaction", default=False)
        self._last = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        """The time, later with every call, so that the order of making is the order of times."""
        self._last = max(self._clock(), self._last + datetime.resolution)
        return self._last

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Takes back what the block did if it raises. One block at a time; a nested one joins."""
        if self._joined.get():
            yield
            return
        async with self._lock:
            before = self.tables.copy()
            token = self._joined.set(True)
            try:
                yield
            except BaseException:
                self.tables = before
                raise
            finally:
                self._joined.reset(token)


def _machine_clock() -> datetime:
    return datetime.now(UTC)
