"""Ports to the engine, to targets, to secrets and to machines' files.

`Engine`, `EngineRun`, `Publisher`, `Connector` and `SecretResolver` are synchronous and may
block: only the executor calls them, in threads. `Planning`, `Inspection` and `RejectReader` are
what the executor makes of them for the use cases.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import ParamSpec, Protocol, TypeVar

from etlplus.domain.connection import Connection, ConnectionCheck, ResolvedConnection, Table
from etlplus.domain.cursor import CursorPosition, CursorSource, CursorWindow
from etlplus.domain.evolution import Incoming, SchemaDiff, TableSink
from etlplus.domain.fileload import FileLoad
from etlplus.domain.job import Job
from etlplus.domain.planhash import Survey
from etlplus.domain.rollback import RollbackOrder, RolledBack
from etlplus.domain.run import (
    Load,
    PlanReport,
    Progress,
    Published,
    RejectRow,
    RejectSummary,
    RunOutcome,
    StagedSink,
    StagingKey,
)

Given = ParamSpec("Given")
Result = TypeVar("Result")


class EngineRun(Protocol):
    """A started plan. `progress` and `cancel` may be called from any thread."""

    def progress(self) -> Progress:
        """The counters as they are."""
        ...

    def cancel(self) -> None:
        """Asks it to stop; `wait` raises Cancelled within 2 s. Does nothing after the end."""
        ...

    def wait(self) -> RunOutcome:
        """Blocks until all is staged. Raises the domain's errors."""
        ...

    def rejects(self) -> RejectSummary:
        """What was rejected until now, its file closed: for runs that failed."""
        ...


class Engine(Protocol):
    """The Rust core. `plan` and `runtime` are serialized messages."""

    def plan(self, plan: bytes, runtime: bytes) -> PlanReport:
        """Compiles: looks at sources and targets, moves no row. Raises the domain's errors."""
        ...

    def preview(self, plan: bytes, runtime: bytes, node: str, rows: int) -> Iterator[bytes]:
        """The first rows of a source or step, as pieces of one Arrow IPC stream."""
        ...

    def start(
        self, plan: bytes, runtime: bytes, streams: Mapping[str, object] | None = None
    ) -> EngineRun:
        """Compiles and starts. `streams`: an Arrow stream or iterator for each stream source."""
        ...

    def read_rejects(self, path: str) -> Iterator[Sequence[RejectRow]]:
        """The rows of a rejects file, in batches."""
        ...

    def version(self) -> str:
        """The core's version."""
        ...


class Stop(Protocol):
    """Whether a load is still wanted. Threads may share it."""

    def check(self) -> None:
        """Returns while it is. Raises Cancelled when it is not."""
        ...

    def interrupting(self, act: Callable[[], None]) -> AbstractContextManager[None]:
        """Within the block `act` is called, in another thread, when it no longer is.

        `act` does not run any more once the block has ended. Raises as `check` at the start.
        """
        ...


class Publisher(Protocol):
    """Makes staged sinks of one family visible, once. `connection` is None for files."""

    def publish(
        self,
        staged: StagedSink,
        load: Load,
        connection: ResolvedConnection | None,
        stop: Stop | None = None,
    ) -> Published:
        """Publishes atomically, or returns what the ledger holds of this load already.

        Raises:
            Cancelled: `stop` said so, and nothing was published.
            WrongState: STALE_EPOCH, a later claim of the load was here.
            RunError: STAGING_MISMATCH, PUBLISH_CONFLICT, CONNECTION_FAILED and their kin.
        """
        ...

    def sweep(self, load: Load, connection: ResolvedConnection | None) -> None:
        """Fences off older epochs of this load and removes what they staged."""
        ...

    def discard(
        self, load: Load, connection: ResolvedConnection | None, staged: Sequence[StagedSink]
    ) -> None:
        """Removes what this claim staged and will not publish. `staged` is what is known of it."""
        ...

    def leftovers(self, connection: ResolvedConnection | None) -> Sequence[StagingKey]:
        """Whose staging lies at the target."""
        ...

    def drop(self, keys: Sequence[StagingKey], connection: ResolvedConnection | None) -> None:
        """Removes the staging of these dead claims."""
        ...


class Evolver(Protocol):
    """Lets tables of one kind of connection follow the columns of the rows."""

    def compare(
        self, sink: TableSink, incoming: Sequence[Incoming], connection: ResolvedConnection
    ) -> SchemaDiff:
        """A table beside the rows, and what evolving would execute. Changes nothing.

        Raises:
            RunError: TARGET_MISMATCH, CONNECTION_FAILED, DATABASE_ERROR.
        """
        ...

    def evolve(
        self,
        sink: TableSink,
        incoming: Sequence[Incoming],
        load: Load,
        connection: ResolvedConnection,
        stop: Stop | None = None,
    ) -> SchemaDiff:
        """Alters the table in one transaction; does nothing where it has followed already.

        Returns:
            What was altered, beside the table as it was.

        Raises:
            Cancelled: `stop` said so, and nothing was altered.
            WrongState: STALE_EPOCH, a later claim of the load was here.
            RunError: TARGET_MISMATCH, PUBLISH_CONFLICT, CONNECTION_FAILED, DATABASE_ERROR.
        """
        ...

    def has_begun(self, load: Load, connection: ResolvedConnection) -> bool:
        """Whether an attempt of the load altered or published a table there.

        Raises:
            RunError: CONNECTION_FAILED, DATABASE_ERROR.
        """
        ...


