"""Ports to the service's own state. Async; only the database's clock counts.

Every method may raise `Unavailable` (DATABASE_UNAVAILABLE).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from etlplus.app.ports.starting import ArrivalStore, ScheduleStore, TriggerStore
from etlplus.app.ports.windows import WindowStore
from etlplus.domain.connection import Connection, ConnectionDraft
from etlplus.domain.events import EventPage, LogLine, LogPage
from etlplus.domain.fileload import FileLoad
from etlplus.domain.filter import Expr
from etlplus.domain.job import (
    Beat,
    Job,
    JobKey,
    Lease,
    NewJob,
    Settlement,
    SinkRollback,
)
from etlplus.domain.pipeline import Pipeline, PipelineDraft, PipelineVersion
from etlplus.domain.principal import NewToken, Token
from etlplus.domain.queueing import QUEUE, Standing
from etlplus.domain.request import Once, RequestKey
from etlplus.domain.run import Progress


class PipelineStore(Protocol):
    """Pipelines and their versions."""

    async def create(self, workspace: str, name: str, draft: PipelineDraft) -> Pipeline:
        """Stores version 1; a deleted name comes back with its version numbers going on.

        Raises:
            AlreadyExists: PIPELINE_EXISTS.
        """
        ...

    async def get(self, workspace: str, name: str) -> Pipeline:
        """The pipeline as it is. Raises NotFound (PIPELINE_NOT_FOUND)."""
        ...

    async def get_version(self, workspace: str, name: str, version: int) -> PipelineVersion:
        """A version, also of a deleted pipeline, whose jobs still run.

        Raises:
            NotFound: VERSION_NOT_FOUND.
        """
        ...

    async def list(self, workspace: str, *, after: str = "", limit: int) -> Sequence[Pipeline]:
        """Pipelines by name, those after `after`."""
        ...

    async def list_versions(
        self, workspace: str, name: str, *, before: int | None = None, limit: int
    ) -> Sequence[PipelineVersion]:
        """Versions, newest first, those below `before`. Raises NotFound (PIPELINE_NOT_FOUND)."""
        ...

    async def update(
        self, workspace: str, name: str, draft: PipelineDraft, *, etag: str = ""
    ) -> Pipeline:
        """Stores the next version. An empty etag matches any.

        Raises:
            NotFound: PIPELINE_NOT_FOUND.
            EtagMismatch: it has changed since `etag`.
        """
        ...

    async def delete(self, workspace: str, name: str, *, etag: str = "") -> None:
        """Takes the pipeline away; versions stay for its jobs. Raises as `update`."""
        ...


class ConnectionStore(Protocol):
    """Stored connections; the built-in one is not among them."""

    async def create(self, workspace: str, name: str, draft: ConnectionDraft) -> Connection:
        """Stores it. Raises AlreadyExists (CONNECTION_EXISTS)."""
        ...

    async def get(self, workspace: str, name: str) -> Connection:
        """The connection. Raises NotFound (CONNECTION_NOT_FOUND)."""
        ...

    async def list(self, workspace: str, *, after: str = "", limit: int) -> Sequence[Connection]:
        """Connections by name, those after `after`."""
        ...

    async def update(
        self, workspace: str, name: str, draft: ConnectionDraft, *, etag: str = ""
    ) -> Connection:
        """Replaces it. Raises NotFound (CONNECTION_NOT_FOUND), EtagMismatch."""
        ...

    async def delete(self, workspace: str, name: str, *, etag: str = "") -> None:
        """Takes it away. Raises as `update`."""
        ...


class JobStore(Protocol):
    """The queue and its history. Each change is one statement that names what it expects."""

    async def create(self, job: NewJob) -> Job:
        """Stores a PENDING job and wakes the workers.

        Raises:
            AlreadyExists: the id is taken.
            NotFound: VERSION_NOT_FOUND.
            WrongState: ALREADY_REPLAYED, another job replays the same rejects and stands.
        """
        ...

    async def get(self, workspace: str, uid: UUID) -> Job:
        """The job. Raises NotFound (JOB_NOT_FOUND)."""
        ...

    async def list(
        self,
        workspace: str,
        where: Expr | None = None,
        /,
        *,
        after: JobKey | None = None,
        limit: int,
        among: Collection[UUID] | None = None,
    ) -> Sequence[Job]:
        """Jobs by create time and uid, newest first, those older than `after` that pass.

        With `among` only jobs with these ids.

        A filter's meaning is that of `domain.filter.matches`; its fields are `JOB_FIELDS`.
        """
        ...

    async def request_cancel(self, workspace: str, uid: UUID) -> Job:
        """PENDING becomes CANCELLED, RUNNING is flagged, a final job stays. Raises NotFound."""
        ...

    async def roll_back(self, workspace: str, uid: UUID, rollbacks: Sequence[SinkRollback]) -> Job:
        """Notes that sinks were rolled back, each once. Raises NotFound (JOB_NOT_FOUND)."""
        ...

    async def claim(
        self,
        worker: UUID,
        *,
        lease: timedelta,
        limit: int = 1,
        queues: Sequence[str] = (QUEUE,),
    ) -> Sequence[Job]:
        """Up to `limit` jobs of these queues, RUNNING with a fresh epoch, leased to this worker.

        None that would exceed a limit of `domain.queueing.Queueing`, whatever others claim at once.
        """
        ...

    async def heartbeat(self, leases: Sequence[Lease], *, lease: timedelta) -> Mapping[UUID, Beat]:
        """Prolongs leases. A job that is missing in the answer is lost: stop it."""
        ...

    async def progress(self, lease: Lease, progress: Progress) -> bool:
        """Stores counters and adds an event. False: the lease is lost."""
        ...

    async def settle(
        self, lease: Lease, settlement: Settlement, lines: Sequence[LogLine] = ()
    ) -> bool:
        """Ends the job, with the last lines of its log. False: lost, nothing was changed."""
        ...

    async def retry(
        self, lease: Lease, failure: Settlement, *, delay: timedelta, counts: bool = True
    ) -> bool:
        """Puts a job that failed off for `delay`. False: the claim is lost, nothing was changed.

        Where it does not count, as for a job that only waits for another one, it is neither an
        attempt nor a retry.
        """
        ...

    async def release(self, lease: Lease) -> bool:
        """Hands the job back to PENDING; the attempt is not counted. False: the lease is lost."""
        ...

    async def rescue(self, *, max_lost: int = 3) -> int:
        """Jobs with expired leases become PENDING, after `max_lost` FAILED (WORKER_LOST)."""
        ...

    async def is_current(self, lease: Lease) -> bool:
        """Whether the lease is still held, by the database's clock."""
        ...

    async def earlier(self, uid: UUID, *, limit: int) -> Sequence[Progress]:
        """Counters of the latest other runs of a job's pipeline that succeeded, newest first.

        Only runs of the same `limits.concurrency.key` that read all and were not rolled back.
        """
        ...

    async def live_leases(self) -> Sequence[Lease]:
        """All leases that are held, for sweeps."""
        ...


