"""Jobs that wait: how they come to queue up as they do, and what is told of them."""

from __future__ import annotations

from uuid import uuid4

from etlplus.domain.events import Snapshot
from etlplus.domain.job import Lease
from etlplus.domain.queueing import WaitReason
from tests.unit.app.service import LEASE, ME, PARENT, Service

NAME = f"{PARENT}/pipelines/orders"
LIMITED = "limits: {concurrency: 1, priority: 30, queue: heavy}"


async def test_a_job_queues_up_as_its_definition_says(service: Service) -> None:
    await service.create(extra=LIMITED)
    job = await service.job()
    assert (job.queue, job.priority) == ("heavy", 30)


async def test_a_request_can_give_another_priority(service: Service) -> None:
    await service.create(extra=LIMITED)
    assert (await service.plans.run(ME, NAME, priority=0)).priority == 0
    dry = await service.plans.run(ME, NAME, priority=99, validate_only=True)
    assert (dry.priority, dry.queue) == (99, "heavy")


async def test_a_repeat_of_a_request_with_a_priority_is_the_same_job(service: Service) -> None:
    await service.create()
    request_id = str(uuid4())
    first = await service.plans.run(ME, NAME, priority=60, request_id=request_id)
    again = await service.plans.run(ME, NAME, priority=60, request_id=request_id)
    assert again.uid == first.uid


async def test_whoever_looks_is_told_why_a_job_waits(service: Service) -> None:
    await service.create(extra="limits: {concurrency: 1}")
    await service.stores.queue.serve(uuid4(), ["default"], lease=LEASE)
    await service.job()
    lease = await service.claim()
    waiting = await service.job()
    name = f"{PARENT}/jobs/{waiting.uid}"
    shown = (await service.jobs.get(ME, name)).wait
    assert shown is not None
    assert (shown.reason, shown.message) == (
        WaitReason.CONCURRENCY,
        "1 of 1 runs of the pipeline are running",
    )
    page = await service.jobs.list(ME, PARENT)
    assert [job.wait for job in page.items] == [shown, None]
    watch = service.jobs.watch(ME, name)
    first = await anext(watch)
    assert isinstance(first, Snapshot)
    assert first.job.wait == shown
    await watch.aclose()
    assert await service.stores.jobs.release(lease)


async def test_a_job_of_a_queue_that_nobody_serves_is_told_so(service: Service) -> None:
    await service.create(extra=LIMITED)
    job = await service.job()
    wait = (await service.jobs.get(ME, f"{PARENT}/jobs/{job.uid}")).wait
    assert wait is not None
    assert wait.message == "no worker serves the queue 'heavy'"
    (claimed,) = await service.stores.jobs.claim(uuid4(), lease=LEASE, queues=["heavy"])
    assert await service.stores.jobs.is_current(Lease(claimed.uid, claimed.epoch))
