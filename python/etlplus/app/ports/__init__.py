"""What the use cases and the executor need of the outside, as protocols."""

from etlplus.app.ports.language import CatalogueEntry, Language, RunContext
from etlplus.app.ports.outside import (
    Aside,
    Connector,
    Engine,
    EngineRun,
    Inspection,
    Planning,
    Publisher,
    RejectReader,
    SecretResolver,
)
from etlplus.app.ports.stores import (
    ConnectionStore,
    EventStore,
    JobStore,
    KeyStore,
    LoadStore,
    PipelineStore,
    RequestStore,
    Stores,
    TokenStore,
    Wakeup,
    Wakeups,
)

__all__ = [
    "Aside",
    "CatalogueEntry",
    "ConnectionStore",
    "Connector",
    "Engine",
    "EngineRun",
    "EventStore",
    "Inspection",
    "JobStore",
    "KeyStore",
    "Language",
    "LoadStore",
    "PipelineStore",
    "Planning",
    "Publisher",
    "RejectReader",
    "RequestStore",
    "RunContext",
    "SecretResolver",
    "Stores",
    "TokenStore",
    "Wakeup",
    "Wakeups",
]
