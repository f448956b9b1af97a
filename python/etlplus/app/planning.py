"""Use cases that ask what a pipeline would do, and the one that runs it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from etlplus.app.access import enter
from etlplus.app.definitions import Definitions, Validation
from etlplus.app.ports import Planning, Stores
from etlplus.app.requests import once
from etlplus.app.scheduling import planned, unpaused
from etlplus.domain import names
from etlplus.domain.errors import EtlError, InvalidInput, RunError, WrongState
from etlplus.domain.expectation import DEFAULT_SAMPLE, MOST_SAMPLE
from etlplus.domain.job import Job, JobState, NewJob
from etlplus.domain.planhash import Survey
from etlplus.domain.principal import Principal
from etlplus.domain.problem import Problem
from etlplus.domain.request import RequestKey

MOST_PREVIEW_ROWS = 10_000
DEFAULT_PREVIEW_ROWS = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """A pipeline to plan or preview: stored (`name`, `version`, 0 for the newest) or sent along."""

    name: str = ""
    version: int = 0
    spec: bytes | None = None
    source_text: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """What a run would do, and what in the definition is likely a mistake."""

    survey: Survey
    warnings: tuple[Problem, ...]


class Plans:
    """Validates, plans, previews and runs pipelines."""

    def __init__(self, stores: Stores, definitions: Definitions, planning: Planning) -> None:
        """Compiles by `planning`."""
        self._stores = stores
        self._planning = planning
        self._definitions = definitions

    async def validate(
        self, caller: Principal, parent: str, *, spec: bytes | None = None, source_text: str = ""
    ) -> Validation:
        """Every problem of a definition. Expressions are compiled where sources can be reached."""
        workspace = enter(caller, names.parse_workspace(parent))
        found = await self._definitions.examine(spec, source_text)
        if found.spec is None:
            return found
        finding = await self._compile(workspace, found.spec)
        if finding is None:
            return found
        keeps = None if finding.severity == "error" else found.spec
        return Validation(keeps, (*found.problems, finding))

    async def plan(
        self,
        caller: Principal,
        parent: str,
        asked: Asked,
        params: Mapping[str, str],
        *,
        sample: int | None = None,
    ) -> Planned:
        """What a run would do. Raises the language's and the engine's errors.

        Looks at `sample` records of each file source to say what to expect, 10 000 unless said; at
        none for 0.
        """
        workspace, spec, warnings = await self._resolve(caller, parent, asked)
        await self._definitions.takes(spec, params)
        wanted = DEFAULT_SAMPLE if sample is None else min(sample, MOST_SAMPLE)
        survey = await self._planning.plan(workspace, spec, params, sample=wanted, lineage=True)
        return Planned(survey, warnings)

    async def preview(
        self,
        caller: Principal,
        parent: str,
        asked: Asked,
        params: Mapping[str, str],
        *,
        node: str = "",
        rows: int = 0,
    ) -> AsyncIterator[bytes]:
        """The first rows of a source or step (the last step when empty), as one Arrow IPC stream.

        Raises:
            InvalidInput: NODE_UNKNOWN, PARAM_INVALID, and the language's and engine's errors.
        """
        workspace, spec, _ = await self._resolve(caller, parent, asked)
        await self._definitions.takes(spec, params)
        limit = min(rows or DEFAULT_PREVIEW_ROWS, MOST_PREVIEW_ROWS)
        async for piece in self._planning.preview(workspace, spec, params, node, limit):
            yield piece

    async def run(
        self,
        caller: Principal,
        name: str,
        *,
        version: int = 0,
        params: Mapping[str, str] | None = None,
        request_id: str = "",
        validate_only: bool = False,
        scheduled_time: datetime | None = None,
        priority: int | None = None,
        plan_hash: str = "",
        webhook: bool = False,
    ) -> Job:
        """Queues a run of a stored pipeline; 0 runs the newest version. Nothing has run yet.

        Without a priority it has that of the definition.

        With a plan's hash the run is pinned: it fails with PLAN_CHANGED, before it stages anything,
        where its plan has another.

        With a planned instant it takes the schedule's parameters where none are given, and is the
        only run for it: one that has not failed is the answer.

        A run by the webhook takes the parameters of the triggers where none are given.

        Raises:
            NotFound: PIPELINE_NOT_FOUND, VERSION_NOT_FOUND.
            InvalidInput: PARAM_INVALID, REQUEST_ID_REUSED, INSTANT_NOT_PLANNED.
            WrongState: SCHEDULE_MISSING, TRIGGERS_PAUSED; the pipeline has stream sources, which
                only a program can hand in.
        """
        workspace, pipeline = names.parse_pipeline(name)
        enter(caller, workspace)
        given = dict(params or {})

        async def submit() -> Job:
            usual = await self._usual(workspace, pipeline, scheduled_time, webhook=webhook)
            wanted = {**usual, **given}
            job = await self._new_job(
                caller, workspace, pipeline, version, wanted, scheduled_time=scheduled_time
            )
            if priority is not None:
                job = replace(job, queueing=replace(job.queueing, priority=priority))
            job = replace(job, plan_hash=plan_hash, webhook=webhook)
            if validate_only:
                return _unsaved(job)
            if scheduled_time is not None:
                return await self._stores.schedules.run_at(job)
            return await self._stores.jobs.create(job)

        if validate_only:
            return await submit()
        return await once(
            self._stores.requests,
            RequestKey(workspace, "RunPipeline", request_id),
            _body(
                (pipeline, version, given),
                scheduled_time=scheduled_time,
                priority=priority,
                plan_hash=plan_hash,
            ),
            submit,
            write=lambda job: names.job_name(job.workspace, job.uid),
            read=lambda answer: self._stores.jobs.get(*names.parse_job(answer)),
        )

    async def _usual(
        self, workspace: str, pipeline: str, scheduled_time: datetime | None, *, webhook: bool
    ) -> Mapping[str, str]:
        """Values of parameters from the schedule, or for the webhook from the triggers."""
        if webhook:
            return unpaused(await self._stores.pipelines.get(workspace, pipeline)).params
        if scheduled_time is not None:
            stored = await self._stores.pipelines.get(workspace, pipeline)
            return planned(stored, scheduled_time).params
        return {}

    async def _new_job(
        self,
        caller: Principal,
        workspace: str,
        pipeline: str,
        version: int,
        params: dict[str, str],
        *,
        scheduled_time: datetime | None,
    ) -> NewJob:
        stored = await self._stores.pipelines.get(workspace, pipeline)
        spec = stored.spec
        if version not in (0, stored.version):
            old = await self._stores.pipelines.get_version(workspace, pipeline, version)
            spec = old.spec
        summary = await self._definitions.takes(spec, params)
        if summary.streams:
            raise WrongState(
                f"The source {summary.streams[0]!r} is a stream, which the service does not have",
                place=summary.streams[0],
                hint="Run it from the program that has the rows, or read them from files",
            )
        asked = scheduled_time or datetime.now(UTC)
        return NewJob(
            workspace=workspace,
            uid=names.new_job_id(),
            pipeline=pipeline,
            version=version or stored.version,
            params=params,
            author=caller.id,
            scheduled_time=scheduled_time,
            queueing=await self._definitions.queueing(spec, params, asked),
        )

    async def _resolve(
        self, caller: Principal, parent: str, asked: Asked
    ) -> tuple[str, bytes, tuple[Problem, ...]]:
        workspace = enter(caller, names.parse_workspace(parent))
        if not asked.name:
            definition = await self._definitions.read(asked.spec, asked.source_text)
            return workspace, definition.spec, definition.warnings
        holder, pipeline = names.parse_pipeline(asked.name)
        enter(caller, holder)
        if asked.version:
            old = await self._stores.pipelines.get_version(holder, pipeline, asked.version)
            return holder, old.spec, ()
        return holder, (await self._stores.pipelines.get(holder, pipeline)).spec, ()

    async def _compile(self, workspace: str, spec: bytes) -> Problem | None:
        """What compiling finds: an error, or a warning that it was not possible."""
        try:
            await self._definitions.takes(spec, {})
        except InvalidInput:
            return None  # a parameter must be given, so only a run can compile it
        try:
            await self._planning.plan(workspace, spec, {})
        except InvalidInput as error:
            return _finding(error, "error")
        except RunError as error:
            return _finding(error, "warning")
        return None


def _finding(error: EtlError, severity: Literal["error", "warning"]) -> Problem:
    return Problem(
        code=error.code,
        message=error.message,
        path=error.place or "",
        hint=error.hint or "",
        severity=severity,
    )


def _body(
    asked: tuple[object, ...],
    *,
    scheduled_time: datetime | None,
    priority: int | None,
    plan_hash: str,
) -> tuple[object, ...]:
    """What makes two requests the same. What is absent leaves it as it was before it existed."""
    instant = [scheduled_time.isoformat()] if scheduled_time else []
    ranked = [priority] if priority is not None else []
    return (*asked, *instant, *ranked, *([plan_hash] if plan_hash else []))


def _unsaved(job: NewJob) -> Job:
    return Job(
        workspace=job.workspace,
        uid=job.uid,
        pipeline=job.pipeline,
        version=job.version,
        state=JobState.PENDING,
        params=job.params,
        author=job.author,
        create_time=datetime.now(UTC),
        scheduled_time=job.scheduled_time,
        priority=job.queueing.priority,
        queue=job.queueing.queue,
        plan_hash=job.plan_hash,
    )