class TableRollback(Protocol):
    """Takes back loads into tables of one kind of connection."""

    def roll_back(
        self, order: RollbackOrder, connection: ResolvedConnection
    ) -> Sequence[RolledBack]:
        """Restores what readers saw before the load, in one transaction of the target.

        Returns:
            The loads that were rolled back for the order, newest first, also those of earlier
            times; with `dry_run` those that would be.

        Raises:
            WrongState: ROLLBACK_BLOCKED, ROLLBACK_UNAVAILABLE, ROLLBACK_CONFLICT; then nothing
                was changed.
            RunError: PUBLISH_CONFLICT, CONNECTION_FAILED, DATABASE_ERROR.
        """
        ...


class FileRollback(Protocol):
    """Takes back loads into files."""

    def check(self, load: FileLoad, *, on_top: bool = True) -> int:
        """How many bytes are kept for it. Raises WrongState when it cannot be rolled back.

        Args:
            load: as the ledger has it.
            on_top: False when later loads into the target go before it.

        Raises:
            WrongState: ROLLBACK_UNAVAILABLE, ROLLBACK_CONFLICT.
        """
        ...

    def roll_back(self, load: FileLoad) -> None:
        """Restores what readers saw before the load; repeating it does no harm.

        Raises:
            WrongState: ROLLBACK_UNAVAILABLE, ROLLBACK_CONFLICT.
            RunError: SINK_UNWRITABLE, DISK_FULL.
        """
        ...

    def forget(self, load: FileLoad) -> None:
        """Removes what was kept for a load that the ledger says is rolled back."""
        ...


class Connector(Protocol):
    """Looks at what a connection leads to."""

    def test(self, connection: ResolvedConnection) -> ConnectionCheck:
        """Connects and asks. Raises RunError (CONNECTION_FAILED) with a hint."""
        ...

    def discover(self, connection: ResolvedConnection) -> Sequence[Table]:
        """The tables and views it can read. Raises RunError (CONNECTION_FAILED)."""
        ...


class CursorReader(Protocol):
    """Finds windows over columns whose values grow, at one kind of connection."""

    def look(
        self,
        connection: ResolvedConnection,
        source: CursorSource,
        position: CursorPosition | None,
    ) -> CursorWindow:
        """The window from a position to what is there now.

        Raises:
            RunError: CURSOR_INVALID, CURSOR_CHANGED, CURSOR_NULL, CONNECTION_FAILED and their kin.
        """
        ...

    def condition(self, window: CursorWindow) -> str:
        """The condition of a window's rows, in the server's dialect."""
        ...


class SecretResolver(Protocol):
    """Turns references into secrets."""

    def resolve(self, reference: str) -> str:
        """The secret behind `env:NAME` or `file:PATH`. Raises RunError (SECRET_UNRESOLVED)."""
        ...

    def named(self, name: str) -> str:
        """The secret behind `${secret.NAME}`. Raises RunError (SECRET_UNRESOLVED)."""
        ...


class Aside(Protocol):
    """Runs pure functions that may take long away from the event loop."""

    async def call(
        self, function: Callable[Given, Result], /, *args: Given.args, **kwargs: Given.kwargs
    ) -> Result:
        """What the function returns or raises."""
        ...


class Planning(Protocol):
    """Plans and previews definitions without running them."""

    async def plan(
        self,
        workspace: str,
        spec: bytes,
        params: Mapping[str, str],
        *,
        sample: int = 0,
        lineage: bool = False,
    ) -> Survey:
        """What a run would do, with the plan's hash. Raises as engine and language do.

        Args:
            workspace: whose connections are meant.
            spec: the serialized PipelineSpec.
            params: values of parameters, as text.
            sample: records of each file source that are looked at to say what to expect of a run;
                0 for none.
            lineage: whether to say of what the columns of sinks are computed.
        """
        ...

    def preview(
        self, workspace: str, spec: bytes, params: Mapping[str, str], node: str, rows: int
    ) -> AsyncIterator[bytes]:
        """The first rows of a source or step, as pieces of one Arrow IPC stream."""
        ...


class Inspection(Protocol):
    """Tests and discovers connections."""

    async def test(self, connection: Connection) -> ConnectionCheck:
        """Connects and asks. Raises RunError (CONNECTION_FAILED, SECRET_UNRESOLVED)."""
        ...

    async def discover(self, connection: Connection) -> Sequence[Table]:
        """The tables and views. Raises as `test`."""
        ...


class Rollbacks(Protocol):
    """Takes back what jobs published."""

    async def roll_back(
        self, job: Job, *, author: str, reason: str, cascade: bool, dry_run: bool
    ) -> Sequence[RolledBack]:
        """Every sink of a job that has ended, and later loads into the same targets on `cascade`.

        Raises:
            WrongState: ROLLBACK_BLOCKED, ROLLBACK_UNAVAILABLE, ROLLBACK_CONFLICT.
            RunError: whatever a target says.
        """
        ...


class RejectReader(Protocol):
    """Reads the rejects of jobs that have ended."""

    def read(self, job: Job) -> AsyncIterator[Sequence[RejectRow]]:
        """All rejects in batches, in the order found; none when there were none."""
        ...

    async def is_kept(self, job: Job) -> bool:
        """Whether a job's rejects are there to be read; False when there were none."""
        ...
