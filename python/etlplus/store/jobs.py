"""The queue and record of jobs in PostgreSQL."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, LiteralString, cast

from psycopg import errors, sql
from psycopg.types.json import Jsonb

from etlplus.domain.errors import AlreadyExists, NotFound
from etlplus.domain.job import (
    Beat,
    Job,
    JobKey,
    JobState,
    Lease,
    NewJob,
    Settlement,
    SinkRollback,
)
from etlplus.domain.queueing import QUEUE
from etlplus.domain.trigger import ARRIVED
from etlplus.store.bounds import EVENTS_KEPT, LINES_KEPT
from etlplus.store.codec import (
    error_from,
    errors_from,
    errors_to_json,
    lines_to_arrays,
    progress_from,
    rejects_from,
    replay_from,
    replay_to_json,
    rollbacks_from,
    rollbacks_to_json,
    sinks_from,
    sinks_to_json,
    to_json,
)
from etlplus.store.filters import condition
from etlplus.store.history import recall
from etlplus.store.queries import load_queries
from etlplus.store.refusals import already_replayed, lost_workers

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import timedelta
    from uuid import UUID

    from etlplus.domain.events import LogLine
    from etlplus.domain.filter import Expr
    from etlplus.domain.queueing import Queueing
    from etlplus.domain.replay import Replay
    from etlplus.domain.run import Progress
    from etlplus.store.database import Database
    from etlplus.store.hints import Hints

_SQL = load_queries("jobs")
_GET = "\n".join((_SQL["select"], _SQL["get"]))
_GET_ANY = "\n".join((_SQL["select"], _SQL["get_any"]))
_LIST = "\n".join((_SQL["select"], _SQL["list"]))


class PostgresJobs:
    """JobStore in PostgreSQL."""

    def __init__(self, database: Database, hints: Hints) -> None:
        """Uses an open database; workers and watchers are told by hints."""
        self._database = database
        self._hints = hints

    async def create(self, job: NewJob) -> Job:
        """Adds a job to the queue.

        Raises:
            AlreadyExists: The id is taken.
            NotFound: VERSION_NOT_FOUND.
            WrongState: ALREADY_REPLAYED.
        """
        params = {
            "uid": job.uid,
            "workspace": job.workspace,
            "pipeline": job.pipeline,
            "version": job.version,
            "params": Jsonb(dict(job.params)),
            "author": job.author,
            "scheduled_time": job.scheduled_time,
            "zone": job.zone or None,
            "plan_hash": job.plan_hash,
            "webhook": job.webhook,
            "replay_of": job.replay and job.replay.of,
            "replay": None if job.replay is None else replay_to_json(job.replay),
            **queueing_params(job.queueing),
        }
        try:
            row = await self._create(params, job.replay)
        except errors.UniqueViolation:
            raise AlreadyExists(f"Job {job.uid} exists already.") from None
        except errors.ForeignKeyViolation:
            raise NotFound(
                f"Pipeline {job.pipeline} has no version {job.version}.", code="VERSION_NOT_FOUND"
            ) from None
        self._hints.send(None)
        return _job(row)

    async def get(self, workspace: str, uid: UUID) -> Job:
        """The job as it is now.

        Raises:
            NotFound: JOB_NOT_FOUND.
        """
        named = {"workspace": workspace, "uid": uid}
        row = await self._database.fetch_one(_GET, named)
        if row is None:
            row = await self._database.fetch_one(_GET_ANY, named)
        if row is None:
            raise NotFound(f"There is no job {uid}.", code="JOB_NOT_FOUND")
        return _job(row)

    async def list(
        self,
        workspace: str,
        filter: Expr | None = None,  # noqa: A002 - the contract's word
        *,
        after: JobKey | None = None,
        limit: int,
        among: Collection[UUID] | None = None,
    ) -> Sequence[Job]:
        """Jobs that pass the filter, newest first, from just after a key; only those `among`."""
        conditions: list[sql.Composable] = [sql.SQL("workspace = {}").format(workspace)]
        if filter is not None:
            conditions.append(condition(filter))
        if after is not None:
            key = sql.SQL("(create_time, uid) < ({}, {})").format(after.create_time, after.uid)
            conditions.append(key)
        if among is not None:
            conditions.append(sql.SQL("uid = any({})").format(list(among)))
        query = sql.SQL("{} {} order by create_time desc, uid desc limit {}").format(
            sql.SQL(_LIST), sql.SQL(" and ").join(conditions), limit
        )
        return [_job(row) for row in await self._database.fetch_all(query)]

    async def request_cancel(self, workspace: str, uid: UUID) -> Job:
        """Cancels a waiting job, asks a running one to stop; an ended one stays as it is.

        Raises:
            NotFound: JOB_NOT_FOUND.
        """
        params = {"workspace": workspace, "uid": uid}
        return await self._change(_SQL["request_cancel"], params)

    async def roll_back(self, workspace: str, uid: UUID, rollbacks: Sequence[SinkRollback]) -> Job:
        """Notes that sinks were rolled back; what is noted of a sink already stays.

        Raises:
            NotFound: JOB_NOT_FOUND.
        """
        params = {
            "workspace": workspace,
            "uid": uid,
            "rollbacks": rollbacks_to_json(rollbacks),
        }
        async with self._database.transaction():
            await recall(self._database, workspace, uid)
            return await self._change(_SQL["roll_back"], params)

    async def claim(
        self,
        worker: UUID,
        *,
        lease: timedelta,
        limit: int = 1,
        queues: Sequence[str] = (QUEUE,),
    ) -> Sequence[Job]:
        """Takes waiting jobs, by priority and age, as far as limits let them start.

        Args:
            worker: The claimer's session: a fresh id per start of a process.
            lease: How long the claim holds without a heartbeat.
            limit: How many jobs at most.
            queues: Whose jobs.

        Returns:
            The jobs, running, each with an epoch later than any before.
        """
        params = {"worker": worker, "lease": lease, "queues": list(queues)}
        rows = await self._database.fetch_all(_claim(limit), params)
        self._hints.send(*(row["uid"] for row in rows))
        rows.sort(key=lambda row: (row["turn"], row["uid"]))
        return [_job(_CLAIMED | row) for row in rows]

    async def heartbeat(self, leases: Sequence[Lease], *, lease: timedelta) -> Mapping[UUID, Beat]:
        """Prolongs claims. A job that is missing in the answer is lost and must be stopped."""
        if not leases:
            return {}
        params = {
            "jobs": [held.job for held in leases],
            "epochs": [held.epoch for held in leases],
            "lease": lease,
        }
        rows = await self._database.fetch_all(_SQL["heartbeat"], params)
        return {row["uid"]: Beat(row["cancel_requested"], row["remaining"]) for row in rows}

    async def progress(self, lease: Lease, progress: Progress) -> bool:
        """Records counters. False: the claim is lost, nothing was recorded."""
        return await self._touch(
            "progress", lease, {"progress": to_json(progress), "keep": EVENTS_KEPT}
        )

    async def settle(
        self, lease: Lease, settlement: Settlement, lines: Sequence[LogLine] = ()
    ) -> bool:
        """Ends a job, with the last lines of its log. False: the claim is lost, nothing changed."""
        params = {"state": settlement.state.value, **_result(settlement), **lines_to_arrays(lines)}
        return await self._touch("settle", lease, {**params, "keep": LINES_KEPT})

    async def retry(
        self, lease: Lease, failure: Settlement, *, delay: timedelta, counts: bool = True
    ) -> bool:
        """Puts a job that failed off for a while. False: the claim is lost, nothing was changed."""
        params = {"delay": delay, "counts": counts, **_result(failure)}
        return await self._touch("put_back", lease, params, frees=True)

    async def release(self, lease: Lease) -> bool:
        """Hands a job back at once, without spending an attempt. False: the claim is lost."""
        return await self._touch("put_back", lease, _NO_RESULT, frees=True)

    async def rescue(self, *, max_lost: int = 3) -> int:
        """Puts jobs with expired claims back, or fails those that lost `max_lost` workers.

        Returns:
            How many jobs it was.
        """
        params = {"max_lost": max_lost, "error": to_json(lost_workers(max_lost))}
        rows = await self._database.fetch_all(_SQL["rescue"], params)
        if rows:
            self._hints.send(None, *(row["uid"] for row in rows))
        return len(rows)

    async def is_current(self, lease: Lease) -> bool:
        """Whether a claim still holds and has not run out."""
        params = {"job": lease.job, "epoch": lease.epoch}
        row = await self._database.fetch_one(_SQL["is_current"], params)
        return bool(_present(row)["is_current"])

    async def earlier(self, uid: UUID, *, limit: int) -> Sequence[Progress]:
        """Counters of the latest other runs of its kind that succeeded, newest first."""
        rows = await self._database.fetch_all(_SQL["earlier"], {"uid": uid, "limit": limit})
        return [progress_from(row["progress"]) for row in rows]

    async def live_leases(self) -> Sequence[Lease]:
        """All claims of running jobs: what belongs to any other may be swept away."""
        rows = await self._database.fetch_all(_SQL["live_leases"])
        return [Lease(row["uid"], row["epoch"]) for row in rows]

    async def _create(self, params: Mapping[str, object], replay: Replay | None) -> dict[str, Any]:
        if replay is None:
            return _present(await self._database.fetch_one(_SQL["create"], params))
        # Asked after it is added: until then another one may stand, or move to the history.
        async with self._database.transaction():
            row = await self._database.fetch_one(_SQL["create"], params)
            standing = await self._database.fetch_one(_SQL["standing_replay"], params)
            if row is None or standing is not None:
                raise already_replayed(replay.of, standing["uid"] if standing else None)
        return row

    async def _change(self, query: LiteralString, params: Mapping[str, object]) -> Job:
        """The job as it is after a statement, which may have changed nothing."""
        row = await self._database.fetch_one(query, params)
        uid = cast("UUID", params["uid"])
        if row is not None:
            self._hints.send(uid)
        return await self.get(str(params["workspace"]), uid)

    async def _touch(
        self, query: str, lease: Lease, params: Mapping[str, object], *, frees: bool = False
    ) -> bool:
        """Whether a statement of the claim's holder changed the job. `frees`: others may claim."""
        named = {**params, "job": lease.job, "epoch": lease.epoch}
        row = await self._database.fetch_one(_SQL[query], named)
        if row is None:
            return False
        # The end of a run may be what a job with the same limit waits for.
        frees = frees or (query == "settle" and row["limited"])
        arrives = (ARRIVED,) if query == "settle" and row["arrives"] else ()
        self._hints.send(lease.job, *((None,) if frees else ()), *arrives)
        return True


