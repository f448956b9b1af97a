"""Stores that move each job to the history as soon as it has ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from etlplus.app.ports import HistoryStore, JobStore, Stores

#: What may end a job, or change one that has ended and was brought back for it.
_CHANGES = frozenset({"settle", "request_cancel", "retry", "release", "rescue", "roll_back"})
#: Ends that are in the future too: whatever has ended has rested long enough.
NO_REST = timedelta(seconds=-1)


def archiving(stores: Stores) -> Stores:
    """The same stores, with a history that follows at once."""
    return replace(stores, jobs=cast("JobStore", _Archiving(stores.jobs, stores.history)))


class _Archiving:
    def __init__(self, jobs: JobStore, history: HistoryStore) -> None:
        self._jobs = jobs
        self._history = history

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the store has
        found = getattr(self._jobs, name)
        return self._following(found) if name in _CHANGES else found

    def _following(self, change: Callable[..., Awaitable[object]]) -> Callable[..., object]:
        async def changed(*args: object, **named: object) -> object:
            answer = await change(*args, **named)
            await self._history.archive(rest=NO_REST)
            return answer

        return changed


async def forgotten(stores: Stores) -> set[UUID]:
    """Forgets all that has ended, wherever it is kept; which jobs went."""
    before = {job.uid for job in await stores.jobs.list("default", limit=1000)}
    await stores.queue.forget_jobs(age=NO_REST, limit=1000)
    await stores.history.forget(age=timedelta(days=-1))
    return before - {job.uid for job in await stores.jobs.list("default", limit=1000)}