class QueueStore(Protocol):
    """The queue as a whole: who serves it, why jobs wait, what is forgotten."""

    async def awaken(self) -> int:
        """Lets jobs whose retry time has come take their turn; how many it was."""
        ...

    async def serve(self, worker: UUID, queues: Sequence[str], *, lease: timedelta) -> None:
        """Notes that a worker serves queues, until `lease` has passed."""
        ...

    async def leave(self, worker: UUID) -> None:
        """Notes that a worker serves no queue any more."""
        ...

    async def standings(self, jobs: Sequence[UUID]) -> Mapping[UUID, Standing]:
        """How those of the jobs that wait stand."""
        ...

    async def forget_jobs(self, *, age: timedelta, limit: int) -> Sequence[UUID]:
        """Deletes up to `limit` jobs that ended longer ago than `age`, with events and logs."""
        ...

    async def forget_lanes(self) -> None:
        """Deletes what is kept of limits that no run has needed for a day."""
        ...


class HistoryStore(Protocol):
    """Jobs that ended. Whoever reads them need not know where they are kept."""

    async def archive(self, *, rest: timedelta) -> int:
        """Moves jobs that ended longer ago than `rest` out of the queue; how many it was."""
        ...

    async def forget(self, *, age: timedelta) -> int:
        """Drops the days (UTC) that ended longer ago than `age`; how many jobs went with them."""
        ...


