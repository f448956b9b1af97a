"""Lets a run read only what another job refused, and makes sure that it did."""

from __future__ import annotations

from collections.abc import Sequence

from etlplus.app.ports import JobStore
from etlplus.domain import names
from etlplus.domain.errors import RunError, WrongState
from etlplus.domain.job import Job
from etlplus.domain.replay import ReadAgain, Replay
from etlplus.domain.run import RunOutcome
from etlplus.executor.environment import Environment


async def check_standing(job: Job, jobs: JobStore) -> None:
    """Makes sure that the other rows of a job whose rejects are replayed are still loaded.

    Raises:
        WrongState: NOTHING_PUBLISHED.
    """
    if job.replay is None:
        return
    original = await jobs.get(job.workspace, job.replay.of)
    if original.rollbacks:
        raise WrongState(
            f"Job {original.uid} was rolled back, so that its other rows are not loaded any more",
            code="NOTHING_PUBLISHED",
            hint="Run the whole pipeline again",
            metadata={"job": str(original.uid)},
        )


def read_again(replay: Replay | None, environment: Environment) -> Sequence[ReadAgain]:
    """What the engine is told; nothing for a run that reads all.

    Raises:
        WrongState: REJECTS_GONE.
    """
    if replay is None:
        return ()
    path = environment.rejects_file(names.load_id(replay.of))
    if not path.is_file():
        raise WrongState(
            f"The rejects of job {replay.of} are not kept here",
            code="REJECTS_GONE",
            place=str(path),
            hint="They lie in the data folder of the worker that ran the job",
        )
    return [
        ReadAgain(source.name, str(path), source.steps, replay.since)
        for source in replay.plan.sources
    ]


def check_read(replay: Replay | None, outcome: RunOutcome) -> None:
    """Makes sure, before anything is published, that as many records were read as were refused.

    Raises:
        RunError: SOURCE_CHANGED.
    """
    if replay is None:
        return
    read = {node.name: node.rows_in for node in outcome.progress.nodes}
    for source in replay.plan.sources:
        found = read.get(source.name, 0)
        if found != source.rows:
            raise RunError(
                f"Of {source.rows} refused records that were to be read again, {found} were read",
                code="SOURCE_CHANGED",
                place=source.name,
                hint="Run the whole pipeline again",
                metadata={"source": source.name},
            )
