"""Ids and resource names, as in `workspaces/{w}/pipelines/{p}/versions/{n}`."""

from __future__ import annotations

import os
import re
import time
from typing import Final
from uuid import UUID

from etlplus.domain.errors import InvalidInput

#: The one workspace there is for now.
DEFAULT_WORKSPACE: Final = "default"
#: The connection that is always there: the service's own warehouse database.
LOCAL_CONNECTION: Final = "local"

ID_PATTERN: Final = r"[a-z][a-z0-9_-]{0,62}"
_ID = re.compile(ID_PATTERN)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SHOWN = 200
_VERSION = re.compile(r"[1-9][0-9]{0,8}")


def new_job_id() -> UUID:
    """A UUIDv7: ordered by time of making, so that lists by id read newest first."""
    stamp = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (stamp & (1 << 48) - 1) << 80 | 0x7 << 76 | (random >> 68) << 64
    return UUID(int=value | 0b10 << 62 | random & (1 << 62) - 1)


def load_id(job: UUID) -> str:
    """The id of the load that a job makes: the job's id as 32 hexadecimal digits."""
    return job.hex


def workspace_name(workspace: str) -> str:
    """`workspaces/{w}`."""
    return f"workspaces/{workspace}"


def pipeline_name(workspace: str, pipeline: str) -> str:
    """`workspaces/{w}/pipelines/{p}`."""
    return f"workspaces/{workspace}/pipelines/{pipeline}"


def version_name(workspace: str, pipeline: str, version: int) -> str:
    """`workspaces/{w}/pipelines/{p}/versions/{n}`."""
    return f"workspaces/{workspace}/pipelines/{pipeline}/versions/{version}"


def job_name(workspace: str, job: UUID) -> str:
    """`workspaces/{w}/jobs/{uuid}`."""
    return f"workspaces/{workspace}/jobs/{job}"


def connection_name(workspace: str, connection: str) -> str:
    """`workspaces/{w}/connections/{c}`."""
    return f"workspaces/{workspace}/connections/{connection}"


def check_id(value: str, what: str) -> str:
    """`value`, when it can be an id.

    Raises:
        InvalidInput: NAME_INVALID.
    """
    if _ID.fullmatch(value) is None:
        raise InvalidInput(
            f"{value!r} is not a valid id for a {what}",
            code="NAME_INVALID",
            place=what,
            hint="Start with a-z; more of a-z, 0-9, _ and - may follow, 63 characters in all",
            metadata={"name": value},
        )
    return value


def parse_workspace(name: str) -> str:
    """The workspace in `workspaces/{w}`."""
    (workspace,) = _split(name, "workspaces/{w}")
    return workspace


def parse_pipeline(name: str) -> tuple[str, str]:
    """Workspace and pipeline in `workspaces/{w}/pipelines/{p}`."""
    workspace, pipeline = _split(name, "workspaces/{w}/pipelines/{p}")
    return workspace, pipeline


def parse_version(name: str) -> tuple[str, str, int]:
    """Workspace, pipeline and version in `workspaces/{w}/pipelines/{p}/versions/{n}`."""
    workspace, pipeline, version = _split(name, "workspaces/{w}/pipelines/{p}/versions/{n}")
    return workspace, pipeline, int(version)


def parse_job(name: str) -> tuple[str, UUID]:
    """Workspace and id in `workspaces/{w}/jobs/{uuid}`."""
    workspace, job = _split(name, "workspaces/{w}/jobs/{uuid}")
    return workspace, UUID(job)


def parse_connection(name: str) -> tuple[str, str]:
    """Workspace and connection in `workspaces/{w}/connections/{c}`."""
    workspace, connection = _split(name, "workspaces/{w}/connections/{c}")
    return workspace, connection


def _split(name: str, form: str) -> list[str]:
    parts = name.split("/")
    wanted = form.split("/")
    values: list[str] = []
    good = len(parts) == len(wanted)
    for part, want in zip(parts, wanted, strict=False):
        if not want.startswith("{"):
            good = good and part == want
            continue
        pattern = {"{uuid}": _UUID, "{n}": _VERSION}.get(want, _ID)
        good = good and pattern.fullmatch(part) is not None
        values.append(part)
    if not good:
        shown = name if len(name) <= _SHOWN else name[:_SHOWN] + "…"
        raise InvalidInput(
            f"{shown!r} is not a name of the form {form}",
            code="NAME_INVALID",
            place="name",
            metadata={"name": shown, "form": form},
        )
    return values
