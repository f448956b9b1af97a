"""What changed between two versions of a pipeline, and how to go back to one."""

from __future__ import annotations

import json
import uuid
from typing import Annotated, Any

from cyclopts import Parameter
from google.protobuf.json_format import MessageToDict

from etlplus.cli import exits
from etlplus.cli.message import plain
from etlplus.cli.output import Output, write
from etlplus.cli.pipelines import identifier
from etlplus.cli.session import CALL_SECONDS, HERE, Remote, session
from etlplus.v1 import pipeline_pb2

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
        request = pipeline_pb2.ComparePipelineVersionsRequest(
            name=opened.pipeline(name), old_version=old, new_version=new
        )
        found = opened.client.pipelines.ComparePipelineVersions(request, timeout=CALL_SECONDS)
    changed = [_plain(change) for change in found.changes]
    value = {
        "old": found.old_version,
        "new": found.new_version,
        "changes": changed,
        "text": found.text_diff,
    }
    shown = "".join(map(_shown, changed)) + ("\n" + found.text_diff if found.text_diff else "")
    write(value, output, lambda: shown)
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
        request = pipeline_pb2.RestorePipelineVersionRequest(
            name=opened.pipeline(name),
            version=version,
            message=message,
            request_id=str(uuid.uuid4()),
        )
        stored = opened.client.pipelines.RestorePipelineVersion(request, timeout=CALL_SECONDS)
    write(plain(stored), output, lambda: f"{identifier(stored.name)} version {stored.version}\n")
    return exits.OK


def _plain(change: pipeline_pb2.PartChange) -> dict[str, Any]:
    """The path and the sides that there are."""
    found: dict[str, Any] = {"path": change.path}
    if change.HasField("old"):
        found["old"] = MessageToDict(change.old)
    if change.HasField("new"):
        found["new"] = MessageToDict(change.new)
    return found


def _shown(change: dict[str, Any]) -> str:
    path = change["path"]
    if "old" not in change:
        return f"+ {path}  {_short(change['new'])}\n"
    if "new" not in change:
        return f"- {path}  {_short(change['old'])}\n"
    return f"~ {path}  {_short(change['old'])} → {_short(change['new'])}\n"


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
