"""Pipelines and their versions in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

from etlplus.domain.pipeline import Pipeline, PipelineDraft, PipelineVersion
from etlplus.store.memory import arrivals, schedules, triggers
from etlplus.store.memory.state import Memory
from etlplus.store.refusals import (
    etag_mismatch,
    pipeline_exists,
    pipeline_not_found,
    version_not_found,
)

_CONTENT = ("spec", "source_text", "author", "message", "content_hash")


class MemoryPipelines:
    """PipelineStore in memory."""

    def __init__(self, memory: Memory) -> None:
        """Keeps its rows in a memory."""
        self._memory = memory

    async def create(self, workspace: str, name: str, draft: PipelineDraft) -> Pipeline:
        """As `PostgresPipelines.create`."""
        tables = self._memory.tables
        key = (workspace, name)
        earlier = tables.pipelines.get(key)
        if earlier is not None and key not in tables.deleted:
            raise pipeline_exists(name)
        made = self._write(workspace, name, draft, earlier, fresh=True)
        tables.deleted.discard(key)
        return made

    async def get(self, workspace: str, name: str) -> Pipeline:
        """As `PostgresPipelines.get`."""
        found = self._memory.tables.pipelines.get((workspace, name))
        if found is None or (workspace, name) in self._memory.tables.deleted:
            raise pipeline_not_found(name)
        return self._scheduled(found)

    async def get_version(self, workspace: str, name: str, version: int) -> PipelineVersion:
        """As `PostgresPipelines.get_version`."""
        found = self._memory.tables.versions.get((workspace, name, version))
        if found is None:
            raise version_not_found(name, version)
        return found

    async def list(self, workspace: str, *, after: str = "", limit: int) -> Sequence[Pipeline]:
        """As `PostgresPipelines.list`."""
        tables = self._memory.tables
        found = [
            replace(self._scheduled(pipeline), spec=b"", source_text="")
            for key, pipeline in sorted(tables.pipelines.items())
            if key[0] == workspace and key[1] > after and key not in tables.deleted
        ]
        return found[:limit]

    async def list_versions(
        self, workspace: str, name: str, *, before: int | None = None, limit: int
    ) -> Sequence[PipelineVersion]:
        """As `PostgresPipelines.list_versions`."""
        await self.get(workspace, name)
        found = [
            replace(version, spec=b"", source_text="")
            for key, version in sorted(self._memory.tables.versions.items(), reverse=True)
            if key[:2] == (workspace, name) and (before is None or key[2] < before)
        ]
        return found[:limit]

    async def update(
        self, workspace: str, name: str, draft: PipelineDraft, *, etag: str = ""
    ) -> Pipeline:
        """As `PostgresPipelines.update`."""
        return self._write(workspace, name, draft, await self._matched(workspace, name, etag))

    async def delete(self, workspace: str, name: str, *, etag: str = "") -> None:
        """As `PostgresPipelines.delete`."""
        found = await self._matched(workspace, name, etag)
        tables = self._memory.tables
        tables.pipelines[workspace, name] = replace(found, etag=_next(found.etag))
        tables.deleted.add((workspace, name))
        schedules.forget(self._memory, workspace, name)
        triggers.follow(self._memory, workspace, name, None)
        arrivals.forget(self._memory, workspace, name)

    async def _matched(self, workspace: str, name: str, etag: str) -> Pipeline:
        found = await self.get(workspace, name)
        if etag not in ("", found.etag):
            raise etag_mismatch("pipeline", name, found.etag)
        return found

    def _write(
        self,
        workspace: str,
        name: str,
        draft: PipelineDraft,
        earlier: Pipeline | None,
        *,
        fresh: bool = False,
    ) -> Pipeline:
        triggers.check(self._memory, workspace, name, draft.triggers)
        now = self._memory.now()
        made = Pipeline(
            workspace=workspace,
            name=name,
            version=1 if earlier is None else earlier.version + 1,
            etag='"1"' if earlier is None else _next(earlier.etag),
            create_time=now if earlier is None or fresh else earlier.create_time,
            update_time=now,
            **{content: getattr(draft, content) for content in _CONTENT},
        )
        same = {field.name for field in fields(PipelineVersion)} & {*_CONTENT, "version"}
        version = PipelineVersion(
            workspace=workspace,
            pipeline=name,
            create_time=now,
            **{content: getattr(made, content) for content in same},
        )
        self._memory.tables.versions[workspace, name, made.version] = version
        self._memory.tables.pipelines[workspace, name] = made
        schedules.follow(self._memory, workspace, name, draft.schedule)
        triggers.follow(self._memory, workspace, name, draft.triggers)
        return self._scheduled(made)

    def _scheduled(self, pipeline: Pipeline) -> Pipeline:
        state = self._memory.tables.schedules.get((pipeline.workspace, pipeline.name))
        triggered = triggers.state_of(self._memory, pipeline.workspace, pipeline.name)
        return replace(pipeline, schedule=state, triggers=triggered)


def _next(etag: str) -> str:
    return f'"{int(etag.strip(chr(34))) + 1}"'
