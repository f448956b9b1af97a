"""Serves `etlplus.v1.JobService`."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from etlplus.app.jobs import Jobs
from etlplus.app.replay import JobReplays
from etlplus.app.rollback import JobRollbacks
from etlplus.rpc.call import Context, caller
from etlplus.rpc.convert import jobs as convert
from etlplus.rpc.streams import closing, in_batches
from etlplus.v1 import job_pb2


class JobServicer:
    """Translates; the use cases decide."""

    def __init__(self, jobs: Jobs, rollbacks: JobRollbacks, replays: JobReplays) -> None:
        self._jobs = jobs
        self._rollbacks = rollbacks
        self._replays = replays

    async def GetJob(  # noqa: N802, D102 the contract's
        self, request: job_pb2.GetJobRequest, _context: Context
    ) -> job_pb2.Job:
        return convert.to_job(await self._jobs.get(caller(), request.name))

    async def ListJobs(  # noqa: N802, D102 the contract's
        self, request: job_pb2.ListJobsRequest, _context: Context
    ) -> job_pb2.ListJobsResponse:
        page = await self._jobs.list(
            caller(),
            request.parent,
            filter_text=request.filter,
            size=request.page_size,
            page_token=request.page_token,
            chain=request.chain,
        )
        return job_pb2.ListJobsResponse(
            jobs=[convert.to_job(job) for job in page.items], next_page_token=page.next_token
        )

    async def WatchJob(  # noqa: N802, D102 the contract's
        self, request: job_pb2.WatchJobRequest, _context: Context
    ) -> AsyncGenerator[job_pb2.WatchJobResponse, None]:
        stream = self._jobs.watch(caller(), request.name, resume_after=request.resume_after)
        async with closing(stream) as events:
            async for event in events:
                yield convert.to_event(event)

    async def CancelJob(  # noqa: N802, D102 the contract's
        self, request: job_pb2.CancelJobRequest, _context: Context
    ) -> job_pb2.Job:
        return convert.to_job(await self._jobs.cancel(caller(), request.name))

    async def RollbackJob(  # noqa: N802, D102 the contract's
        self, request: job_pb2.RollbackJobRequest, _context: Context
    ) -> job_pb2.RollbackJobResponse:
        job, loads = await self._rollbacks.roll_back(
            caller(),
            request.name,
            cascade=request.cascade,
            reason=request.reason,
            request_id=request.request_id,
            validate_only=request.validate_only,
        )
        return job_pb2.RollbackJobResponse(
            job=convert.to_job(job), loads=[convert.to_rolled_back(load) for load in loads]
        )

    async def ReplayRejects(  # noqa: N802, D102 the contract's
        self, request: job_pb2.ReplayRejectsRequest, _context: Context
    ) -> job_pb2.Job:
        job = await self._replays.replay(caller(), request.name, request_id=request.request_id)
        return convert.to_job(job)

    async def ListRejects(  # noqa: N802, D102 the contract's
        self, request: job_pb2.ListRejectsRequest, _context: Context
    ) -> AsyncGenerator[job_pb2.ListRejectsResponse, None]:
        stream = self._jobs.rejects(
            caller(),
            request.parent,
            skip=request.skip,
            limit=request.limit,
            step=request.step,
            code=request.code,
        )
        async with closing(stream) as batches:
            async for rows in batches:
                for rejects in in_batches(convert.to_reject(row) for row in rows):
                    yield job_pb2.ListRejectsResponse(rejects=rejects)

    async def TailJobLog(  # noqa: N802, D102 the contract's
        self, request: job_pb2.TailJobLogRequest, _context: Context
    ) -> AsyncGenerator[job_pb2.TailJobLogResponse, None]:
        stream = self._jobs.tail_log(
            caller(), request.name, resume_after=request.resume_after, follow=request.follow
        )
        async with closing(stream) as batches:
            async for batch in batches:
                for lines in in_batches(convert.to_line(line) for line in batch):
                    yield job_pb2.TailJobLogResponse(lines=lines)
