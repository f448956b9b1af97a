"""Windows of jobs and positions of pipelines in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from etlplus.domain.window import (
    Opening,
    Position,
    SourceWindow,
    Window,
    busy,
    held,
    moved,
    no_state,
    stands,
    unfinished,
    window_from,
)
from etlplus.store.queries import load_queries
from etlplus.store.refusals import lease_lost

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from etlplus.domain.job import Lease
    from etlplus.domain.window import Json
    from etlplus.store.database import Database

_SQL = load_queries("windows")
Row = dict[str, Any]


class PostgresWindows:
    """WindowStore in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        """Uses an open database."""
        self._database = database

    async def begin(self, lease: Lease, sources: Sequence[str]) -> Opening:
        """The windows of a claim's job, its own or taken over, or where its sources stand.

        Raises:
            WrongState: LEASE_LOST, PIPELINE_BUSY, ROLLBACK_UNFINISHED, LOAD_UNFINISHED.
        """
        async with self._database.transaction():
            names = await self._held(lease)
            await self._database.execute(_SQL["ensure"], {**names, "sources": list(sources)})
            positions = await self._lock(names)
            own = await self._of_job(lease.job)
            if own:
                return _opening(own, positions)
            await self._refuse_others(names, lease.job, positions)
            await self._take_over(lease, names, sources, positions)
            own = await self._of_job(lease.job)
            return _opening(own, positions) if own else Opening(lease.job, {}, positions)

    async def fix(self, lease: Lease, opening: Opening, windows: Mapping[str, Window]) -> Opening:
        """Keeps the windows that a job reads from now on.

        Raises:
            WrongState: LEASE_LOST, PIPELINE_BUSY, ROLLBACK_UNFINISHED.
        """
        async with self._database.transaction():
            names = await self._held(lease)
            positions = await self._lock(names)
            await self._refuse_others(names, lease.job, positions)
            for source, window in windows.items():
                place = opening.positions[source]
                if positions[source].epoch != place.epoch:
                    raise moved(source)
                params = {
                    **names,
                    "job": lease.job,
                    "source": source,
                    "load": opening.load,
                    "value": Jsonb(window.to_json()),
                    "before": _jsonb(place.value),
                    "after": _jsonb(window.after),
                    "base": place.epoch,
                    "begun": False,
                }
                await self._database.execute(_SQL["fix"], params)
            return _opening(await self._of_job(lease.job), positions)

    async def loaded(
        self, workspace: str, pipeline: str, source: str, contents: Sequence[str]
    ) -> Collection[str]:
        """Which contents of files a source has loaded."""
        names = {"workspace": workspace, "pipeline": pipeline, "source": source}
        rows = await self._database.fetch_all(_SQL["loaded"], {**names, "contents": list(contents)})
        return {row["content"] for row in rows}

    async def begin_publishing(self, lease: Lease) -> None:
        """Notes that from now on a part of the load may be published. Raises LEASE_LOST."""
        async with self._database.transaction():
            await self._held(lease)
            await self._database.execute(_SQL["begin_publishing"], {"job": lease.job})

    async def of_job(self, job: UUID) -> Sequence[SourceWindow]:
        """The windows of a job, by source."""
        return [_window(row) for row in await self._of_job(job)]

    async def positions(self, workspace: str, pipeline: str) -> Sequence[Position]:
        """How far a pipeline has come with its sources, by source."""
        names = {"workspace": workspace, "pipeline": pipeline}
        rows = await self._database.fetch_all(_SQL["positions"], names)
        return [_position(row) for row in rows]

    async def reset(
        self, workspace: str, pipeline: str, source: str, value: Json | None
    ) -> Sequence[Position]:
        """Lets a source, or all when it is empty, go on from a position.

        Raises:
            NotFound: STATE_NOT_FOUND.
            WrongState: PIPELINE_BUSY.
        """
        names = {"workspace": workspace, "pipeline": pipeline}
        async with self._database.transaction():
            positions = await self._lock(names)
            active = await self._database.fetch_one(_SQL["active"], names)
            if active is not None:
                raise busy(active["job"])
            chosen = [name for name in positions if source in ("", name)]
            if not chosen:
                raise no_state(pipeline, source)
            for name in chosen:
                params = {**names, "source": name, "value": _jsonb(value)}
                await self._database.execute(_SQL["forget"], params)
                await self._database.execute(_SQL["forget_files"], params)
                await self._database.execute(_SQL["reset"], params)
            return await self.positions(workspace, pipeline)

    async def hold(self, by: UUID, loads: Sequence[UUID]) -> None:
        """Lets no window be opened from where loads are about to be rolled back.

        Raises:
            WrongState: PIPELINE_BUSY, ROLLBACK_UNFINISHED, ROLLBACK_BLOCKED.
        """
        async with self._database.transaction():
            rows = await self._database.fetch_all(_SQL["of_loads"], {"loads": list(loads)})
            for workspace, pipeline in sorted({(r["workspace"], r["pipeline"]) for r in rows}):
                names = {"workspace": workspace, "pipeline": pipeline}
                positions = await self._lock(names)
                await self._refuse_others(names, by, positions, rolling_back=True)
                for row in rows:
                    if (row["workspace"], row["pipeline"]) == (workspace, pipeline):
                        await self._refuse_later(row, loads)
                await self._database.execute(_SQL["hold"], {**names, "by": by})

    async def free(self, by: UUID) -> None:
        """Ends what `hold` began."""
        await self._database.execute(_SQL["free"], {"by": by})

    async def carriers(self, load: UUID) -> Sequence[UUID]:
        """The jobs that published, or began to, under a load's id."""
        rows = await self._database.fetch_all(_SQL["carriers"], {"load": load})
        return [row["job"] for row in rows]

    async def _held(self, lease: Lease) -> dict[str, str]:
        params = {"job": lease.job, "epoch": lease.epoch}
        row = await self._database.fetch_one(_SQL["held"], params)
        if row is None:
            raise lease_lost(lease)
        return row

    async def _lock(self, names: Mapping[str, str]) -> dict[str, Position]:
        rows = await self._database.fetch_all(_SQL["lock"], names)
        return {row["source"]: _position(row) for row in rows}

    async def _of_job(self, job: UUID) -> list[Row]:
        return await self._database.fetch_all(_SQL["of_job"], {"job": job})

    async def _refuse_others(
        self,
        names: Mapping[str, str],
        job: UUID,
        positions: Mapping[str, Position],
        *,
        rolling_back: bool = False,
    ) -> None:
        for position in positions.values():
            by = position.held_by
            if by is not None and not (rolling_back and by == job):
                raise held(by)
        for row in await self._database.fetch_all(_SQL["active"], names):
            if row["job"] != job:
                raise busy(row["job"])

    async def _refuse_later(self, row: Row, loads: Sequence[UUID]) -> None:
        later = await self._database.fetch_all(_SQL["later"], {**row, "loads": list(loads)})
        if row["state"] == "DONE" and later:
            raise stands(row["source"], [each["job"] for each in later])

    async def _take_over(
        self,
        lease: Lease,
        names: Mapping[str, str],
        sources: Sequence[str],
        positions: Mapping[str, Position],
    ) -> None:
        """Gives the job the windows and the load of one that ended while it published."""
        rows = await self._database.fetch_all(_SQL["unfinished"], names)
        if not rows:
            return
        former = rows[-1]["job"]
        theirs = [row for row in rows if row["job"] == former]
        if {row["source"] for row in theirs} != set(sources):
            raise unfinished(former, sorted(row["source"] for row in theirs))
        for row in theirs:
            given = {name: _jsonb(row[name]) for name in ("value", "before", "after")}
            base = positions[row["source"]].epoch
            params = {**row, **given, "job": lease.job, "base": base}
            await self._database.execute(_SQL["fix"], params)
        await self._database.execute(_SQL["leave"], {"job": former})


def _jsonb(value: Json | None) -> Jsonb | None:
    return None if value is None else Jsonb(dict(value))


def _opening(rows: Sequence[Row], positions: Mapping[str, Position]) -> Opening:
    windows = {row["source"]: _window(row) for row in rows}
    return Opening(rows[0]["load"], windows, positions)


def _window(row: Row) -> SourceWindow:
    return SourceWindow(row["source"], window_from(row["value"]), row["before"], row["state"])


def _position(row: Row) -> Position:
    names = ("source", "value", "epoch", "number", "update_time", "held_by")
    return Position(**{name: row[name] for name in names})
