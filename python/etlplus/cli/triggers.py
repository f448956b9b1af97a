"""Triggers: which pipelines run after others, and what they wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etlplus.cli.message import state_name
from etlplus.cli.output import Output
from etlplus.cli.pipelines import identifier, moment
from etlplus.cli.session import HERE, Remote
from etlplus.cli.starting import list_started
from etlplus.cli.text import number, table
from etlplus.v1 import job_pb2

if TYPE_CHECKING:
    from etlplus.v1 import pipeline_pb2


def list_triggers(*, output: Output = "table", remote: Remote = HERE) -> int:
    """List the pipelines that run after others, and how those stand.

    A line for each pipeline that is waited for: its newest job, and how many of its successes have
    not started a run yet.
    """
    return list_started("trigger_state", _table, output, remote)


def _table(found: list[pipeline_pb2.Pipeline]) -> str:
    rows = []
    for one in found:
        state = one.trigger_state
        fired = moment(state.last_fire_time.ToJsonString()) if state.last_job else "-"
        rows += [
            (
                identifier(one.name),
                identifier(upstream.pipeline),
                _newest(upstream),
                number(upstream.waiting),
                "paused" if state.paused else fired,
                identifier(state.last_job) or "-",
                state.error.code,
            )
            for upstream in state.upstreams
        ]
    head = ("PIPELINE", "AFTER", "ITS NEWEST JOB", "WAITING", "LAST", "JOB", "ERROR")
    return table(head, rows, right="   >   ")


def _newest(upstream: pipeline_pb2.UpstreamState) -> str:
    if not upstream.newest_job:
        return "deleted" if upstream.deleted else "none yet"
    state = state_name(job_pb2.Job.State.Name(upstream.newest_state))
    return f"{state}, deleted" if upstream.deleted else state
