"""What changed between two versions of a pipeline, and how to go back to one."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import Parameter
from google.protobuf.json_format import MessageToDict

from etlplus.cli import exits
from etlplus.cli.message import plain
from etlplus.cli.output import Output, write
from etlplus.cli.pipelines import as_written, identifier
from etlplus.cli.session import CALL_SECONDS, HERE, Remote, Session, session
from etlplus.domain.errors import NotFound
from etlplus.v1 import pipeline_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The longest value that is shown beside its path.
_SHOWN = 60


def diff(
    name: str,
    old: int = 0,
    new: int = 0,
    /,
    *,
    output: Output = "table",
    remote: Remote = HERE,
) -> int:
    """Show what changed between two versions, part by part and line by line.

    Parameters
    ----------
    name
        The pipeline.
    old
        The earlier version; the one before `new` when 0.
    new
        The later version; the newest when 0.
    """
    with session(remote) as opened:
        later = _version(opened, name, new)
        earlier = _version(opened, name, old or _before(later))
    found = list(changes(_said(earlier), _said(later)))
    text = _lines(earlier, later)
    value = {
        "old": earlier.version,
        "new": later.version,
        "changes": [_plain(change) for change in found],
        "text": text,
    }
    write(value, output, lambda: "".join(map(_shown, found)) + ("\n" + text if text else ""))
    return exits.OK


def restore(
    name: str,
    version: int,
    /,
    *,
    message: Annotated[str, Parameter(alias="-m", help="Why it is restored.")] = "",
    output: Output = "table",
    remote: Remote = HERE,
) -> int:
    """Store an earlier version again, as the next one. What it loaded stays as it is.

    Parameters
    ----------
    name
        The pipeline.
    version
        The version whose definition is to be the newest again.
    """
    with session(remote) as opened:
        now, earlier = _version(opened, name, 0), _version(opened, name, version)
        wanted = pipeline_pb2.Pipeline(
            name=earlier.name,
            etag=now.etag,
            message=message or f"Restore version {version}",
            source_text=earlier.source_text,
            spec=None if earlier.source_text else earlier.spec,
        )
        request = pipeline_pb2.UpdatePipelineRequest(pipeline=wanted)
        stored = opened.client.pipelines.UpdatePipeline(request, timeout=CALL_SECONDS)
    write(plain(stored), output, lambda: f"{identifier(stored.name)} version {stored.version}\n")
    return exits.OK


def _version(opened: Session, name: str, version: int) -> pipeline_pb2.Pipeline:
    request = pipeline_pb2.GetPipelineRequest(name=opened.pipeline(name), version=version)
    return opened.client.pipelines.GetPipeline(request, timeout=CALL_SECONDS)


def _said(pipeline: pipeline_pb2.Pipeline) -> dict[str, Any]:
    """What the definition says, without what it leaves to the defaults."""
    return MessageToDict(pipeline.spec, preserving_proto_field_name=True)


def _before(later: pipeline_pb2.Pipeline) -> int:
    if later.version == 1:
        raise NotFound(
            f"{identifier(later.name)} has no version before its first",
            code="VERSION_NOT_FOUND",
            hint=f"`etlplus versions {identifier(later.name)}` lists the versions",
        )
    return later.version - 1


def _lines(earlier: pipeline_pb2.Pipeline, later: pipeline_pb2.Pipeline) -> str:
    """The difference of both texts; a last line without an end gets one."""
    found = difflib.unified_diff(
        as_written(earlier).splitlines(),
        as_written(later).splitlines(),
        f"version {earlier.version}",
        f"version {later.version}",
        lineterm="",
    )
    return "".join(f"{line}\n" for line in found)


#: A part of a definition that is only in one of two versions stands against this.
NOTHING: Final = object()
Change = tuple[str, Any, Any]


def _plain(change: Change) -> dict[str, Any]:
    path, old, new = change
    sides = {"old": old, "new": new}
    return {"path": path} | {side: part for side, part in sides.items() if part is not NOTHING}


def changes(old: object, new: object, path: str = "") -> Iterator[Change]:
    """The smallest parts that differ: path, value before and after; NOTHING where there is none.

    Sources, steps and sinks are told apart by their names, so that one that moved has not changed
    in itself; that their order changed is told as a change of the list's order.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            place = f"{path}.{key}" if path else str(key)
            yield from changes(old.get(key, NOTHING), new.get(key, NOTHING), place)
    elif _is_named(old) and _is_named(new):
        before, after = _by_name(old), _by_name(new)
        yield from changes(before, after, path)
        kept = [
            [name for name in each if name in before.keys() & after.keys()]
            for each in (before, after)
        ]
        if kept[0] != kept[1]:
            yield f"{path} (order)", kept[0], kept[1]
    elif old != new:
        yield path, old, new


def _is_named(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) and "name" in one for one in value)


def _by_name(value: Any) -> dict[str, Any]:  # noqa: ANN401 a list of parts, as JSON
    return {one["name"]: {key: one[key] for key in one if key != "name"} for one in value}


def _shown(change: Change) -> str:
    path, old, new = change
    if old is NOTHING:
        return f"+ {path}  {_short(new)}\n"
    if new is NOTHING:
        return f"- {path}  {_short(old)}\n"
    return f"~ {path}  {_short(old)} → {_short(new)}\n"


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
