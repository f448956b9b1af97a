"""The whole contract on a real socket, over stores in memory and the real use cases."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import ParamSpec, TypeVar

from etlplus.app.auth import Auth
from etlplus.app.connections import Connections
from etlplus.app.definitions import Definitions
from etlplus.app.jobs import Jobs
from etlplus.app.paging import PageTokens
from etlplus.app.pipelines import Pipelines
from etlplus.app.planning import Plans
from etlplus.app.ports import SecretResolver, Stores
from etlplus.app.replay import JobReplays
from etlplus.app.rollback import JobRollbacks
from etlplus.app.scheduling import Scheduling
from etlplus.app.states import PipelineStates
from etlplus.app.system import ServerInfo, System
from etlplus.app.usecases import UseCases
from etlplus.app.versions import Versions
from etlplus.app.webhooks import Webhooks
from etlplus.client import AsyncClient, connect_async
from etlplus.domain.connection import Connection, ConnectionCheck, Table, TableColumn
from etlplus.domain.errors import EtlError, RunError
from etlplus.domain.evolution import EVOLVE, ColumnChange, SchemaDiff, TableSink
from etlplus.domain.expectation import Expectation, ExpectedRejects, ExpectedRows
from etlplus.domain.job import Job, Lease
from etlplus.domain.lineage import ColumnLineage, Origin, SinkLineage
from etlplus.domain.planhash import Survey
from etlplus.domain.rollback import RolledBack
from etlplus.domain.run import ColumnReport, NodeReport, PlanReport, RejectRow, SinkReport
from etlplus.executor.threads import Threads
from etlplus.language import PipelineLanguage
from etlplus.rpc.config import ServerConfig
from etlplus.rpc.server import Server
from etlplus.rpc.services import contract_services
from etlplus.store.memory.stores import MemoryStores
from etlplus.v1 import job_pb2, pipeline_pb2
from tests.wire.served import LOCAL

P = ParamSpec("P")
T = TypeVar("T")

WORKSPACE = "workspaces/default"
ORDERS = f"{WORKSPACE}/pipelines/orders"
SOURCE = """\
api: etlplus/v1
name: orders
params: {day: {type: date, default: "2026-01-31"}}
sources:
  orders: {csv: {uri: "orders.csv"}}
steps:
  - name: clean
    map: {amount: "cast(amount as decimal(12,2))"}
sinks:
  out: {from: clean, parquet: {uri: "out/"}}
