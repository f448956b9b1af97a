"""The use cases over stores in memory, the real language, and twins of engine and target."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from etlplus.app.auth import Auth
from etlplus.app.connections import Connections
from etlplus.app.definitions import Definitions
from etlplus.app.jobs import Jobs
from etlplus.app.paging import PageTokens
from etlplus.app.pipelines import Pipelines
from etlplus.app.planning import Plans
from etlplus.app.scheduling import Scheduling
from etlplus.app.states import PipelineStates
from etlplus.app.system import ServerInfo, System
from etlplus.domain.job import Job, Lease
from etlplus.domain.pipeline import Pipeline
from etlplus.domain.principal import Principal
from etlplus.executor.asides import EnginePlanning, KeptRejects, ThreadedInspection
from etlplus.executor.threads import Threads
from etlplus.store.memory.stores import MemoryStores
from tests.unit.executor.twins import Target, engine_of, make_parts

PARENT = "workspaces/default"
ME = Principal("me", "root", "default", "token")
STRANGER = Principal("you", "root", "elsewhere", "token")
LEASE = timedelta(seconds=30)


def text_of(name: str = "orders", uri: str = "orders.csv", extra: str = "") -> str:
    """A small definition."""
    return f"""
api: etlplus/v1
name: {name}
{extra}
sources: {{orders: {{csv: {{uri: {uri}}}}}}}
sinks: {{out: {{from: orders, jsonl: out.jsonl}}}}
"""


class Service:
    """Use cases that share one memory."""

    def __init__(self, folder: Path) -> None:
        self.stores = MemoryStores()
        self.target = Target()
        self.parts = make_parts(folder, self.stores, self.target)
        self.engine = engine_of(self.parts)
        language = self.parts.language
        tokens = PageTokens(self.stores.keys)
        threads = Threads(1, "test-aside")
        definitions = Definitions(language, threads)
        self.pipelines = Pipelines(self.stores, definitions, tokens)
        self.plans = Plans(self.stores, definitions, EnginePlanning(self.parts, threads))
        self.scheduling = Scheduling(self.stores, tokens)
        self.states = PipelineStates(self.stores)
        rejects = KeptRejects(self.parts, threads)
        self.jobs = Jobs(self.stores, rejects, tokens, heartbeat=0.01)
        inspection = ThreadedInspection(self.parts, threads)
        local = self.parts.environment.local
        self.connections = Connections(self.stores, inspection, tokens, local)
        self.auth = Auth(self.stores.tokens)
        self.system = System(language, self._info)

    async def _info(self) -> ServerInfo:
        return ServerInfo("1", "2", ("etlplus/v1",), "18", True, datetime.now(UTC), 2, 1)

    async def create(self, name: str = "orders", **fields: str) -> Pipeline:
        """A stored pipeline."""
        return await self.pipelines.create(ME, PARENT, source_text=text_of(name, **fields))

    async def job(self, name: str = "orders") -> Job:
        """A queued job of a stored pipeline."""
        return await self.plans.run(ME, f"{PARENT}/pipelines/{name}")

    async def claim(self) -> Lease:
        """The claim of the oldest job."""
        (job,) = await self.stores.jobs.claim(uuid4(), lease=LEASE)
        return Lease(job.uid, job.epoch)