#: What is the same for every job that was just claimed.
_CLAIMED: dict[str, Any] = {
    "state": JobState.RUNNING.value,
    "cancel_requested": False,
    "end_time": None,
    "progress": {},
    "error": None,
    "warnings": [],
    "rollbacks": [],
}
#: What handing back leaves as it is.
_NO_RESULT: Mapping[str, object] = {
    **dict.fromkeys(("delay", "progress", "sinks", "rejects", "error", "warnings")),
    "counts": False,
}


def _result(settlement: Settlement) -> dict[str, object]:
    error = settlement.error
    return {
        "progress": to_json(settlement.progress),
        "sinks": sinks_to_json(settlement.sinks),
        "rejects": to_json(settlement.rejects),
        "error": None if error is None else to_json(error),
        "warnings": errors_to_json(settlement.warnings),
    }


def queueing_params(queueing: Queueing) -> dict[str, object]:
    """How a job queues up, as the statements that insert one name it."""
    return asdict(queueing)


@lru_cache(maxsize=64)
def _claim(limit: int) -> bytes:
    """The statement as it is sent: what is composed would be put together again for each claim."""
    before, _, after = _SQL["claim"].partition("{limit}")
    return sql.SQL("{}{}{}").format(sql.SQL(before), sql.Literal(limit), sql.SQL(after)).as_bytes()


