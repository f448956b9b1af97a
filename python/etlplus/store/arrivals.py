"""Files that start runs, in PostgreSQL."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from etlplus.domain.arrival import FileTrigger, WatchState
from etlplus.domain.trigger import AUTHOR, DueTrigger, TriggerKey, Triggers
from etlplus.store.queries import load_queries

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from etlplus.domain.arrival import FileContent
    from etlplus.domain.queueing import Queueing
    from etlplus.store.database import Database
    from etlplus.store.hints import Hints

_SQL = load_queries("arrivals")
_HOLD = load_queries("triggers")["hold"]
_FIRST = TriggerKey("", "")


class PostgresArrivals:
    """ArrivalStore in PostgreSQL."""

    def __init__(self, database: Database, hints: Hints) -> None:
        """Uses an open database; workers are told by hints."""
        self._database = database
        self._hints = hints

    async def watched(self, *, after: TriggerKey | None = None, limit: int) -> Sequence[DueTrigger]:
        """Triggers with files that may fire, in the order of keys, from after a key."""
        params = {**asdict(after or _FIRST), "limit": limit}
        rows = await self._database.fetch_all(_SQL["watched"], params)
        return [
            DueTrigger(
                row["workspace"], row["pipeline"], row["version"], triggers_from(row["definition"])
            )
            for row in rows
        ]

    async def known(self, due: DueTrigger, contents: Collection[str]) -> frozenset[str]:
        """Those of the contents that have started a run."""
        params = {**_named(due), "contents": list(contents)}
        rows = await self._database.fetch_all(_SQL["known"], params)
        return frozenset(row["content"] for row in rows)

    async def fire(
        self, due: DueTrigger, job: UUID, found: Sequence[FileContent], *, queueing: Queueing
    ) -> int:
        """Queues a job for contents that have started none, all or nothing.

        Args:
            due: the triggers as they were read.
            job: the id of the job.
            found: files; of several with one content the first counts.
            queueing: how the job queues up.

        Returns:
            How many contents started it; 0 when none is new, another replica is at it, or the
            triggers have changed: there is no job then.
        """
        by_content = {file.content: file for file in reversed(found)}
        async with self._database.transaction():
            if await self._database.fetch_one(_HOLD, _named(due)) is None:
                return 0
            # A statement of its own: it sees what whoever held the row before has done.
            known = await self.known(due, by_content)
            new = [file for content, file in by_content.items() if content not in known]
            if not new:
                return 0
            params = {**_named(due), **_files(new), **_job(due, job, queueing)}
            await self._database.fetch_all(_SQL["fire"], params)
            self._hints.send(None)
        return len(new)

    async def looked(self, due: DueTrigger, *, next_look: timedelta, unsettled: int) -> None:
        """Notes that a worker looked, when it looks next, and what had not settled."""
        params = {**_named(due), "next": next_look, "unsettled": unsettled}
        await self._database.execute(_SQL["looked"], params)


async def forget(database: Database, workspace: str, pipeline: str) -> None:
    """Forgets what arrived for a pipeline. Belongs into the transaction that deletes it."""
    await database.execute(_SQL["forget"], {"workspace": workspace, "pipeline": pipeline})


async def watch_states(
    database: Database, workspace: str, pipelines: Sequence[str]
) -> Mapping[str, WatchState]:
    """Where the watches of those pipelines stand that have one."""
    params = {"workspace": workspace, "pipelines": list(pipelines)}
    rows = await database.fetch_all(_SQL["states"], params)
    return {
        row["pipeline"]: WatchState(
            arrived=row["arrived"],
            last_time=row["last_time"],
            last_path=row["last_path"] or "",
            look_time=row["look_time"],
            next_look_time=row["next_look_time"],
            unsettled=row["unsettled"],
        )
        for row in rows
    }


def triggers_to_json(triggers: Triggers) -> dict[str, object]:
    """A definition's triggers, as its row holds them."""
    found: dict[str, object] = {
        "after": list(triggers.after),
        "params": dict(triggers.params),
        "webhook": list(triggers.webhook),
    }
    if triggers.files is not None:
        found["files"] = {
            "source": triggers.files.source,
            "uri": triggers.files.uri,
            "settle": triggers.files.settle.total_seconds(),
        }
    return found


def triggers_from(definition: Mapping[str, Any]) -> Triggers:
    """A definition's triggers from their row."""
    files = definition.get("files")
    return Triggers(
        after=tuple(definition["after"]),
        params=definition["params"],
        # Versions that were stored before there were webhooks do not have the word.
        webhook=tuple(definition.get("webhook", ())),
        files=None
        if files is None
        else FileTrigger(files["source"], files["uri"], timedelta(seconds=files["settle"])),
    )


def _named(due: DueTrigger) -> dict[str, object]:
    files = due.triggers.files
    return {
        "workspace": due.workspace,
        "pipeline": due.pipeline,
        "version": due.version,
        "source": "" if files is None else files.source,
    }


def _files(found: Sequence[FileContent]) -> dict[str, object]:
    return {
        "contents": [file.content for file in found],
        "paths": [file.path for file in found],
        "sizes": [file.size for file in found],
        "modified": [file.modified_ns for file in found],
    }


def _job(due: DueTrigger, job: UUID, queueing: Queueing) -> dict[str, object]:
    return {
        "job": job,
        "params": Jsonb(dict(due.triggers.params)),
        "author": AUTHOR,
        **asdict(queueing),
    }
