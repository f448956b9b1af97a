"""Pipelines and their versions in PostgreSQL."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from etlplus.domain.pipeline import Pipeline, PipelineDraft, PipelineVersion
from etlplus.store import arrivals, triggers
from etlplus.store.queries import load_queries
from etlplus.store.refusals import (
    etag_mismatch,
    pipeline_exists,
    pipeline_not_found,
    version_not_found,
)
from etlplus.store.schedules import follow, forget, state_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from etlplus.store.database import Database

_SQL = load_queries("pipelines")
_VERSION_FIELDS = tuple(field.name for field in fields(PipelineVersion))


class PostgresPipelines:
    """PipelineStore in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        """Uses an open database."""
        self._database = database

    async def create(self, workspace: str, name: str, draft: PipelineDraft) -> Pipeline:
        """Makes a pipeline. The name of a deleted one may be taken; its version numbers go on.

        Raises:
            AlreadyExists: PIPELINE_EXISTS.
        """
        made = await self._write("create", workspace, name, draft)
        if made is None:
            raise pipeline_exists(name)
        return made

    async def get(self, workspace: str, name: str) -> Pipeline:
        """The pipeline with the content of its latest version.

        Raises:
            NotFound: PIPELINE_NOT_FOUND.
        """
        row = await self._database.fetch_one(_SQL["get"], {"workspace": workspace, "name": name})
        if row is None:
            raise pipeline_not_found(name)
        return (await self._triggered(workspace, [row]))[0]

    async def get_version(self, workspace: str, name: str, version: int) -> PipelineVersion:
        """A version, also of a pipeline that is deleted.

        Raises:
            NotFound: VERSION_NOT_FOUND.
        """
        params = {"workspace": workspace, "name": name, "version": version}
        row = await self._database.fetch_one(_SQL["get_version"], params)
        if row is None:
            raise version_not_found(name, version)
        return _version(row)

    async def list(self, workspace: str, *, after: str = "", limit: int) -> Sequence[Pipeline]:
        """Pipelines by name from just after a name. Their `spec` and `source_text` are empty."""
        params = {"workspace": workspace, "after": after, "limit": limit}
        rows = await self._database.fetch_all(_SQL["list"], params)
        return await self._triggered(workspace, rows)

    async def list_versions(
        self, workspace: str, name: str, *, before: int | None = None, limit: int
    ) -> Sequence[PipelineVersion]:
        """Versions from just before a number, newest first. `spec` and `source_text` are empty.

        Raises:
            NotFound: PIPELINE_NOT_FOUND.
        """
        await self.get(workspace, name)
        params = {"workspace": workspace, "name": name, "before": before, "limit": limit}
        rows = await self._database.fetch_all(_SQL["list_versions"], params)
        return [_version(row) for row in rows]

    async def update(
        self, workspace: str, name: str, draft: PipelineDraft, *, etag: str = ""
    ) -> Pipeline:
        """Adds a version and makes it the pipeline's.

        Raises:
            NotFound: PIPELINE_NOT_FOUND.
            EtagMismatch: The pipeline is not the one that `etag` was given out for.
        """
        made = await self._write("update", workspace, name, draft, etag)
        if made is None:
            raise etag_mismatch("pipeline", name, (await self.get(workspace, name)).etag)
        return made

    async def delete(self, workspace: str, name: str, *, etag: str = "") -> None:
        """Deletes a pipeline; its versions stay for the jobs that ran them.

        Raises:
            NotFound: PIPELINE_NOT_FOUND.
            EtagMismatch: The pipeline is not the one that `etag` was given out for.
        """
        params = {"workspace": workspace, "name": name, "etag": etag}
        async with self._database.transaction():
            if await self._database.fetch_one(_SQL["delete"], params) is None:
                raise etag_mismatch("pipeline", name, (await self.get(workspace, name)).etag)
            await forget(self._database, workspace, name)
            await triggers.follow(self._database, workspace, name, 0, None)
            await arrivals.forget(self._database, workspace, name)

    async def _write(
        self, query: str, workspace: str, name: str, draft: PipelineDraft, etag: str = ""
    ) -> Pipeline | None:
        params = {
            "workspace": workspace,
            "name": name,
            "etag": etag,
            "spec": draft.spec,
            "source_text": draft.source_text,
            "author": draft.author,
            "message": draft.message,
            "content_hash": draft.content_hash,
        }
        async with self._database.transaction():
            row = await self._database.fetch_one(_SQL[query], params)
            if row is None:
                return None
            made = _pipeline(row)
            state = await follow(self._database, workspace, name, made.version, draft.schedule)
            triggered = await triggers.follow(
                self._database, workspace, name, made.version, draft.triggers
            )
            return replace(made, schedule=state, triggers=triggered)

    async def _triggered(
        self, workspace: str, rows: Sequence[Mapping[str, Any]]
    ) -> Sequence[Pipeline]:
        """Pipelines, with where their triggers stand."""
        wanted = [row["name"] for row in rows if row["triggered"]]
        states = await triggers.states(self._database, workspace, wanted) if wanted else {}
        return [replace(_pipeline(row), triggers=states.get(row["name"])) for row in rows]


def _pipeline(row: Mapping[str, Any]) -> Pipeline:
    return Pipeline(
        workspace=row["workspace"],
        name=row["name"],
        version=row["version"],
        etag=f'"{row["revision"]}"',
        spec=row["spec"],
        source_text=row["source_text"],
        author=row["author"],
        message=row["message"],
        content_hash=row["content_hash"],
        create_time=row["create_time"],
        update_time=row["update_time"],
        schedule=state_from(row) if row.get("definition") else None,
    )


def _version(row: Mapping[str, Any]) -> PipelineVersion:
    return PipelineVersion(**{name: row[name] for name in _VERSION_FIELDS})
