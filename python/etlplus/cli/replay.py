"""Reads again the rows that a job refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from etlplus.cli.jobs import named
from etlplus.cli.output import Output
from etlplus.cli.run import finish
from etlplus.cli.session import CALL_SECONDS, HERE, Remote, session
from etlplus.cli.text import number
from etlplus.v1 import job_pb2

if TYPE_CHECKING:
    from etlplus.cli.screen import Screen


def replay(
    job: str,
    /,
    *,
    detach: Annotated[bool, Parameter(alias="-d", help="Do not wait for the end.")] = False,
    output: Output = "table",
    remote: Remote = HERE,
) -> int:
    """Run the newest version of a job's pipeline over the rows that the job refused.

    Store a version that takes them first. Rows are replayed once; what the new job refuses can be
    replayed from there. A file that was changed since is refused, and nothing is loaded.

    Parameters
    ----------
    job
        The job's id, or `last`.
    """
    with session(remote) as opened:
        request = job_pb2.ReplayRejectsRequest(name=named(opened, job))
        made = opened.client.jobs.ReplayRejects(request, timeout=CALL_SECONDS)
        _tell(made, remote.screen)
        return finish(opened, made, output, remote.screen, detach=detach)


def _tell(job: job_pb2.Job, screen: Screen) -> None:
    """Says how many of the rejects are replayed, and why not the others."""
    left = job.replay.left_out
    rows = job.replay.rows
    total = rows + sum(each.rows for each in left)
    original = job.replay_of.rsplit("/", 1)[-1]
    screen.note(f"reads again {number(rows)} of {number(total)} rows that job {original} refused")
    for each in left:
        screen.hint(f"{number(each.rows)} of `{each.step}` are left out: {each.reason}")
