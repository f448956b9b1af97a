"""Lists the pipelines that something starts: schedules, triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from etlplus.cli import exits
from etlplus.cli.message import plain
from etlplus.cli.output import Format, write
from etlplus.cli.pipelines import identifier, stored_pipelines
from etlplus.cli.session import Remote, session

if TYPE_CHECKING:
    from collections.abc import Callable

    from etlplus.v1 import pipeline_pb2


def list_started(
    field: Literal["schedule_state", "trigger_state"],
    table: Callable[[list[pipeline_pb2.Pipeline]], str],
    output: Format,
    remote: Remote,
) -> int:
    """Prints the pipelines that have this state, as `table` says, and warns of their errors."""
    with session(remote) as opened:
        found = [one for one in stored_pipelines(opened) if one.HasField(field)]
    write([plain(one) for one in found], output, lambda: table(found))
    for one in found:
        error = getattr(one, field).error
        if error.code:
            remote.screen.warning(f"{identifier(one.name)}: {error.code}: {error.message}")
    return exits.OK
