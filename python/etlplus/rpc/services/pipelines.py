"""Serves `etlplus.v1.PipelineService`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final

from google.protobuf.empty_pb2 import Empty

from etlplus.app.pipelines import Pipelines
from etlplus.app.planning import Asked, Plans
from etlplus.app.scheduling import Scheduling
from etlplus.app.states import PipelineStates
from etlplus.app.versions import Versions
from etlplus.domain.errors import InvalidInput
from etlplus.rpc.call import Context, caller
from etlplus.rpc.convert import jobs as to_jobs
from etlplus.rpc.convert import pipelines as convert
from etlplus.rpc.convert.masks import fields_to_change
from etlplus.rpc.convert.reports import to_planned
from etlplus.rpc.convert.schedules import to_upcoming
from etlplus.rpc.convert.states import to_state
from etlplus.rpc.convert.times import from_timestamp
from etlplus.rpc.streams import closing, in_pieces
from etlplus.v1 import job_pb2, pipeline_pb2

_CHANGEABLE: Final = ("spec", "source_text", "message")

AskingRequest = pipeline_pb2.PlanPipelineRequest | pipeline_pb2.PreviewPipelineRequest


class PipelineServicer:
    """Translates; the use cases decide."""

    def __init__(
        self,
        pipelines: Pipelines,
        versions: Versions,
        plans: Plans,
        scheduling: Scheduling,
        states: PipelineStates,
    ) -> None:
        self._pipelines = pipelines
        self._versions = versions
        self._plans = plans
        self._scheduling = scheduling
        self._states = states

    async def CreatePipeline(  # noqa: N802, D102 the contract's
        self, request: pipeline_pb2.CreatePipelineRequest, _context: Context
    ) -> pipeline_pb2.Pipeline:
        given = request.pipeline
        created = await self._pipelines.create(
            caller(),
            request.parent,
            pipeline_id=request.pipeline_id,
            spec=convert.from_spec(given.spec) if given.HasField("spec") else None,
            source_text=given.source_text,
            message=given.message,
            request_id=request.request_id,
            validate_only=request.validate_only,
        )
        return convert.to_pipeline(created)

    async def GetPipeline(  # noqa: N802, D102 the contract's
        self, request: pipeline_pb2.GetPipelineRequest, _context: Context
    ) -> pipeline_pb2.Pipeline:
        found = await self._pipelines.get(caller(), request.name, version=request.version)
        return convert.to_pipeline(found)

    async def ListPipelines(  # noqa: N802, D102 the contract's
        self, request: pipeline_pb2.ListPipelinesRequest, _context: Context
    ) -> pipeline_pb2.ListPipelinesResponse:
        page = await self._pipelines.list(
            caller(), request.parent, size=request.page_size, page_token=request.page_token
        )
        return pipeline_pb2.ListPipelinesResponse(
            pipelines=[convert.to_pipeline(item, full=False) for item in page.items],
            next_page_token=page.next_token,
        )

    async def UpdatePipeline(  # noqa: N802, D102 the contract's
        self, request: pipeline_pb2.UpdatePipelineRequest, _context: Context
    ) -> pipeline_pb2.Pipeline:
        given = request.pipeline
        changed = fields_to_change(given, request.update_mask, _CHANGEABLE)
        if not changed & {"spec", "source_text"}:
            raise InvalidInput(
                "A new version needs a definition",
                place="update_mask",
                hint="Name `spec` or `source_text` in the mask, or leave the mask out",
            )
        spec = given.HasField("spec") and "spec" in changed
        updated = await self._pipelines.update(
            caller(),
            given.name,
            spec=convert.from_spec(given.spec) if spec else None,
            source_text=given.source_text if "source_text" in changed else "",
            message=given.message if "message" in changed else "",
            etag=given.etag,
            allow_missing=request.allow_missing,
            request_id=request.request_id,
            validate_only=request.validate_only,
        )
        return convert.to_pipeline(updated)

    async def DeletePipeline(  # noqa: N802, D102 the contract's
        self, request: pipeline_pb2.DeletePipelineRequest, _context: Context
    ) -> Empty:
        await self._pipelines.delete(
            caller(),
            request.name,
            etag=request.etag,
            request_id=request.request_id,
            validate_only=request.validate_only,
        )
        return Empty()

    async def ListPipelineVersions(  # noqa: N802, D102 the contract's
        self, request: pipeline_pb2.ListPipelineVersionsRequest, _context: Context
    ) -> pipeline_pb2.ListPipelineVersionsResponse:
        page = await self._pipelines.versions(
            caller(), request.parent, size=request.page_size, page_token=request.page_token
        )
        return pipeline_pb2.ListPipelineVersionsResponse(
            pipeline_versions=[convert.to_version(item) for item in page.items],
            next_page_token=page.next_token,
        )

    async def ComparePipelineVersions(  # noqa: N802, D102 the contract's
        self, request: pipeline_pb2.ComparePipelineVersionsRequest, _context: Context
    ) -> pipeline_pb2.ComparePipelineVersionsResponse:
        found = await self._versions.compare(
            caller(), request.name, old=request.old_version, new=request.new_version
        )
        return convert.to_comparison(found)

    async def RestorePipelineVersion(  # noqa: N802, D102 the contract's
        self, request: pipeline_pb2.RestorePipelineVersionRequest, _context: Context
    ) -> pipeline_pb2.Pipeline:
        restored = await self._versions.restore(
            caller(),
            request.name,
            request.version,
            message=request.message,
            etag=request.etag,
            request_id=request.request_id,
            validate_only=request.validate_only,
        )
        return convert.to_pipeline(restored)

    async def ValidatePipeline(  # noqa: N802, D102 the contract's
        self, request: pipeline_pb2.ValidatePipelineRequest, _context: Context
    ) -> pipeline_pb2.ValidatePipelineResponse:
        found = await self._plans.validate(
            caller(),
            request.parent,
            spec=convert.from_spec(request.spec) if request.HasField("spec") else None,
            source_text=request.source_text,
        )
        return convert.to_validation(found.spec, found.problems)

    async def PlanPipeline(  # noqa: N802, D102 the contract's
        self, request: pipeline_pb2.PlanPipelineRequest, _context: Context
    ) -> pipeline_pb2.PlanPipelineResponse:
        planned = await self._plans.plan(
            caller(),
            request.parent,
            _asked(request),
            dict(request.params),
            sample=request.sample_rows if request.HasField("sample_rows") else None,
        )
        answer = to_planned(planned.survey)
        answer.warnings.extend(convert.to_problems(planned.warnings))
        return answer

    async def PreviewPipeline(  # noqa: N802, D102 the contract's
        self, request: pipeline_pb2.PreviewPipelineRequest, _context: Context
    ) -> AsyncGenerator[pipeline_pb2.PreviewPipelineResponse, None]:
        stream = self._plans.preview(
            caller(),
            request.parent,
            _asked(request),
            dict(request.params),
            node=request.node,
            rows=request.rows,
        )
        async with closing(stream) as pieces:
            async for piece in pieces:
                for part in in_pieces(piece):
                    yield pipeline_pb2.PreviewPipelineResponse(arrow_ipc=part)

    async def RunPipeline(  # noqa: N802, D102 the contract's
        self, request: pipeline_pb2.RunPipelineRequest, _context: Context
    ) -> job_pb2.Job:
        job = await self._plans.run(
            caller(),
            request.name,
            version=request.version,
            params=dict(request.params),
            request_id=request.request_id,
            validate_only=request.validate_only,
            scheduled_time=from_timestamp(request, "scheduled_time"),
            priority=request.priority if request.HasField("priority") else None,
            plan_hash=request.plan_hash,
        )
        return to_jobs.to_job(job)

    async def PausePipelineSchedule(  # noqa: N802, D102 the contract's
        self, request: pipeline_pb2.PausePipelineScheduleRequest, _context: Context
    ) -> pipeline_pb2.Pipeline:
        changed = await self._scheduling.pause(caller(), request.name, paused=True)
        return convert.to_pipeline(changed)

    async def ResumePipelineSchedule(  # noqa: N802, D102 the contract's
        self, request: pipeline_pb2.ResumePipelineScheduleRequest, _context: Context
    ) -> pipeline_pb2.Pipeline:
        changed = await self._scheduling.pause(caller(), request.name, paused=False)
        return convert.to_pipeline(changed)

    async def ListUpcomingRuns(  # noqa: N802, D102 the contract's
        self, request: pipeline_pb2.ListUpcomingRunsRequest, _context: Context
    ) -> pipeline_pb2.ListUpcomingRunsResponse:
        page = await self._scheduling.upcoming(
            caller(),
            request.parent,
            after=from_timestamp(request, "after_time"),
            until=from_timestamp(request, "until_time"),
            size=request.page_size,
            page_token=request.page_token,
        )
        return pipeline_pb2.ListUpcomingRunsResponse(
            upcoming_runs=[to_upcoming(run) for run in page.items], next_page_token=page.next_token
        )

    async def GetPipelineState(  # noqa: N802, D102 the contract's
        self, request: pipeline_pb2.GetPipelineStateRequest, _context: Context
    ) -> pipeline_pb2.PipelineState:
        return to_state(request.name, await self._states.get(caller(), request.name))

    async def ResetPipelineState(  # noqa: N802, D102 the contract's
        self, request: pipeline_pb2.ResetPipelineStateRequest, _context: Context
    ) -> pipeline_pb2.PipelineState:
        positions = await self._states.reset(
            caller(), request.name, source=request.source, value=request.value
        )
        return to_state(request.name, positions)


def _asked(request: AskingRequest) -> Asked:
    return Asked(
        name=request.name,
        version=request.version,
        spec=convert.from_spec(request.spec) if request.HasField("spec") else None,
        source_text=request.source_text,
    )