"""
PLAN_HASH = "-".join(["0123456789ab"] * 5)
DIFF = SchemaDiff(
    TableSink("out", "local", "public.t", EVOLVE),
    exists=True,
    changes=(ColumnChange("id", "widened", "integer", "bigint", rewrites=True),),
    statements=('ALTER TABLE "public"."t" ALTER COLUMN "id" TYPE bigint',),
)
REPORT = PlanReport(
    nodes=(NodeReport("orders", "csv", (ColumnReport("amount", "varchar"),), ("delimiter ,",)),),
    sinks=(SinkReport("out", "parquet", "out/", "replace"),),
    explain="plan",
)
LINEAGE = (
    SinkLineage(
        "out",
        (
            ColumnLineage("amount", (Origin("orders", "amount"), Origin("orders", "id"))),
            ColumnLineage("code", unknown="its expression is not followed"),
        ),
    ),
)
EXPECTATION = Expectation(
    sample=0,
    nodes=(
        ExpectedRows("orders", "csv", "source", 1000, 8000, 0, exact=True),
        ExpectedRows("out", "parquet", "sink", unknown="it reads a table"),
    ),
    rejects=(
        ExpectedRejects(
            *("orders", "id", "CONVERSION_FAILED", 2, 20),
            example=RejectRow(
                *("orders.csv", 7, 40, "x" * 5000, "orders", "id", "CONVERSION_FAILED", "bad", "[]")
            ),
        ),
    ),
    faults=("stopped",),
)
TABLE = Table(
    schema="public",
    name="orders",
    kind="table",
    columns=(TableColumn("id", "bigint", nullable=False),),
    keys=("id",),
    rows=7,
)


@dataclass
class Outside:
    """What the use cases see of engine and databases: fixed answers, or an error."""

    error: EtlError | None = None
    pieces: tuple[bytes, ...] = (b"ARROW1",)
    rows: list[RejectRow] = field(default_factory=list)
    tables: list[Table] = field(default_factory=lambda: [TABLE])
    cascades: list[bool] = field(default_factory=list)
    kept: bool = True

    async def call(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.to_thread(work, *args, **kwargs)

    async def plan(
        self,
        _workspace: str,
        _spec: bytes,
        _params: Mapping[str, str],
        *,
        sample: int = 0,
        lineage: bool = False,
    ) -> Survey:
        self._fail()
        expectation = replace(EXPECTATION, sample=sample) if sample else None
        return Survey(REPORT, (DIFF,), PLAN_HASH, expectation, LINEAGE if lineage else ())

    async def preview(
        self, _workspace: str, _spec: bytes, _params: Mapping[str, str], _node: str, _rows: int
    ) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece
        self._fail()

    async def test(self, _connection: Connection) -> ConnectionCheck:
        self._fail()
        return ConnectionCheck("PostgreSQL 18.4", "d", "u", encrypted=True, elapsed_ms=1500)

    async def discover(self, _connection: Connection) -> Sequence[Table]:
        self._fail()
        return self.tables

    async def roll_back(
        self, job: Job, *, author: str, reason: str, cascade: bool, dry_run: bool
    ) -> Sequence[RolledBack]:
        self._fail()
        self.cascades.append(cascade)
        time = None if dry_run else datetime(2026, 1, 31, tzinfo=UTC)
        return [
            RolledBack(
                load_id=job.uid.hex,
                sink=sink.name,
                target=sink.target,
                mode=sink.mode,
                removed=sink.books.loaded,
                restored=0,
                kept_bytes=4096,
                time=time,
                author="" if dry_run else author,
                reason="" if dry_run else reason,
            )
            for sink in job.sinks
        ]

    async def read(self, _job: Job) -> AsyncIterator[Sequence[RejectRow]]:
        yield self.rows

    async def is_kept(self, _job: Job) -> bool:
        return self.kept

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error


@dataclass(frozen=True)
class Platform:
    """A served contract with a client that has a token."""

    server: Server
    address: str
    token: str
    client: AsyncClient
    stores: Stores
    outside: Outside


async def _info() -> ServerInfo:
    return ServerInfo(
        version="1.2.3",
        engine_version="4.5.6",
        languages=("etlplus/v1",),
        database_version="18.4",
        embedded_database=True,
        start_time=datetime(2026, 1, 31, tzinfo=UTC),
        job_slots=2,
        max_message_bytes=16 << 20,
    )


class FixedSecrets:
    """Secrets by name; others cannot be resolved."""

    def __init__(self, **values: str) -> None:
        self.values = values

    def resolve(self, reference: str) -> str:
        return self.named(reference)

    def named(self, name: str) -> str:
        if name not in self.values:
            raise RunError(f"there is no {name}", code="SECRET_UNRESOLVED")
        return self.values[name]


def make_use_cases(
    stores: Stores,
    outside: Outside,
    *,
    heartbeat: float = 15.0,
    secrets: SecretResolver | None = None,
) -> UseCases:
    """The real use cases over these stores."""
    language = PipelineLanguage()
    definitions = Definitions(language, outside)
    definitions = Definitions(language, Threads(1, "test-read"))
    tokens = PageTokens(stores.keys)
    local = {"host": "/run", "database": "warehouse", "user": "warehouse"}
    pipelines = Pipelines(stores, definitions, tokens)
    plans = Plans(stores, definitions, outside)
    return UseCases(
        pipelines=pipelines,
        versions=Versions(pipelines, language),
        plans=plans,
        jobs=Jobs(stores, outside, tokens, heartbeat=heartbeat),
        rollbacks=JobRollbacks(stores, outside),
        replays=JobReplays(stores, definitions, outside),
        connections=Connections(stores, outside, tokens, local),
        auth=Auth(stores.tokens),
        system=System(language, _info),
        scheduling=Scheduling(stores, tokens),
        states=PipelineStates(stores),
        webhooks=Webhooks(stores, plans, secrets or FixedSecrets(), outside),
    )


@asynccontextmanager
async def platform(
    *, config: ServerConfig = LOCAL, heartbeat: float = 15.0, stores: Stores | None = None
) -> AsyncIterator[Platform]:
    """Everything, started. Stores are in memory unless others are given."""
    stores, outside = stores or MemoryStores(), Outside()
    use_cases = make_use_cases(stores, outside, heartbeat=heartbeat)
    token = await use_cases.auth.bootstrap()
    assert token is not None
    server = Server(config, use_cases.auth, contract_services(use_cases))
    address = await server.start()
    try:
        async with connect_async(address, token=token) as client:
            yield Platform(server, address, token, client, stores, outside)
    finally:
        await server.stop()


async def create(served: Platform, source: str = SOURCE) -> pipeline_pb2.Pipeline:
    return await served.client.pipelines.CreatePipeline(
        pipeline_pb2.CreatePipelineRequest(
            parent=WORKSPACE, pipeline=pipeline_pb2.Pipeline(source_text=source, message="first")
        )
    )


async def run(served: Platform, request_id: str = "") -> job_pb2.Job:
    return await served.client.pipelines.RunPipeline(
        pipeline_pb2.RunPipelineRequest(
            name=ORDERS, params={"day": "2026-02-01"}, request_id=request_id
        )
    )


async def lease_of(served: Platform) -> Lease:
    (claimed,) = await served.stores.jobs.claim(uuid.uuid4(), lease=timedelta(seconds=30))
    return Lease(claimed.uid, claimed.epoch)
