"""Port to what jobs read of their sources, and to how far pipelines have come with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from etlplus.domain.job import Lease
from etlplus.domain.window import Json, Opening, Position, SourceWindow, Window


class WindowStore(Protocol):
    """Windows and positions. `JobStore.settle` and `JobStore.roll_back` move the positions."""

    async def begin(self, lease: Lease, sources: Sequence[str]) -> Opening:
        """The windows of a claim's job, or where its sources stand when there are none yet.

        A job whose load may have been published in part, and that ended without success, hands its
        windows and its load to the next job of the pipeline.

        Raises:
            WrongState: LEASE_LOST; PIPELINE_BUSY, another job of the pipeline holds windows;
                ROLLBACK_UNFINISHED; LOAD_UNFINISHED, what it would take over is of other sources.
        """
        ...

    async def fix(self, lease: Lease, opening: Opening, windows: Mapping[str, Window]) -> Opening:
        """Keeps the windows, by source; those that are kept already stay. Raises as `begin`."""
        ...

    async def loaded(
        self, workspace: str, pipeline: str, source: str, contents: Sequence[str]
    ) -> Collection[str]:
        """Which contents of files a source has loaded: that of jobs that succeeded and stand."""
        ...

    async def begin_publishing(self, lease: Lease) -> None:
        """From now on a part of the load may be published. Raises WrongState (LEASE_LOST)."""
        ...

    async def of_job(self, job: UUID) -> Sequence[SourceWindow]:
        """The windows of a job, by source."""
        ...

    async def positions(self, workspace: str, pipeline: str) -> Sequence[Position]:
        """How far a pipeline has come, by source."""
        ...

    async def reset(
        self, workspace: str, pipeline: str, source: str, value: Json | None
    ) -> Sequence[Position]:
        """Lets a source go on from a position, or from its beginning; all when `source` is empty.

        Raises:
            NotFound: STATE_NOT_FOUND.
            WrongState: PIPELINE_BUSY.
        """
        ...

    async def hold(self, by: UUID, loads: Sequence[UUID]) -> None:
        """Opens no window while these loads are rolled back for the job `by`, until `free`.

        Raises:
            WrongState: PIPELINE_BUSY, ROLLBACK_UNFINISHED; ROLLBACK_BLOCKED, later jobs read on
                from where these began.
        """
        ...

    async def free(self, by: UUID) -> None:
        """Ends what `hold` began."""
        ...

    async def carriers(self, load: UUID) -> Sequence[UUID]:
        """The jobs that published, or began to, under a load's id; none without windows."""
        ...
