"""Schedules: list, pause, resume, and when pipelines run next."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from etlplus.cli import exits
from etlplus.cli.definition import is_file, load
from etlplus.cli.message import plain
from etlplus.cli.output import Output, write
from etlplus.cli.pipelines import identifier, moment
from etlplus.cli.session import CALL_SECONDS, HERE, Remote, Session, session
from etlplus.cli.starting import list_started
from etlplus.cli.text import table
from etlplus.domain.errors import WrongState
from etlplus.v1 import pipeline_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from etlplus.cli.screen import Screen

_PAGE = 1000


def list_schedules(*, output: Output = "table", remote: Remote = HERE) -> int:
    """List the pipelines that run by themselves: when next, and what became of the last."""
    return list_started("schedule_state", _table, output, remote)


def _table(found: list[pipeline_pb2.Pipeline]) -> str:
    rows = []
    for one in found:
        state = one.schedule_state
        rows.append(
            (
                identifier(one.name),
                f"{state.summary} {state.timezone}",
                _next(state),
                moment(state.last_run_time.ToJsonString()) if state.last_job else "-",
                identifier(state.last_job) or "-",
                state.error.code,
            )
        )
    return table(("PIPELINE", "SCHEDULE", "NEXT", "LAST", "JOB", "ERROR"), rows)


def _next(state: pipeline_pb2.ScheduleState) -> str:
    if state.paused:
        return "paused"
    if not state.HasField("next_run_time"):
        return "none"
    return moment(state.next_run_time.ToJsonString())


def pause(pipeline: str, /, *, output: Output = "table", remote: Remote = HERE) -> int:
    """Stop a pipeline from running by itself until it is resumed.

    Parameters
    ----------
    pipeline
        The pipeline.
    """
    with session(remote) as opened:
        request = pipeline_pb2.PausePipelineScheduleRequest(name=opened.pipeline(pipeline))
        changed = opened.client.pipelines.PausePipelineSchedule(request, timeout=CALL_SECONDS)
    write(plain(changed), output, lambda: _told(changed))
    return exits.OK


def resume(pipeline: str, /, *, output: Output = "table", remote: Remote = HERE) -> int:
    """Let a pipeline run by itself again, from the next planned instant on.

    What was planned while it was paused is left out; `etlplus backfill` runs it. Successes of the
    pipelines that it runs after were kept, and are run now.

    Parameters
    ----------
    pipeline
        The pipeline.
    """
    with session(remote) as opened:
        request = pipeline_pb2.ResumePipelineScheduleRequest(name=opened.pipeline(pipeline))
        changed = opened.client.pipelines.ResumePipelineSchedule(request, timeout=CALL_SECONDS)
    write(plain(changed), output, lambda: _told(changed))
    return exits.OK


def _told(changed: pipeline_pb2.Pipeline) -> str:
    if not changed.HasField("schedule_state"):
        stands = "paused" if changed.trigger_state.paused else "waits for what starts it"
        return f"{identifier(changed.name)} {stands}\n"
    return f"{identifier(changed.name)} next run: {_next(changed.schedule_state)}\n"


def upcoming(
    target: str, count: int = 5, /, *, output: Output = "table", remote: Remote = HERE
) -> int:
    """Show when a pipeline runs next by its schedule.

    A file is looked at right here, without a server. An interval without `start` is then counted
    from now.

    Parameters
    ----------
    target
        A pipeline file, `-` for standard input, or the name of a stored pipeline.
    count
        How many runs.
    """
    if is_file(target):
        runs = _of_file(target, count, remote.screen)
    else:
        with session(remote) as opened:
            request = pipeline_pb2.ListUpcomingRunsRequest(parent=opened.pipeline(target))
            runs = list(islice(planned_runs(opened, request), max(0, count)))
    write([plain(run) for run in runs], output, lambda: shown(runs))
    return exits.OK


def shown(runs: list[pipeline_pb2.UpcomingRun]) -> str:
    """Planned runs as a table."""
    rows = [(moment(run.scheduled_time.ToJsonString()), run.local_time) for run in runs]
    return table(("TIME", "LOCAL TIME"), rows)


def planned_runs(
    opened: Session, request: pipeline_pb2.ListUpcomingRunsRequest
) -> Iterator[pipeline_pb2.UpcomingRun]:
    """Planned runs of a stored pipeline, page by page. Raises EtlError."""
    request.page_size = request.page_size or _PAGE
    while True:
        answer = opened.client.pipelines.ListUpcomingRuns(request, timeout=CALL_SECONDS)
        yield from answer.upcoming_runs
        if not answer.next_page_token:
            return
        request.page_token = answer.next_page_token


def _of_file(path: str, count: int, screen: Screen) -> list[pipeline_pb2.UpcomingRun]:
    from etlplus.app.scheduling import runs_of  # noqa: PLC0415 takes time that --help has not
    from etlplus.domain.schedule import instants  # noqa: PLC0415 the same
    from etlplus.language import PipelineLanguage  # noqa: PLC0415 the same
    from etlplus.rpc.convert.schedules import to_upcoming  # noqa: PLC0415 the same

    schedule = PipelineLanguage().summarize(load(path, screen).spec).schedule
    if schedule is None:
        raise WrongState(
            f"{path} has no schedule",
            code="SCHEDULE_MISSING",
            hint='Add one, as in `schedule: {cron: "15 2 * * *", timezone: Europe/Berlin}`',
        )
    now = datetime.now(UTC).replace(microsecond=0)
    found = instants(schedule, now, datetime.max.replace(tzinfo=UTC), now)
    planned = list(islice(found, max(0, count)))
    return [to_upcoming(run) for run in runs_of(schedule, planned)]
