"""Pipelines and their versions. A definition is opaque here: the serialized `PipelineSpec`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from etlplus.domain.retry import Retries
from etlplus.domain.schedule import Schedule, ScheduleState
from etlplus.domain.trigger import Triggers, TriggerState
from etlplus.domain.volume import Volume


@dataclass(frozen=True, slots=True)
class PipelineDraft:
    """What creating or updating a pipeline takes.

    Attributes:
        spec: the serialized PipelineSpec, deterministic: equal definitions are equal bytes.
        source_text: the YAML as it was written; empty when there is none.
        author: the principal.
        message: why, in a sentence; may be empty.
        schedule: what the definition says about running by itself.
        triggers: what it says about running after others.
    """

    spec: bytes
    source_text: str
    author: str
    message: str
    schedule: Schedule | None = None
    triggers: Triggers | None = None

    @property
    def content_hash(self) -> str:
        """SHA-256 of the definition, in hexadecimal."""
        return hashlib.sha256(self.spec).hexdigest()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline as it is now: the content of its latest version.

    Attributes:
        schedule: where its schedule stands; None when the latest version has none.
        triggers: where its triggers stand; None when the latest version has none.
    """

    workspace: str
    name: str
    version: int
    etag: str
    spec: bytes
    source_text: str
    author: str
    message: str
    content_hash: str
    create_time: datetime
    update_time: datetime
    schedule: ScheduleState | None = None
    triggers: TriggerState | None = None


@dataclass(frozen=True, slots=True)
class PipelineVersion:
    """One version of a pipeline; it never changes."""

    workspace: str
    pipeline: str
    version: int
    spec: bytes
    source_text: str
    author: str
    message: str
    content_hash: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class SpecSummary:
    """What the control plane needs to know of a definition.

    Attributes:
        name: the pipeline's id.
        description: may be empty.
        connections: ids of the connections that sources and sinks name, each once.
        targets: ids of the connections that sinks write to, each once.
        nodes: names of the sources and steps, in order.
        streams: names of the sources that a program must hand in.
        sinks: of each sink that writes to a connection, the connection's id.
        timeout: the longest a run may take, in seconds; None for no limit.
        schedule: when it runs by itself; None when it does not.
        retries: how often it is tried again after a failure that may pass.
        triggers: after what it runs by itself; None when nothing triggers it.
        incremental: names of the sources that are read part by part.
        volume: which volume of rows is usual; None when any is.
    """

    name: str
    description: str
    connections: tuple[str, ...]
    streams: tuple[str, ...]
    timeout: float | None
    targets: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    sinks: Mapping[str, str] = field(default_factory=dict)
    schedule: Schedule | None = None
    retries: Retries = field(default_factory=Retries)
    triggers: Triggers | None = None
    incremental: tuple[str, ...] = ()
    volume: Volume | None = None
