"""What the executor is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from etlplus.app.ports import Connector, Engine, Language, Publisher, Stores
from etlplus.executor.environment import Environment
from etlplus.executor.preparation import Preparation


@dataclass(frozen=True, slots=True)
class Parts:
    """What runs need. `publishers` are by kind of sink, `connectors` by kind of connection."""

    stores: Stores
    language: Language
    engine: Engine
    publishers: Mapping[str, Publisher]
    connectors: Mapping[str, Connector]
    environment: Environment
    preparation: Preparation