def _present(row: dict[str, Any] | None) -> dict[str, Any]:
    if row is None:
        raise LookupError("a statement that always answers did not")
    return row


def job_from(row: Mapping[str, Any]) -> Job:
    """A job from its row."""
    return _job(row)


def _job(row: Mapping[str, Any]) -> Job:
    return Job(
        workspace=row["workspace"],
        uid=row["uid"],
        pipeline=row["pipeline"],
        version=row["version"],
        state=JobState(row["state"]),
        params=row["params"],
        author=row["author"],
        create_time=row["create_time"],
        priority=row["priority"],
        queue=row["queue"],
        plan_hash=row["plan_hash"],
        attempt=row["attempt"],
        lost_leases=row["lost_leases"],
        epoch=row["epoch"],
        cancel_requested=row["cancel_requested"],
        start_time=row["start_time"],
        end_time=row["end_time"],
        progress=progress_from(row["progress"]),
        sinks=sinks_from(row["sinks"]),
        rejects=rejects_from(row["rejects"]),
        error=error_from(row["error"]),
        warnings=errors_from(row["warnings"]),
        sequence=row["sequence"],
        rollbacks=rollbacks_from(row["rollbacks"]),
        scheduled_time=row["scheduled_time"],
        retries=row["retries"],
        replay=replay_from(row["replay"]),
        # A job that waits for its first attempt, or was handed back, has no error.
        retry_time=row["run_at"] if row["state"] == "PENDING" and row["error"] else None,
        zone=row["zone"] or "",
        upstream=tuple(row.get("upstream", ())),
        downstream=tuple(row.get("downstream", ())),
        arrived=tuple(row.get("arrived", ())),
        arrived_count=row.get("arrived_count", 0),
    )
