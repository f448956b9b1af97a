"""What pipelines have read of sources that are read part by part: show, reset."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from etlplus.cli import exits
from etlplus.cli.message import plain
from etlplus.cli.output import Output, write
from etlplus.cli.pipelines import identifier, moment
from etlplus.cli.session import CALL_SECONDS, HERE, Remote, session
from etlplus.cli.text import line, number, table
from etlplus.v1 import pipeline_pb2


def show(pipeline: str, /, *, output: Output = "table", remote: Remote = HERE) -> int:
    """Show how far a pipeline has come with each source that it reads part by part.

    Parameters
    ----------
    pipeline
        The pipeline.
    """
    with session(remote) as opened:
        request = pipeline_pb2.GetPipelineStateRequest(name=opened.pipeline(pipeline))
        state = opened.client.pipelines.GetPipelineState(request, timeout=CALL_SECONDS)
    write(plain(state), output, lambda: _table(state))
    return exits.OK


def reset(
    pipeline: str,
    /,
    *,
    source: Annotated[str, Parameter(help="The source; all of them unless given.")] = "",
    to: Annotated[str, Parameter(help="The value to read from; the beginning unless given.")] = "",
    output: Output = "table",
    remote: Remote = HERE,
) -> int:
    """Let the next run of a pipeline read from a value on, or from the beginning.

    What was loaded stays in the targets: sinks that append hold rows twice that are read again.
    Refused while a job of the pipeline has not ended.

    Parameters
    ----------
    pipeline
        The pipeline.
    """
    with session(remote) as opened:
        request = pipeline_pb2.ResetPipelineStateRequest(
            name=opened.pipeline(pipeline), source=source, value=to
        )
        state = opened.client.pipelines.ResetPipelineState(request, timeout=CALL_SECONDS)
    write(plain(state), output, lambda: _table(state))
    return exits.OK


def _read(position: pipeline_pb2.SourcePosition) -> str:
    """Up to where a source was read."""
    if position.kind == "files":
        last = f", the last {line(position.value)}" if position.value else ""
        return f"{number(position.files)} file{'' if position.files == 1 else 's'}{last}"
    if not position.kind:
        return "nothing yet"
    return f"{'up to' if position.inclusive else 'before'} {line(position.value)}"


def _table(state: pipeline_pb2.PipelineState) -> str:
    rows = [
        (
            each.source,
            each.column or "-",
            each.type or "-",
            _read(each),
            moment(each.update_time.ToJsonString()),
            identifier(each.rolling_back) or "-",
        )
        for each in state.sources
    ]
    return table(("SOURCE", "COLUMN", "TYPE", "READ", "SINCE", "ROLLING BACK"), rows)
