"""The use case of taking back what a job published."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence

from etlplus.app.access import enter
from etlplus.app.ports import Rollbacks, Stores
from etlplus.app.requests import once
from etlplus.domain import names
from etlplus.domain.errors import WrongState
from etlplus.domain.job import Job
from etlplus.domain.principal import Principal
from etlplus.domain.request import RequestKey
from etlplus.domain.rollback import RolledBack


class JobRollbacks:
    """Rolls back jobs that have ended. Names are resource names."""

    def __init__(self, stores: Stores, rollbacks: Rollbacks) -> None:
        """`rollbacks` reaches the targets."""
        self._stores = stores
        self._rollbacks = rollbacks
        self._running: set[asyncio.Task[Sequence[RolledBack]]] = set()

    async def roll_back(
        self,
        caller: Principal,
        name: str,
        *,
        cascade: bool = False,
        reason: str = "",
        request_id: str = "",
        validate_only: bool = False,
    ) -> tuple[Job, Sequence[RolledBack]]:
        """Restores what readers of a job's targets saw before it; repeating it changes nothing.

        A call that is given up leaves the rollback running to its end.

        Returns:
            The job as it is then, and every load that was rolled back, newest first for a target;
            with `validate_only` those that would be.

        Raises:
            NotFound: JOB_NOT_FOUND.
            WrongState: JOB_NOT_ENDED, NOTHING_PUBLISHED, ROLLBACK_BLOCKED, ROLLBACK_UNAVAILABLE,
                ROLLBACK_CONFLICT.
            RunError: whatever a target says.
        """
        workspace, uid = names.parse_job(name)
        job = await self._stores.jobs.get(enter(caller, workspace), uid)
        _check(job, name)
        if not validate_only:
            key = RequestKey(workspace, "RollbackJob", request_id)
            await self._remember(key, (name, cascade, reason))
        # No database holds the character NUL in a text.
        told = reason.replace("\0", "\ufffd")
        work = self._rollbacks.roll_back(
            job, author=caller.id, reason=told, cascade=cascade, dry_run=validate_only
        )
        done = await self._to_its_end(work)
        return await self._stores.jobs.get(workspace, uid), done

    async def _remember(self, key: RequestKey, body: tuple[object, ...]) -> None:
        """Refuses a request id of another request. The ledgers themselves make repeats harmless.

        The rollback is not made within: it may take long, and a transaction would be held open.
        """

        async def nothing() -> str:
            return "asked"

        async def same(answer: str) -> str:
            return answer

        await once(self._stores.requests, key, body, nothing, write=str, read=same)

    async def _to_its_end(
        self, work: Coroutine[None, None, Sequence[RolledBack]]
    ) -> Sequence[RolledBack]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)


def _check(job: Job, name: str) -> None:
    if not job.state.is_final:
        raise WrongState(
            f"The job is {job.state.value}",
            code="JOB_NOT_ENDED",
            place=name,
            hint="Cancel it, or wait for its end",
            metadata={"name": name, "state": job.state.value},
        )
    if not job.sinks:
        raise WrongState(
            "The job published nothing",
            code="NOTHING_PUBLISHED",
            place=name,
            hint="There is nothing to roll back",
            metadata={"name": name},
        )