class EventStore(Protocol):
    """What happened to jobs, in order, and what they logged."""

    async def events(self, workspace: str, uid: UUID, *, after: int, limit: int) -> EventPage:
        """Events after a sequence, oldest first.

        Raises:
            NotFound: JOB_NOT_FOUND.
            OutOfRange: CURSOR_TOO_OLD, with `oldest` in the metadata.
        """
        ...

    async def append_log(self, lease: Lease, lines: Sequence[LogLine]) -> bool:
        """Adds lines. False: the lease is lost, nothing was added."""
        ...

    async def log(self, workspace: str, uid: UUID, *, after: int, limit: int) -> LogPage:
        """Lines after a sequence, oldest first. Raises NotFound (JOB_NOT_FOUND)."""
        ...


class Wakeup(Protocol):
    """One listener."""

    async def wait(self, seconds: float, /) -> bool:
        """True as soon as something may have changed since the last answer; else False."""
        ...


class Wakeups(Protocol):
    """Hints that something changed, here or elsewhere. One can be lost: poll as well."""

    def subscribe(self, topic: UUID | None) -> AbstractContextManager[Wakeup]:
        """Listens to a job (events, log, cancel), the queue (None: new jobs), or `ARRIVED`."""
        ...


class TokenStore(Protocol):
    """Tokens, hashed."""

    async def create(self, token: NewToken) -> Token:
        """Stores it."""
        ...

    async def create_first(self, token: NewToken) -> bool:
        """Stores it when there is no token at all; whether it did, also of two at once."""
        ...

    async def get(self, id_: str, /) -> Token | None:
        """The token with this public id."""
        ...

    async def revoke(self, id_: str, /) -> bool:
        """Makes it unusable. False: there is none, or it was revoked before."""
        ...


class RequestStore(Protocol):
    """Makes requests idempotent for 24 hours."""

    def once(self, key: RequestKey, body_hash: bytes) -> AbstractAsyncContextManager[Once]:
        """One transaction around the block, which every store call inside joins.

        Raises:
            InvalidInput: REQUEST_ID_REUSED, when the body differs from that of the first use.
        """
        ...


class LoadStore(Protocol):
    """The ledger of sinks that have none of their own: files."""

    async def get(self, load_id: str, sink: str) -> FileLoad | None:
        """What was published, if it was."""
        ...

    async def record(self, lease: Lease, load: FileLoad) -> FileLoad:
        """Adds it; returns the one that is there already. Raises WrongState (LEASE_LOST)."""
        ...

    async def standing(self, load: FileLoad) -> Sequence[FileLoad]:
        """Loads into the same target from this one on that are not rolled back, newest first."""
        ...

    async def roll_back(self, load: FileLoad, *, cause: str, author: str, reason: str) -> FileLoad:
        """Notes that it is rolled back, once, for the sake of the load `cause`. Raises NotFound."""
        ...

    async def rolled_back_for(self, load_id: str) -> Sequence[FileLoad]:
        """What was rolled back for the sake of a load, newest first."""
        ...


class KeyStore(Protocol):
    """Secrets of the service itself, made at first use and shared by all replicas."""

    async def key(self, name: str) -> bytes:
        """32 random bytes, always the same for a name."""
        ...


@dataclass(frozen=True, slots=True)
class Stores:
    """All stores over one database."""

    pipelines: PipelineStore
    connections: ConnectionStore
    jobs: JobStore
    events: EventStore
    wakeups: Wakeups
    tokens: TokenStore
    requests: RequestStore
    loads: LoadStore
    keys: KeyStore
    schedules: ScheduleStore
    triggers: TriggerStore
    queue: QueueStore
    history: HistoryStore
    windows: WindowStore
    arrivals: ArrivalStore
