"""What the twins share: the tables, the clock, the hub, and transactions that can be taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from etlplus.domain.arrival import FileContent, WatchState
from etlplus.domain.connection import Connection
from etlplus.domain.events import JobEvent, NumberedLine
from etlplus.domain.fileload import FileLoad
from etlplus.domain.job import Job
from etlplus.domain.pipeline import Pipeline, PipelineVersion
from etlplus.domain.principal import Token
from etlplus.domain.queueing import Queueing
from etlplus.domain.request import RequestKey
from etlplus.domain.schedule import ScheduleState
from etlplus.domain.trigger import Success, TriggerState
from etlplus.domain.window import Position, SourceWindow
from etlplus.store.hub import Hub

Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Claimed:
    """Who runs a job and until when that holds without a heartbeat."""

    worker: UUID
    until: datetime


@dataclass(frozen=True, slots=True)
class Lane:
    """Runs that share a limit: which are running, and when the last ones started."""

    limits: Queueing
    running: tuple[UUID, ...] = ()
    started: tuple[datetime, ...] = ()

    def lately(self, now: datetime) -> tuple[datetime, ...]:
        """When those started that count."""
        per = self.limits.starts_per
        return () if per is None else tuple(time for time in self.started if time > now - per)

    def room(self, now: datetime) -> int:
        """How many more may start."""
        rooms = []
        if self.limits.most_running is not None:
            rooms.append(self.limits.most_running - len(self.running))
        if self.limits.most_starts is not None:
            rooms.append(self.limits.most_starts - len(self.lately(now)))
        return max(0, min(rooms))

    def is_idle(self, now: datetime) -> bool:
        """Whether nothing of it counts any more."""
        quiet = max(timedelta(days=1), self.limits.starts_per or timedelta(0))
        return all(time < now - quiet for time in self.started)


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


@dataclass(frozen=True, slots=True)
class KeptWindow:
    """A window of a job, with what only the store needs to know of it."""

    workspace: str
    pipeline: str
    number: int
    load: UUID
    base: int
    told: SourceWindow
    begun: bool = False

    def in_state(self, state: str) -> KeptWindow:
        """The same in another state."""
        return replace(self, told=replace(self.told, state=state))


@dataclass(frozen=True, slots=True)
class ArrivedFile:
    """A content that has started a job."""

    file: FileContent
    job: UUID
    time: datetime


@dataclass(slots=True)
class Tables:
    """All rows, by key."""

    pipelines: dict[Name, Pipeline] = field(default_factory=dict)
    deleted: set[Name] = field(default_factory=set)
    versions: dict[tuple[str, str, int], PipelineVersion] = field(default_factory=dict)
    connections: dict[Name, Connection] = field(default_factory=dict)
    jobs: dict[UUID, Job] = field(default_factory=dict)
    claims: dict[UUID, Claimed] = field(default_factory=dict)
    loaded_files: dict[tuple[str, str, str, str], int] = field(default_factory=dict)
    queueing: dict[UUID, Queueing] = field(default_factory=dict)
    lanes: dict[str, Lane] = field(default_factory=dict)
    asleep: set[UUID] = field(default_factory=set)
    workers: dict[UUID, tuple[frozenset[str], datetime]] = field(default_factory=dict)
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
    windows: dict[tuple[UUID, str], KeptWindow] = field(default_factory=dict)
    positions: dict[tuple[str, str, str], Position] = field(default_factory=dict)
    files: dict[tuple[str, str, str, str], ArrivedFile] = field(default_factory=dict)
    looks: dict[Name, WatchState] = field(default_factory=dict)
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
            queueing=dict(self.queueing),
            lanes=dict(self.lanes),
            asleep=set(self.asleep),
            workers=dict(self.workers),
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
            windows=dict(self.windows),
            positions=dict(self.positions),
            files=dict(self.files),
            looks=dict(self.looks),
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
