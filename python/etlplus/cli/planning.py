"""What a run would do, and its first rows, without moving or writing anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypedDict

from cyclopts import Parameter, validators

from etlplus.cli import arrow, exits
from etlplus.cli.definition import is_file, load, parameters, parse
from etlplus.cli.expectation import expected
from etlplus.cli.message import plain
from etlplus.cli.output import Output, write
from etlplus.cli.session import HERE, LOOK_SECONDS, Remote, Session, session
from etlplus.cli.text import table
from etlplus.domain.errors import InvalidInput
from etlplus.domain.expectation import DEFAULT_SAMPLE, MOST_SAMPLE
from etlplus.v1 import pipeline_pb2, report_pb2

if TYPE_CHECKING:
    from etlplus.cli.screen import Screen

_WIDEST = 40


Param = Annotated[list[str] | None, Parameter(alias="-p", help="NAME=VALUE; may be given often.")]
Sample = Annotated[
    int,
    Parameter(
        validator=validators.Number(gte=0, lte=MOST_SAMPLE),
        help="Records of each file to look at for what to expect; 0 for none.",
    ),
]
Local = Annotated[bool, Parameter(help="Look at a file in this process, without a server.")]


class _Named(TypedDict, total=False):
    """Which pipeline is meant: a stored one, or a file's text."""

    name: str
    source_text: str


def _which(opened: Session, target: str, screen: Screen) -> _Named:
    if is_file(target):
        return {"source_text": load(target, screen).text}
    return {"name": opened.pipeline(target)}


def refuse_stored(target: str) -> None:
    """Returns when `--local` has a file to work on. Raises InvalidInput."""
    if not is_file(target):
        raise InvalidInput(
            f"--local needs a file, and {target} is none",
            place="--local",
            hint="Name a pipeline file; stored pipelines are the server's",
        )


def plan(
    target: str,
    /,
    *,
    param: Param = None,
    local: Local = False,
    explain: Annotated[bool, Parameter(help="Add the engine's own plan.")] = False,
    sample: Sample = DEFAULT_SAMPLE,
    output: Output = "table",
    remote: Remote = HERE,
) -> int:
    """Show what a run would do and what to expect of it, without writing a row.

    Sources are opened and targets are looked at, so that types, columns and connections are checked
    against what is really there. The first records of each file go through the steps: how many rows
    come out and how many are refused is counted, and scaled up where a part tells of the whole.

    Parameters
    ----------
    target
        A pipeline file, `-` for standard input, or the name of a stored pipeline.
    """
    params = parameters(param or ())
    if local:
        refuse_stored(target)
        from etlplus.cli.local import plan_here  # noqa: PLC0415 needs the engine

        answer = plan_here(load(target, remote.screen), params, sample)
    else:
        answer = _plan(target, params, sample, remote)
    for warning in answer.warnings:
        remote.screen.warning(f"{warning.code}: {warning.message} ({warning.path})")
    write(plain(answer), output, lambda: shown(answer, explain=explain))
    return exits.OK


def _plan(
    target: str, params: dict[str, str], sample: int, remote: Remote
) -> pipeline_pb2.PlanPipelineResponse:
    with session(remote) as opened:
        request = pipeline_pb2.PlanPipelineRequest(
            parent=opened.parent,
            params=params,
            sample_rows=sample,
            **_which(opened, target, remote.screen),
        )
        return opened.client.pipelines.PlanPipeline(request, timeout=LOOK_SECONDS)


def shown(answer: pipeline_pb2.PlanPipelineResponse, *, explain: bool) -> str:
    """What a run would do, as text: steps, sinks, what differs in tables, and the hash."""
    report, parts = answer.report, []
    diffs = {diff.sink: diff for diff in answer.schema_diffs}
    for node in report.nodes:
        notes = "".join(f"  {note}\n" for note in node.notes)
        parts.append(f"{node.name} ({node.kind})\n{notes}{_columns(node.columns)}")
    traced = {sink.sink: sink for sink in answer.lineage}
    for sink in report.sinks:
        head = f"{sink.name} ({sink.kind}) → {sink.target}, {sink.mode}\n"
        made = f"{sink.create_statement.rstrip()}\n" if sink.create_statement else ""
        notes = "".join(f"  {note}\n" for note in sink.notes)
        altered = _diff(diffs[sink.name]) if sink.name in diffs else ""
        columns = (
            _traced(sink, traced[sink.name]) if sink.name in traced else _columns(sink.columns)
        )
        parts.append(head + notes + columns + made + altered)
    if explain and report.explain:
        parts.append(report.explain.rstrip() + "\n")
    if answer.HasField("expectation"):
        parts.append(expected(answer.expectation))
    if answer.plan_hash:
        parts.append(f"plan {answer.plan_hash}\n")
    return "\n".join(parts)


