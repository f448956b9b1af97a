"""Use cases about the service itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from etlplus.app.ports import CatalogueEntry, Language


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What runs here.

    Attributes:
        languages: versions of the pipeline language, as in `etlplus/v1`.
        database_version: of the database that holds the service's state.
        job_slots: jobs that this process runs at once; 0 when it runs none.
        max_message_bytes: the largest message that is read.
    """

    version: str
    engine_version: str
    languages: tuple[str, ...]
    database_version: str
    embedded_database: bool
    start_time: datetime
    job_slots: int
    max_message_bytes: int


class System:
    """Says what runs here and what pipelines may use."""

    def __init__(self, language: Language, info: Callable[[], Awaitable[ServerInfo]]) -> None:
        """`info` is asked at each call."""
        self._language = language
        self._info = info

    async def info(self) -> ServerInfo:
        """Versions and limits."""
        return await self._info()

    async def connectors(self) -> Sequence[CatalogueEntry]:
        """Kinds of sources and sinks with the schemas of their options."""
        return self._language.connectors()

    async def steps(self) -> Sequence[CatalogueEntry]:
        """Kinds of steps with the schemas of their options."""
        return self._language.steps()
