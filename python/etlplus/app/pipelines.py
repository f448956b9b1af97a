"""Use cases of pipelines: keeping them. Asking about them and running them is in `planning`."""

from __future__ import annotations

from datetime import UTC, datetime

from etlplus.app.access import enter
from etlplus.app.definitions import Definition, Definitions
from etlplus.app.paging import Page, PageTokens, page_size
from etlplus.app.ports import Stores
from etlplus.app.requests import once
from etlplus.domain import names
from etlplus.domain.errors import AlreadyExists, InvalidInput, NotFound
from etlplus.domain.pipeline import Pipeline, PipelineDraft, PipelineVersion
from etlplus.domain.principal import Principal
from etlplus.domain.request import RequestKey


class Pipelines:
    """Creates, shows, lists, updates and deletes pipelines. Names are resource names."""

    def __init__(self, stores: Stores, definitions: Definitions, tokens: PageTokens) -> None:
        """Keeps pipelines in the stores."""
        self._stores = stores
        self._definitions = definitions
        self._tokens = tokens

    async def create(
        self,
        caller: Principal,
        parent: str,
        *,
        pipeline_id: str = "",
        spec: bytes | None = None,
        source_text: str = "",
        message: str = "",
        request_id: str = "",
        validate_only: bool = False,
    ) -> Pipeline:
        """Stores a new pipeline at version 1; its id is the definition's name.

        Raises:
            InvalidInput: SPEC_INVALID; INVALID_ARGUMENT when `pipeline_id` is another name;
                UPSTREAM_UNKNOWN, TRIGGER_CYCLE.
            AlreadyExists: PIPELINE_EXISTS.
        """
        workspace = enter(caller, names.parse_workspace(parent))
        definition = await self._definitions.read(spec, source_text)
        name = _named(definition, pipeline_id)
        draft = _draft(definition, source_text, caller, message)
        if validate_only:
            await self._stores.triggers.check(workspace, name, draft.triggers)
            return await self._dry_create(workspace, name, draft)
        return await once(
            self._stores.requests,
            RequestKey(workspace, "CreatePipeline", request_id),
            (name, draft.content_hash, source_text, message),
            lambda: self._stores.pipelines.create(workspace, name, draft),
            write=_version_text,
            read=lambda answer: self._at(workspace, name, int(answer)),
        )

    async def get(self, caller: Principal, name: str, *, version: int = 0) -> Pipeline:
        """The pipeline at a version; 0 for the newest.

        Raises:
            NotFound: PIPELINE_NOT_FOUND, VERSION_NOT_FOUND.
        """
        workspace, pipeline = names.parse_pipeline(name)
        return await self._at(enter(caller, workspace), pipeline, version)

    async def list(
        self, caller: Principal, parent: str, *, size: int = 0, page_token: str = ""
    ) -> Page[Pipeline]:
        """Pipelines by name. Raises InvalidInput (PAGE_TOKEN_INVALID)."""
        workspace = enter(caller, names.parse_workspace(parent))
        limit = page_size(size)
        arguments = {"list": "pipelines", "workspace": workspace}
        after = (await self._tokens.read(arguments, page_token))[0] if page_token else ""
        found = await self._stores.pipelines.list(workspace, after=after, limit=limit + 1)
        more = len(found) > limit
        token = await self._tokens.write(arguments, [found[limit - 1].name]) if more else ""
        return Page(tuple(found[:limit]), token)

    async def versions(
        self, caller: Principal, name: str, *, size: int = 0, page_token: str = ""
    ) -> Page[PipelineVersion]:
        """Versions of a pipeline, newest first.

        Raises:
            NotFound: PIPELINE_NOT_FOUND.
            InvalidInput: PAGE_TOKEN_INVALID.
        """
        workspace, pipeline = names.parse_pipeline(name)
        enter(caller, workspace)
        limit = page_size(size)
        arguments = {"list": "versions", "parent": name}
        before = int((await self._tokens.read(arguments, page_token))[0]) if page_token else None
        found = await self._stores.pipelines.list_versions(
            workspace, pipeline, before=before, limit=limit + 1
        )
        more = len(found) > limit
        last = [str(found[limit - 1].version)] if more else []
        return Page(tuple(found[:limit]), await self._tokens.write(arguments, last) if more else "")

    async def update(
        self,
        caller: Principal,
        name: str,
        *,
        spec: bytes | None = None,
        source_text: str = "",
        message: str = "",
        etag: str = "",
        allow_missing: bool = False,
        request_id: str = "",
        validate_only: bool = False,
    ) -> Pipeline:
        """Stores the next version; the same definition and text again make none.

        Raises:
            InvalidInput: SPEC_INVALID; INVALID_ARGUMENT when the definition has another name;
                UPSTREAM_UNKNOWN, TRIGGER_CYCLE.
            NotFound: PIPELINE_NOT_FOUND, unless `allow_missing` creates it.
            EtagMismatch: it has changed since `etag`.
        """
        workspace, pipeline = names.parse_pipeline(name)
        enter(caller, workspace)
        definition = await self._definitions.read(spec, source_text)
        _named(definition, pipeline)
        draft = _draft(definition, source_text, caller, message)
        if validate_only:
            await self._stores.triggers.check(workspace, pipeline, draft.triggers)
            return await self._dry_update(workspace, pipeline, draft, allow_missing=allow_missing)

        async def change() -> Pipeline:
            return await self._change(workspace, pipeline, draft, etag, allow_missing=allow_missing)

        return await once(
            self._stores.requests,
            RequestKey(workspace, "UpdatePipeline", request_id),
            (pipeline, draft.content_hash, source_text, message, etag, allow_missing),
            change,
            write=_version_text,
            read=lambda answer: self._at(workspace, pipeline, int(answer)),
        )

    async def delete(
        self,
        caller: Principal,
        name: str,
        *,
        etag: str = "",
        request_id: str = "",
        validate_only: bool = False,
    ) -> None:
        """Takes a pipeline away; its jobs stay.

        Raises:
            NotFound: PIPELINE_NOT_FOUND.
            EtagMismatch: it has changed since `etag`.
        """
        workspace, pipeline = names.parse_pipeline(name)
        enter(caller, workspace)
        if validate_only:
            await self._stores.pipelines.get(workspace, pipeline)
            return

        async def remove() -> str:
            await self._stores.pipelines.delete(workspace, pipeline, etag=etag)
            return "deleted"

        await once(
            self._stores.requests,
            RequestKey(workspace, "DeletePipeline", request_id),
            (pipeline, etag),
            remove,
            write=str,
            read=_unchanged,
        )

    async def _change(
        self, workspace: str, name: str, draft: PipelineDraft, etag: str, *, allow_missing: bool
    ) -> Pipeline:
        store = self._stores.pipelines
        try:
            now = await store.get(workspace, name)
        except NotFound:
            if not allow_missing:
                raise
            return await store.create(workspace, name, draft)
        same = now.content_hash == draft.content_hash and now.source_text == draft.source_text
        if same and etag in ("", now.etag):
            return now
        return await store.update(workspace, name, draft, etag=etag)

    async def _at(self, workspace: str, name: str, version: int) -> Pipeline:
        now = await self._stores.pipelines.get(workspace, name)
        if version in (0, now.version):
            return now
        old = await self._stores.pipelines.get_version(workspace, name, version)
        return Pipeline(
            workspace=workspace,
            name=name,
            version=old.version,
            etag=now.etag,
            spec=old.spec,
            source_text=old.source_text,
            author=old.author,
            message=old.message,
            content_hash=old.content_hash,
            create_time=now.create_time,
            update_time=old.create_time,
        )

    async def _dry_create(self, workspace: str, name: str, draft: PipelineDraft) -> Pipeline:
        try:
            await self._stores.pipelines.get(workspace, name)
        except NotFound:
            return _unsaved(workspace, name, draft)
        raise AlreadyExists(
            f"There is a pipeline {name!r} already", code="PIPELINE_EXISTS", metadata={"name": name}
        )

    async def _dry_update(
        self, workspace: str, name: str, draft: PipelineDraft, *, allow_missing: bool
    ) -> Pipeline:
        try:
            now = await self._stores.pipelines.get(workspace, name)
        except NotFound:
            if not allow_missing:
                raise
            return _unsaved(workspace, name, draft)
        return _unsaved(workspace, name, draft, now)