def _diff(diff: pipeline_pb2.SchemaDiff) -> str:
    """In what a table and the rows differ, and what a run would execute."""
    rows = []
    for change in diff.changes:
        note = "all rows are written anew" if change.rewrites else ""
        rows.append((f"  {change.column}", change.what, change.before, change.after, note))
    text = table(("  COLUMN", "DIFFERS", "TABLE", "BECOMES OR ROWS", ""), rows) if rows else ""
    return text + "".join(f"{statement};\n" for statement in diff.statements)


def _columns(columns: Any) -> str:  # noqa: ANN401 a repeated field
    rows = [(f"  {c.name}", c.type, "" if c.nullable else "not null") for c in columns]
    return table(("  COLUMN", "TYPE", ""), rows) if rows else ""


def _traced(sink: report_pb2.SinkReport, lineage: pipeline_pb2.SinkLineage) -> str:
    """A sink's columns with the columns of sources that they are computed of."""
    origins = {each.column: each for each in lineage.columns}
    rows = []
    for column in sink.columns:
        needed = "" if column.nullable else "not null"
        rows.append((f"  {column.name}", column.type, needed, _origins(origins[column.name])))
    return table(("  COLUMN", "TYPE", "", "COMPUTED OF"), rows) if rows else ""


def _origins(column: pipeline_pb2.ColumnLineage) -> str:
    if column.unknown:
        return f"unknown: {column.unknown}"
    return ", ".join(f"{each.source}.{each.column}" for each in column.origins) or "no column"


def preview(
    target: str,
    node: str = "",
    /,
    *,
    rows: Annotated[int, Parameter(alias="-n", help="How many rows.")] = 20,
    param: Param = None,
    local: Local = False,
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
    if local:
        refuse_stored(target)
        from etlplus.cli.local import preview_here  # noqa: PLC0415 needs the engine

        definition = load(target, remote.screen)
        stream = preview_here(definition, params, node or last_step(definition.spec), rows)
    else:
        stream = _preview(target, params, node, rows, remote)
    names, found = arrow.read(stream)
    data = [dict(zip(names, (arrow.plain(v) for v in row), strict=True)) for row in found]
    write(data, output, lambda: table(names, [[arrow.shown(v, _WIDEST) for v in r] for r in found]))
    return exits.OK


def _preview(target: str, params: dict[str, str], node: str, rows: int, remote: Remote) -> bytes:
    with session(remote) as opened:
        which = _which(opened, target, remote.screen)
        request = pipeline_pb2.PreviewPipelineRequest(
            parent=opened.parent,
            params=params,
            node=node or last_step(_spec(opened, which)),
            rows=rows,
            **which,
        )
        answers = opened.client.pipelines.PreviewPipeline(request, timeout=LOOK_SECONDS)
        return b"".join(answer.arrow_ipc for answer in answers)


def _spec(opened: Session, which: _Named) -> bytes:
    if "source_text" in which:
        return parse(which["source_text"]).spec or b""
    request = pipeline_pb2.GetPipelineRequest(name=which["name"])
    found = opened.client.pipelines.GetPipeline(request, timeout=LOOK_SECONDS)
    return found.spec.SerializeToString(deterministic=True)


def last_step(data: bytes) -> str:
    """The name by which the rows of the last step are read, or the last source's without steps."""
    from etlplus.language.wiring import wire  # noqa: PLC0415 takes time that --help has not
    from etlplus.v1 import plan_pb2  # noqa: PLC0415 the same

    spec = plan_pb2.PipelineSpec.FromString(data)
    return wire(spec).readable()[-1]
