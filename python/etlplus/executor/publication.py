"""Publishes what a run staged, sink by sink, each at most once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from etlplus.app.ports import Publisher, Stop, Stores
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import Bug, WrongState
from etlplus.domain.fileload import FileLoad
from etlplus.domain.job import Lease, SinkResult
from etlplus.domain.run import Load, Published, StagedSink
from etlplus.executor.threads import Threads


class Publication:
    """Publishes the sinks of one claim. Tables are fenced in their database, files by the lease."""

    def __init__(
        self,
        stores: Stores,
        publishers: Mapping[str, Publisher],
        threads: Threads,
        lease: Lease,
        load: Load,
    ) -> None:
        """`publishers`: by kind of sink."""
        self._stores = stores
        self._publishers = publishers
        self._threads = threads
        self._lease = lease
        self._load = load

    async def publish(
        self, staged: StagedSink, connections: Mapping[str, ResolvedConnection], stop: Stop
    ) -> SinkResult:
        """Publishes a sink, or finds that the load was published before.

        Raises:
            Cancelled: `stop` said so, and nothing was published.
            WrongState: LEASE_LOST, STALE_EPOCH.
            Bug: BOOKS_UNBALANCED.
            RunError: whatever the target says.
        """
        check_books(staged)
        if not await self._stores.jobs.is_current(self._lease):
            raise WrongState("Another worker has the job", code="LEASE_LOST")
        if staged.connection:
            connection = connections[staged.connection]
            published = await self._run(staged, connection, stop)
        else:
            published = await self._publish_files(staged, stop)
        return SinkResult(
            name=staged.name,
            kind=staged.kind,
            target=published.target,
            mode=staged.mode,
            books=published.books,
            checksum=published.checksum,
            load_id=self._load.load_id,
        )

    async def _run(
        self, staged: StagedSink, connection: ResolvedConnection | None, stop: Stop
    ) -> Published:
        publisher = self._publishers[staged.kind]
        return await self._threads.call(publisher.publish, staged, self._load, connection, stop)

    async def _publish_files(self, staged: StagedSink, stop: Stop) -> Published:
        known = await self._stores.loads.get(self._load.load_id, staged.name)
        if known is not None:
            return _already(known)
        published = await self._run(staged, None, stop)
        # Between renaming and this row a crash may fall. The next claim then renames its own files
        # to the same names, so that readers still see this load once.
        load = FileLoad(
            load_id=self._load.load_id,
            sink=staged.name,
            kind=staged.kind,
            target=published.target,
            mode=staged.mode,
            books=published.books,
            checksum=published.checksum,
            files=tuple(file.final_path for file in staged.files),
            create_time=datetime.now(UTC),
            undo=published.undo,
            windows=self._load.windows,
        )
        return _already(await self._stores.loads.record(self._lease, load))


def check_books(staged: StagedSink) -> None:
    """Returns when every row is accounted for. Raises Bug (BOOKS_UNBALANCED)."""
    books = staged.books
    if not books.balance or books.loaded != staged.rows:
        raise Bug(
            f"The books of the sink {staged.name!r} do not balance: {books}, staged {staged.rows}",
            code="BOOKS_UNBALANCED",
            place=staged.name,
            hint="Nothing was published to it. Please report this with the pipeline",
        )


def _already(load: FileLoad) -> Published:
    return Published(load.sink, load.target, load.books, load.checksum, already=True)
