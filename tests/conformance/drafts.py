"""What the tests store."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from etlplus.app.ports import Stores
from etlplus.domain.job import Job, Lease, NewJob
from etlplus.domain.names import new_job_id
from etlplus.domain.pipeline import PipelineDraft
from etlplus.domain.queueing import Queueing

WORKSPACE = "default"
PIPELINE = "flights"
LEASE = timedelta(minutes=5)
#: A lease that has run out when it is taken: no test has to wait for one.
EXPIRED = timedelta(seconds=-1)


def draft(text: str = "one") -> PipelineDraft:
    return PipelineDraft(spec=text.encode(), source_text=text, author="root", message=f"say {text}")


async def pipeline(stores: Stores) -> None:
    await stores.pipelines.create(WORKSPACE, PIPELINE, draft())


async def submit(stores: Stores, *, author: str = "root", **queueing: Any) -> Job:
    """A waiting job; the pipeline must be there."""
    how = Queueing(**queueing)
    job = NewJob(WORKSPACE, new_job_id(), PIPELINE, 1, {"day": "1"}, author, queueing=how)
    return await stores.jobs.create(job)


async def claim(stores: Stores, lease: timedelta = LEASE) -> tuple[Job, Lease]:
    """The next job, claimed by a fresh worker."""
    (job,) = await stores.jobs.claim(uuid4(), lease=lease)
    return job, Lease(job.uid, job.epoch)


async def running(stores: Stores) -> tuple[Job, Lease]:
    """A pipeline's only job, claimed."""
    await pipeline(stores)
    await submit(stores)
    return await claim(stores)
