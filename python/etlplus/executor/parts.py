"""What the executor is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from etlplus.app.ports import (
    Connector,
    CursorReader,
    Engine,
    Evolver,
    FileRollback,
    Language,
    Publisher,
    SecretResolver,
    Stores,
    TableRollback,
)
from etlplus.executor.arrivals.contents import Contents
from etlplus.executor.environment import Environment
from etlplus.executor.preparation import Preparation


@dataclass(frozen=True, slots=True)
class Parts:
    """What runs need: `connectors` and `cursors` by kind of connection, others by kind of sink."""

    stores: Stores
    language: Language
    engine: Engine
    publishers: Mapping[str, Publisher]
    connectors: Mapping[str, Connector]
    environment: Environment
    preparation: Preparation
    secrets: SecretResolver
    table_rollbacks: Mapping[str, TableRollback] = field(default_factory=dict)
    cursors: Mapping[str, CursorReader] = field(default_factory=dict)
    file_rollbacks: Mapping[str, FileRollback] = field(default_factory=dict)
    evolvers: Mapping[str, Evolver] = field(default_factory=dict)
    contents: Contents = field(default_factory=Contents)
