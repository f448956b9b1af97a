"""Jobs: one run of one version of a pipeline, from request to end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from etlplus.domain.queueing import PRIORITY, QUEUE, Queueing, Wait
from etlplus.domain.replay import Replay
from etlplus.domain.run import Books, Progress, RejectSummary
from etlplus.domain.window import SourceWindow


class JobState(StrEnum):
    """Where a job is. SUCCEEDED, FAILED and CANCELLED are final."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self not in (JobState.PENDING, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed: the fields of `EtlError`, kept."""

    code: str
    message: str
    place: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class SinkResult:
    """A published sink: what the ledger says of it.

    Attributes:
        load_id: the load in the target's ledger, 32 hexadecimal digits.
        checksum: of the rows, independent of their order, in hexadecimal.
    """

    name: str
    kind: str
    target: str
    mode: str
    books: Books
    checksum: str
    load_id: str


@dataclass(frozen=True, slots=True)
class SinkRollback:
    """That a published sink was rolled back; `sink` is its name."""

    sink: str
    time: datetime
    author: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NewJob:
    """What submitting takes.

    Attributes:
        params: values as text, by parameter name.
        scheduled_time: the instant that it runs for, planned or of the job that it runs after or
            whose rejects it replays; None when somebody asked for it.
        replay: whose rejects it reads; None for a job that reads all.
        zone: by whose clocks its instant is told; empty for that of its own schedule.
        queueing: where it waits, and for what.
        plan_hash: the plan that it is pinned to; empty for any.
        webhook: whether the webhook of the pipeline starts it, of which its triggers tell.
    """

    workspace: str
    uid: UUID
    pipeline: str
    version: int
    params: Mapping[str, str]
    author: str
    scheduled_time: datetime | None = None
    replay: Replay | None = None
    zone: str = ""
    queueing: Queueing = field(default_factory=Queueing)
    plan_hash: str = ""
    webhook: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is now.

    Attributes:
        attempt: how many times it was started, from 1; handing back without running does not count.
        lost_leases: how many workers were lost while they ran it.
        epoch: of the latest claim, comparable across jobs and workers; 0 before the first.
        sequence: grows with each change; a watch resumes after it.
        rollbacks: which of its sinks were rolled back, each at most once.
        scheduled_time: the instant that it runs for, planned or of the job that it runs after or
            whose rejects it replays; None when somebody asked for it.
        retries: how often it failed in a way that may pass and was put off.
        retry_time: when it is tried again; None when it does not wait for that.
        zone: by whose clocks its instant is told; empty for that of its own schedule.
        upstream: the jobs whose success started it.
        downstream: the jobs that its success has started; both where a job is looked up.
        replay: whose rejects it reads; None for a job that reads all.
        plan_hash: the plan that it is pinned to; empty for any.
        wait: why it waits, where somebody asked for it; None when it does not wait.
        windows: what it reads of sources that are read part by part, where somebody asked for it.
        arrived: paths of files whose arrival started it, the first ten; where a job is looked up.
        arrived_count: how many files it were.
        warnings: what was unusual in its last attempt and did not end it.
    """

    workspace: str
    uid: UUID
    pipeline: str
    version: int
    state: JobState
    params: Mapping[str, str]
    author: str
    create_time: datetime
    priority: int = PRIORITY
    attempt: int = 0
    lost_leases: int = 0
    epoch: int = 0
    cancel_requested: bool = False
    start_time: datetime | None = None
    end_time: datetime | None = None
    progress: Progress = field(default_factory=Progress)
    sinks: tuple[SinkResult, ...] = ()
    rejects: RejectSummary = field(default_factory=RejectSummary)
    error: JobError | None = None
    sequence: int = 0
    rollbacks: tuple[SinkRollback, ...] = ()
    scheduled_time: datetime | None = None
    retries: int = 0
    retry_time: datetime | None = None
    zone: str = ""
    upstream: tuple[UUID, ...] = ()
    downstream: tuple[UUID, ...] = ()
    replay: Replay | None = None
    arrived: tuple[str, ...] = ()
    arrived_count: int = 0
    warnings: tuple[JobError, ...] = ()

    @property
    def is_replaying(self) -> bool:
        """Whether the rejects that it replays must not be replayed by another job."""
        if self.replay is None:
            return False
        if not self.state.is_final:
            return True
        if self.state is JobState.SUCCEEDED and not self.rollbacks:
            return True
        return len(self.sinks) > len(self.rollbacks)

    queue: str = QUEUE
    plan_hash: str = ""
    wait: Wait | None = field(default=None, compare=False)
    windows: tuple[SourceWindow, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class JobKey:
    """The place of a job in a list, newest first."""

    create_time: datetime
    uid: UUID


@dataclass(frozen=True, slots=True)
class Lease:
    """A claim of a job. Every write of a worker names it; a stale one changes nothing."""

    job: UUID
    epoch: int


@dataclass(frozen=True, slots=True)
class Beat:
    """The answer to a heartbeat: whether to stop, and how long the lease lasts from now."""

    cancel_requested: bool
    remaining: timedelta


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a job ended. `state` is final; `warnings`: what was unusual and did not end it."""

    state: JobState
    progress: Progress = field(default_factory=Progress)
    sinks: tuple[SinkResult, ...] = ()
    rejects: RejectSummary = field(default_factory=RejectSummary)
    error: JobError | None = None
    warnings: tuple[JobError, ...] = ()
