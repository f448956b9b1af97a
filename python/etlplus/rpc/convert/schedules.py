"""Schedules and planned runs."""

from __future__ import annotations

from uuid import UUID

from etlplus.app.scheduling import PlannedRun
from etlplus.domain import names
from etlplus.domain.schedule import ScheduleState
from etlplus.rpc.convert.jobs import to_error
from etlplus.rpc.convert.times import to_timestamp
from etlplus.v1 import pipeline_pb2


def to_schedule_state(workspace: str, state: ScheduleState) -> pipeline_pb2.ScheduleState:
    """Where a schedule stands. One that is paused has no next run."""
    message = pipeline_pb2.ScheduleState(
        next_run_time=None if state.paused else to_timestamp(state.next_time),
        paused=state.paused,
        last_run_time=to_timestamp(state.last_time),
        last_job=names.job_name(workspace, UUID(state.last_job)) if state.last_job else "",
        timezone=state.schedule.timezone,
        summary=state.schedule.summary,
    )
    if state.error is not None:
        message.error.CopyFrom(to_error(state.error))
    return message


def to_upcoming(run: PlannedRun) -> pipeline_pb2.UpcomingRun:
    """A planned run."""
    return pipeline_pb2.UpcomingRun(
        scheduled_time=to_timestamp(run.instant), local_time=run.local.isoformat()
    )
