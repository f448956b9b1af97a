"""Jobs: roll back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from etlplus.cli import exits
from etlplus.cli.confirm import confirmed
from etlplus.cli.jobs import named
from etlplus.cli.message import plain
from etlplus.cli.output import Output, write
from etlplus.cli.session import HERE, LOOK_SECONDS, Remote, session
from etlplus.cli.text import number, size, table
from etlplus.v1 import job_pb2

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Seconds that restoring large targets may take.
_RESTORE_SECONDS: Final = 3600.0


def rollback(
    job: str,
    /,
    *,
    cascade: Annotated[
        bool, Parameter(help="Roll back later loads into the same targets as well.")
    ] = False,
    reason: Annotated[str, Parameter(help="Why, for the ledger.")] = "",
    dry_run: Annotated[bool, Parameter(help="Only print what would be done.")] = False,
    yes: Annotated[bool, Parameter(alias="-y", help="Do not ask.")] = False,
    output: Output = "table",
    remote: Remote = HERE,
) -> int:
    """Restore what readers of a job's targets saw before it, and ask before.

    Rolling back a job twice changes nothing. Where others have changed the job's rows since,
    nothing is changed and the command fails.

    Parameters
    ----------
    job
        The job's id, or `last`.
    """
    screen = remote.screen
    with session(remote) as opened:
        request = job_pb2.RollbackJobRequest(
            name=named(opened, job), cascade=cascade, reason=reason, validate_only=True
        )
        planned = opened.client.jobs.RollbackJob(request, timeout=LOOK_SECONDS)
        loads = list(planned.loads)
        if dry_run:
            write([plain(load) for load in loads], output, lambda: _table(loads))
            return exits.OK
        if all(load.HasField("rollback") for load in loads):
            screen.note(f"job {planned.job.uid} was rolled back before; nothing is left to do")
            write([plain(load) for load in loads], output, lambda: _table(loads))
            return exits.OK
        screen.raw(_table(loads))
        uid = planned.job.uid
        hint = "`--yes` does not ask, `--dry-run` only shows what would be done"
        refusal = f"job {uid} was not rolled back"
        if not yes and not confirmed(f"Roll back job {uid}?", refusal, hint, screen):
            return exits.INVALID
        request.validate_only = False
        done = opened.client.jobs.RollbackJob(request, timeout=_RESTORE_SECONDS)
    write([plain(load) for load in done.loads], output, lambda: _table(done.loads))
    screen.note(f"job {done.job.uid} is rolled back")
    return exits.OK


def _table(loads: Sequence[job_pb2.RolledBackLoad]) -> str:
    rows = [
        (
            load.load_id,
            load.sink,
            load.target,
            load.mode,
            number(load.removed),
            number(load.restored),
            size(load.kept_bytes) if load.kept_bytes else "-",
            _when(load),
        )
        for load in loads
    ]
    head = ("LOAD", "SINK", "TARGET", "MODE", "REMOVES", "RESTORES", "KEPT", "ROLLED BACK")
    return table(head, rows, right="    >>>")


def _when(load: job_pb2.RolledBackLoad) -> str:
    if not load.HasField("rollback"):
        return "not yet"
    return "before" if load.already else "now"
