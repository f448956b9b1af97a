"""The use case of reading again what a job refused."""

from __future__ import annotations

from dataclasses import replace

from etlplus.app.access import enter
from etlplus.app.definitions import Definitions
from etlplus.app.ports import RejectReader, Stores
from etlplus.app.requests import once
from etlplus.domain import names
from etlplus.domain.errors import WrongState
from etlplus.domain.job import Job, JobState, NewJob
from etlplus.domain.principal import Principal
from etlplus.domain.replay import Refused, Replay
from etlplus.domain.request import RequestKey

_RUN: str = "Run the pipeline again"


class JobReplays:
    """Replays the rejects of jobs that have ended. Names are resource names."""

    def __init__(self, stores: Stores, definitions: Definitions, rejects: RejectReader) -> None:
        """`rejects` knows whether they are kept."""
        self._stores = stores
        self._definitions = definitions
        self._rejects = rejects

    async def replay(self, caller: Principal, name: str, *, request_id: str = "") -> Job:
        """Queues a run of the newest version over what a job refused. Nothing has run yet.

        Returns:
            The new job; its `replay` tells what it reads and what is left out.

        Raises:
            NotFound: JOB_NOT_FOUND, PIPELINE_NOT_FOUND.
            InvalidInput: PARAM_INVALID, REQUEST_ID_REUSED.
            WrongState: JOB_NOT_ENDED, NOTHING_PUBLISHED, NOTHING_TO_REPLAY, REJECTS_GONE,
                ALREADY_REPLAYED, REPLAY_UNSUPPORTED.
        """
        workspace, uid = names.parse_job(name)
        enter(caller, workspace)

        async def submit() -> Job:
            job = await self._stores.jobs.get(workspace, uid)
            return await self._stores.jobs.create(await self._new_job(caller, job, name))

        return await once(
            self._stores.requests,
            RequestKey(workspace, "ReplayRejects", request_id),
            (name,),
            submit,
            write=lambda job: names.job_name(job.workspace, job.uid),
            read=lambda answer: self._stores.jobs.get(*names.parse_job(answer)),
        )

    async def _new_job(self, caller: Principal, job: Job, name: str) -> NewJob:
        _check(job, name)
        pipelines = self._stores.pipelines
        old = await pipelines.get_version(job.workspace, job.pipeline, job.version)
        new = await pipelines.get(job.workspace, job.pipeline)
        plan = await self._definitions.plan_replay(old.spec, new.spec, refused(job))
        if not await self._rejects.is_kept(job):
            raise WrongState(
                f"The rejects of job {job.uid} are not kept any more",
                code="REJECTS_GONE",
                place=name,
                hint=_RUN,
                metadata={"name": name},
            )
        await self._definitions.takes(new.spec, job.params)
        instant = job.scheduled_time or job.create_time
        queueing = await self._definitions.queueing(new.spec, job.params, instant)
        return NewJob(
            workspace=job.workspace,
            uid=names.new_job_id(),
            pipeline=job.pipeline,
            version=new.version,
            params=job.params,
            author=caller.id,
            # `${run.scheduled_date}` must be what it was, or other files would be read.
            scheduled_time=instant,
            zone=job.zone,
            queueing=replace(queueing, priority=job.priority),
            replay=Replay(job.uid, job.start_time or job.create_time, plan),
        )


def refused(job: Job) -> list[Refused]:
    """What each source, step and sink of a job refused, those with rows."""
    codes: dict[str, set[str]] = {}
    rows: dict[str, int] = {}
    for count in job.rejects.counts:
        codes.setdefault(count.step, set()).add(count.code)
        # A row with several reasons counts under each: one of them alone is not too many.
        rows[count.step] = max(rows.get(count.step, 0), count.rows)
    rows |= {node.name: node.rejected for node in job.progress.nodes if node.rejected}
    return [Refused(step, rows[step], frozenset(codes.get(step, ()))) for step in rows]


def _check(job: Job, name: str) -> None:
    metadata = {"name": name, "state": job.state.value}
    if not job.state.is_final:
        raise WrongState(
            f"The job is {job.state.value}",
            code="JOB_NOT_ENDED",
            place=name,
            hint="Wait for its end",
            metadata=metadata,
        )
    if job.state is not JobState.SUCCEEDED:
        raise WrongState(
            f"The job is {job.state.value}, so that its other rows are not loaded either",
            code="NOTHING_PUBLISHED",
            place=name,
            hint="Roll back what it has published, and run the pipeline again"
            if job.sinks
            else _RUN,
            metadata=metadata,
        )
    if job.rollbacks:
        raise WrongState(
            "The job was rolled back, so that its other rows are not loaded any more",
            code="NOTHING_PUBLISHED",
            place=name,
            hint=_RUN,
            metadata=metadata,
        )
