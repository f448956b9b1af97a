"""What lets a pipeline run besides a schedule: which pipelines it runs after, and when that is due.

Files that arrive are told of in `domain/arrival.py`.

Of one upstream pipeline each success starts a run. Of several, a run starts once each of them has
succeeded since the last such run; it takes along all successes that wait by then, so that an
upstream that runs more often than the others leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from etlplus.domain.arrival import FileTrigger, WatchState
from etlplus.domain.errors import InvalidInput
from etlplus.domain.job import JobError, JobState

#: Who asks for the runs that triggers start.
AUTHOR: Final = "trigger"
#: What listeners to hints name instead of a job: one succeeded that a pipeline waits for.
ARRIVED: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Triggers:
    """What a definition says.

    Attributes:
        after: ids of the pipelines that it runs after, each once; none when others start it.
        params: values of parameters, as text.
        files: the files whose arrival starts it; None when none does.
        webhook: names of the secrets that its webhook accepts; empty when it has none.
    """

    after: tuple[str, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    files: FileTrigger | None = None
    webhook: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a pipeline stands that another one runs after.

    Attributes:
        waiting: how many of its successes have not started a job yet.
        newest_job: its newest job, as text; empty when it has none.
        newest_state: where that job stands.
        deleted: whether the pipeline is there no more.
    """

    pipeline: str
    waiting: int = 0
    newest_job: str = ""
    newest_state: JobState | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class TriggerState:
    """Where a pipeline's triggers stand.

    Attributes:
        triggers: as the newest version says.
        upstreams: of each pipeline in `after`, in its order.
        last_time: when a job was last queued.
        last_job: that job, as text.
        error: why none can be queued; nothing is tried until it is saved or resumed.
        watch: where the watch of files stands; None when none are watched.
    """

    triggers: Triggers
    upstreams: tuple[Upstream, ...]
    paused: bool = False
    last_time: datetime | None = None
    last_job: str = ""
    error: JobError | None = None
    watch: WatchState | None = None


@dataclass(frozen=True, slots=True, order=True)
class TriggerKey:
    """The place of a trigger among those that are due."""

    workspace: str
    pipeline: str


@dataclass(frozen=True, slots=True)
class DueTrigger:
    """A pipeline for which enough has arrived, or whose files are to be looked at."""

    workspace: str
    pipeline: str
    version: int
    triggers: Triggers

    @property
    def key(self) -> TriggerKey:
        """Its place."""
        return TriggerKey(self.workspace, self.pipeline)


@dataclass(frozen=True, slots=True)
class Success:
    """A job that succeeded, the instant it ran for, and the zone in which that is told."""

    upstream: str
    job: UUID
    instant: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class Firing:
    """A run to be started by these successes."""

    successes: tuple[Success, ...]

    @property
    def newest(self) -> Success:
        """The success whose instant the run is for: the newest, of equal ones the first."""
        return max(self.successes, key=lambda success: success.instant)


def firings(after: Sequence[str], waiting: Sequence[Success]) -> tuple[Firing, ...]:
    """The runs that waiting successes start.

    Args:
        after: the upstream pipelines.
        waiting: successes that have started nothing, in the order in which they came.
    """
    awaited = tuple(success for success in waiting if success.upstream in after)
    if len(after) == 1:
        return tuple(Firing((success,)) for success in awaited)
    if after and {success.upstream for success in awaited} == set(after):
        return (Firing(awaited),)
    return ()


def check_upstreams(
    pipeline: str, after: Sequence[str], known: Iterable[str], graph: Mapping[str, Sequence[str]]
) -> None:
    """A pipeline may run after these.

    Args:
        pipeline: its id.
        after: what it would run after.
        known: ids of the stored pipelines.
        graph: what the other stored pipelines run after.

    Raises:
        InvalidInput: UPSTREAM_UNKNOWN, TRIGGER_CYCLE.
    """
    stored = {*known, pipeline}
    for name in after:
        if name not in stored:
            raise InvalidInput(
                f"There is no pipeline {name!r} that {pipeline!r} could run after",
                code="UPSTREAM_UNKNOWN",
                place="triggers.after",
                hint=f"Store {name!r} first; `etlplus list` shows what is stored",
                metadata={"name": pipeline, "upstream": name},
            )
    cycle = _cycle(pipeline, {**graph, pipeline: after})
    if cycle:
        shown = " after ".join(cycle)
        raise InvalidInput(
            f"Pipelines would wait for each other: {shown}",
            code="TRIGGER_CYCLE",
            place="triggers.after",
            hint="Leave one of them out of `after`",
            metadata={"name": pipeline, "cycle": ",".join(cycle)},
        )


def _cycle(start: str, graph: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """A way from a pipeline over what it runs after back to itself; empty when there is none."""
    came_from: dict[str, str] = {}
    ahead = [start]
    while ahead:
        here = ahead.pop()
        for name in graph.get(here, ()):
            if name == start:
                return _way(came_from, here, start)
            if name not in came_from:
                came_from[name] = here
                ahead.append(name)
    return ()


def _way(came_from: Mapping[str, str], last: str, start: str) -> tuple[str, ...]:
    way = [start, last]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    return tuple(reversed(way))
