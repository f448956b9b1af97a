"""Looks at how many rows are staged, before any of them is published."""

from __future__ import annotations

from etlplus.app.ports import JobStore
from etlplus.domain.job import Job, JobError
from etlplus.domain.run import RunOutcome
from etlplus.domain.volume import Volume, judge, refusal
from etlplus.executor.journal import Journal

_LOOK = "It was published all the same. Look at the source, and at `limits.volume`"


async def check_volume(
    jobs: JobStore,
    job: Job,
    volume: Volume | None,
    outcome: RunOutcome,
    journal: Journal,
    *,
    begun: bool,
) -> tuple[JobError, ...]:
    """What is unusual in the volume of a run and does not end it; it is in the job's log too.

    A replay of rejects reads what it was told and is not judged.

    Args:
        jobs: knows the earlier runs.
        job: whose run it is.
        volume: what the definition says; None for nothing.
        outcome: what is staged.
        journal: the job's log.
        begun: whether a part of the load was published before. Then the rest must follow, and what
            is unusual is a warning.

    Raises:
        RunError: VOLUME_UNUSUAL.
    """
    if volume is None or job.replay is not None:
        return ()
    earlier = await jobs.earlier(job.uid, limit=volume.runs) if volume.looks_back else ()
    unusual = judge(volume, outcome.progress, earlier)
    if any(each.fails for each in unusual) and not begun:
        raise refusal(unusual)
    warnings = tuple(each.error(_LOOK) for each in unusual)
    for each in warnings:
        journal.write(f"{each.code}: {each.message} ({each.place})", level="WARNING")
    return warnings
