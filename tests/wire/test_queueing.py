"""Queues, priorities and reasons to wait over the wire."""

from __future__ import annotations

import pytest

from etlplus.domain.errors import InvalidInput
from etlplus.v1 import job_pb2, pipeline_pb2
from tests.wire.platform import ORDERS, SOURCE, WORKSPACE, Platform, create

LIMITS = "limits: {priority: 70, queue: heavy, concurrency: 1}\n"
PARAMS = {"day": "2026-01-01"}


async def test_a_job_tells_where_it_waits_and_why(served: Platform) -> None:
    await create(served, SOURCE.rstrip() + "\n" + LIMITS)
    request = pipeline_pb2.RunPipelineRequest(name=ORDERS, params=PARAMS)
    made = await served.client.pipelines.RunPipeline(request)
    assert (made.priority, made.queue) == (70, "heavy")
    job = await served.client.jobs.GetJob(job_pb2.GetJobRequest(name=made.name))
    assert job.wait.reason == job_pb2.JobWait.REASON_WORKER
    assert job.wait.message == "no worker serves the queue 'heavy'"
    asked = job_pb2.ListJobsRequest(parent=WORKSPACE)
    (listed,) = (await served.client.jobs.ListJobs(asked)).jobs
    assert listed == job


async def test_a_request_names_its_priority(served: Platform) -> None:
    await create(served, SOURCE.rstrip() + "\n" + LIMITS)
    for asked in (0, 100):
        request = pipeline_pb2.RunPipelineRequest(name=ORDERS, params=PARAMS, priority=asked)
        assert (await served.client.pipelines.RunPipeline(request)).priority == asked
    for wrong in (-1, 101):
        request = pipeline_pb2.RunPipelineRequest(name=ORDERS, params=PARAMS, priority=wrong)
        with pytest.raises(InvalidInput):
            await served.client.pipelines.RunPipeline(request)
