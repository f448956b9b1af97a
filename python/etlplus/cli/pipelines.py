"""Stored pipelines: apply, get, list, versions, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from etlplus.cli import exits
from etlplus.cli.confirm import confirmed
from etlplus.cli.definition import load
from etlplus.cli.message import plain
from etlplus.cli.output import Output, write
from etlplus.cli.session import CALL_SECONDS, HERE, Remote, Session, session
from etlplus.cli.text import table
from etlplus.v1 import pipeline_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from etlplus.cli.definition import Definition

_PAGE = 1000


def apply(
    file: str,
    /,
    *,
    message: Annotated[str, Parameter(alias="-m", help="Why the version was made.")] = "",
    output: Output = "table",
    remote: Remote = HERE,
) -> int:
    """Store a file as a pipeline's next version.

    A file that means the same as the newest version makes none.

    Parameters
    ----------
    file
        The pipeline file; `-` reads standard input.
    """
    definition = load(file, remote.screen)
    with session(remote) as opened:
        stored = store(opened, definition, message)
    write(plain(stored), output, lambda: f"{identifier(stored.name)} version {stored.version}\n")
    return exits.OK


def store(opened: Session, definition: Definition, message: str = "") -> pipeline_pb2.Pipeline:
    """Stores a definition under its name and returns the newest version. Raises EtlError."""
    request = pipeline_pb2.UpdatePipelineRequest(
        pipeline=pipeline_pb2.Pipeline(
            name=opened.pipeline(definition.name), source_text=definition.text, message=message
        ),
        allow_missing=True,
    )
    return opened.client.pipelines.UpdatePipeline(request, timeout=CALL_SECONDS)


def identifier(name: str) -> str:
    """The last part of a resource name."""
    return name.rsplit("/", 1)[-1]


def get(
    name: str,
    /,
    *,
    version: Annotated[int, Parameter(help="The version; the newest when 0.")] = 0,
    output: Output = "table",
    remote: Remote = HERE,
) -> int:
    """Print a stored pipeline, as it was written.

    `-o json` and `-o yaml` print the whole resource.

    Parameters
    ----------
    name
        The pipeline.
    """
    with session(remote) as opened:
        request = pipeline_pb2.GetPipelineRequest(name=opened.pipeline(name), version=version)
        found = opened.client.pipelines.GetPipeline(request, timeout=CALL_SECONDS)
    write(plain(found), output, lambda: as_written(found))
    return exits.OK


def as_written(found: pipeline_pb2.Pipeline) -> str:
    """A pipeline's definition as a file, as its author wrote it where that is kept."""
    from etlplus.language import to_yaml  # noqa: PLC0415 only where there is no text

    return found.source_text or to_yaml(found.spec.SerializeToString(deterministic=True))


def list_pipelines(*, output: Output = "table", remote: Remote = HERE) -> int:
    """List the stored pipelines."""
    with session(remote) as opened:
        found = list(stored_pipelines(opened))
    write([plain(one) for one in found], output, lambda: _pipeline_table(found))
    return exits.OK


def stored_pipelines(opened: Session) -> Iterator[pipeline_pb2.Pipeline]:
    """All stored pipelines by name, without their definitions. Raises EtlError."""
    request = pipeline_pb2.ListPipelinesRequest(parent=opened.parent, page_size=_PAGE)
    while True:
        answer = opened.client.pipelines.ListPipelines(request, timeout=CALL_SECONDS)
        yield from answer.pipelines
        if not answer.next_page_token:
            return
        request.page_token = answer.next_page_token


def _pipeline_table(found: list[pipeline_pb2.Pipeline]) -> str:
    rows = [
        (identifier(p.name), str(p.version), p.author, moment(p.update_time.ToJsonString()))
        for p in found
    ]
    return table(("NAME", "VERSION", "AUTHOR", "CHANGED"), rows, right=" > ")


def moment(time: str) -> str:
    """A time to the second, as in 2026-01-31 04:05:06Z."""
    day, _, rest = time.partition("T")
    return f"{day} {rest[:8]}Z"


def versions(name: str, /, *, output: Output = "table", remote: Remote = HERE) -> int:
    """List a pipeline's versions, newest first.

    Parameters
    ----------
    name
        The pipeline.
    """
    with session(remote) as opened:
        found = list(_versions(opened, opened.pipeline(name)))
    write([plain(one) for one in found], output, lambda: _version_table(found))
    return exits.OK


def _versions(opened: Session, name: str) -> Iterator[pipeline_pb2.PipelineVersion]:
    request = pipeline_pb2.ListPipelineVersionsRequest(parent=name, page_size=_PAGE)
    while True:
        answer = opened.client.pipelines.ListPipelineVersions(request, timeout=CALL_SECONDS)
        yield from answer.pipeline_versions
        if not answer.next_page_token:
            return
        request.page_token = answer.next_page_token


def _version_table(found: list[pipeline_pb2.PipelineVersion]) -> str:
    rows = [
        (
            str(v.version),
            moment(v.create_time.ToJsonString()),
            v.author,
            v.content_hash[:12],
            v.message,
        )
        for v in found
    ]
    return table(("VERSION", "CREATED", "AUTHOR", "CONTENT", "MESSAGE"), rows, right=">")


def delete(
    name: str,
    /,
    *,
    yes: Annotated[bool, Parameter(alias="-y", help="Do not ask.")] = False,
    remote: Remote = HERE,
) -> int:
    """Delete a pipeline. Its jobs and what it loaded stay.

    Parameters
    ----------
    name
        The pipeline.
    """
    screen = remote.screen
    hint = f"`etlplus delete {name} --yes` does not ask"
    question = f"Delete the pipeline {name}?"
    if not yes and not confirmed(question, f"{name} was not deleted", hint, screen):
        return exits.INVALID
    with session(remote) as opened:
        request = pipeline_pb2.DeletePipelineRequest(name=opened.pipeline(name))
        opened.client.pipelines.DeletePipeline(request, timeout=CALL_SECONDS)
    screen.note(f"{name} is deleted")
    return exits.OK
