"""What a run would do, and its first rows, without moving or writing anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypedDict

from cyclopts import Parameter

from etlplus.cli import arrow, exits
from etlplus.cli.definition import is_file, load, parameters
from etlplus.cli.message import plain
from etlplus.cli.output import Output, write
from etlplus.cli.session import HERE, LOOK_SECONDS, Remote, Session, session
from etlplus.cli.text import table
from etlplus.domain.errors import InvalidInput
from etlplus.v1 import pipeline_pb2

if TYPE_CHECKING:
    from etlplus.cli.screen import Screen
    from etlplus.v1 import report_pb2

_WIDEST = 40


class _Named(TypedDict, total=False):
    """Which pipeline is meant: a stored one, or a file's text."""

    name: str
    source_text: str


def _which(opened: Session, target: str, screen: Screen) -> _Named:
    if is_file(target):
        return {"source_text": load(target, screen).text}
    return {"name": opened.pipeline(target)}


def plan(
    target: str,
    /,
    *,
    param: Annotated[
        list[str] | None, Parameter(alias="-p", help="NAME=VALUE; may be given often.")
    ] = None,
    explain: Annotated[bool, Parameter(help="Add the engine's own plan.")] = False,
    output: Output = "table",
    remote: Remote = HERE,
) -> int:
    """Show what a run would do, without moving a row.

    Sources are opened and targets are looked at, so that types, columns and connections are checked
    against what is really there.

    Parameters
    ----------
    target
        A pipeline file, `-` for standard input, or the name of a stored pipeline.
    """
    screen = remote.screen
    params = parameters(param or ())
    with session(remote) as opened:
        request = pipeline_pb2.PlanPipelineRequest(
            parent=opened.parent, params=params, **_which(opened, target, screen)
        )
        answer = opened.client.pipelines.PlanPipeline(request, timeout=LOOK_SECONDS)
    for warning in answer.warnings:
        screen.warning(f"{warning.code}: {warning.message} ({warning.path})")
    write(plain(answer), output, lambda: _text(answer.report, explain=explain))
    return exits.OK


def _text(report: report_pb2.PlanReport, *, explain: bool) -> str:
    parts = []
    for node in report.nodes:
        notes = "".join(f"  {note}\n" for note in node.notes)
        parts.append(f"{node.name} ({node.kind})\n{notes}{_columns(node.columns)}")
    for sink in report.sinks:
        head = f"{sink.name} ({sink.kind}) → {sink.target}, {sink.mode}\n"
        made = f"{sink.create_statement.rstrip()}\n" if sink.create_statement else ""
        parts.append(head + _columns(sink.columns) + made)
    if explain and report.explain:
        parts.append(report.explain.rstrip() + "\n")
    return "\n".join(parts)


def _columns(columns: Any) -> str:  # noqa: ANN401 a repeated field
    rows = [(f"  {c.name}", c.type, "" if c.nullable else "not null") for c in columns]
    return table(("  COLUMN", "TYPE", ""), rows) if rows else ""


def preview(
    target: str,
    node: str = "",
    /,
    *,
    rows: Annotated[int, Parameter(alias="-n", help="How many rows.")] = 20,
    param: Annotated[
        list[str] | None, Parameter(alias="-p", help="NAME=VALUE; may be given often.")
    ] = None,
    output: Output = "table",
    remote: Remote = HERE,
) -> int:
    """Show the first rows of a source or step. Nothing is written.

    Parameters
    ----------
    target
        A pipeline file, `-` for standard input, or the name of a stored pipeline.
    node
        The source or step; the last step when it is left out.
    """
    params = parameters(param or ())
    with session(remote) as opened:
        which = _which(opened, target, remote.screen)
        request = pipeline_pb2.PreviewPipelineRequest(
            parent=opened.parent,
            params=params,
            node=node or _last_step(opened, which),
            rows=rows,
            **which,
        )
        answers = opened.client.pipelines.PreviewPipeline(request, timeout=LOOK_SECONDS)
        names, found = arrow.read(b"".join(answer.arrow_ipc for answer in answers))
    data = [dict(zip(names, (arrow.plain(v) for v in row), strict=True)) for row in found]
    write(data, output, lambda: table(names, [[arrow.shown(v, _WIDEST) for v in r] for r in found]))
    return exits.OK


def _last_step(opened: Session, which: _Named) -> str:
    """The last step's name, or the last source's where there are no steps."""
    from etlplus.language import parse  # noqa: PLC0415 takes time that --help has not
    from etlplus.v1 import plan_pb2  # noqa: PLC0415 the same

    if "source_text" in which:
        parsed = parse(which["source_text"])
        spec = plan_pb2.PipelineSpec.FromString(parsed.spec or b"")
    else:
        request = pipeline_pb2.GetPipelineRequest(name=which["name"])
        spec = opened.client.pipelines.GetPipeline(request, timeout=LOOK_SECONDS).spec
    nodes = [step.name for step in spec.steps] or [source.name for source in spec.sources]
    if not nodes or not nodes[-1]:
        raise InvalidInput(
            "the last step has no name", place="node", hint="Give it one, or name another step"
        )
    return nodes[-1]