def _named(definition: Definition, wanted: str) -> str:
    name = definition.name
    if wanted and wanted != name:
        raise InvalidInput(
            f"The definition's name is {name!r}, not {wanted!r}",
            place="name",
            hint=f"Write `name: {wanted}`, or use the pipeline {name!r}",
            metadata={"name": name, "wanted": wanted},
        )
    return names.check_id(name, "pipeline")


def _draft(
    definition: Definition, source_text: str, caller: Principal, message: str
) -> PipelineDraft:
    return PipelineDraft(
        definition.spec,
        source_text,
        caller.id,
        message,
        schedule=definition.schedule,
        triggers=definition.triggers,
    )


def _version_text(pipeline: Pipeline) -> str:
    return str(pipeline.version)


async def _unchanged(answer: str) -> str:
    return answer


def _unsaved(
    workspace: str, name: str, draft: PipelineDraft, now: Pipeline | None = None
) -> Pipeline:
    """What storing the draft would answer, as far as it is known."""
    moment = datetime.now(UTC)
    return Pipeline(
        workspace=workspace,
        name=name,
        version=now.version + 1 if now else 1,
        etag=now.etag if now else "",
        spec=draft.spec,
        source_text=draft.source_text,
        author=draft.author,
        message=draft.message,
        content_hash=draft.content_hash,
        create_time=now.create_time if now else moment,
        update_time=moment,
    )
