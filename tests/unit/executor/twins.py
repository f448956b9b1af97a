# ruff: noqa: ARG002 - twins take what the ports hand them
"""An engine and a target in memory, whose steps a test can hold back.

They keep the rules of the real ones: what is staged is invisible, a fence refuses older epochs, a
ledger makes a second publish return the first one's result.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from etlplus.app.ports import Stop, Stores
from etlplus.domain import names
from etlplus.domain.connection import ConnectionCheck, ResolvedConnection, Table
from etlplus.domain.errors import Cancelled, EtlError, RunError, WrongState
from etlplus.domain.job import Job, NewJob
from etlplus.domain.pipeline import PipelineDraft
from etlplus.domain.run import (
    Books,
    Load,
    NodeCounters,
    NodeReport,
    PlanReport,
    Progress,
    Published,
    RejectCount,
    RejectRow,
    RejectSummary,
    RunOutcome,
    SinkReport,
    StagedFile,
    StagedSink,
    StagingKey,
)
from etlplus.executor.environment import Environment, Secrets
from etlplus.executor.parts import Parts
from etlplus.executor.preparation import Preparation
from etlplus.language import PipelineLanguage, parse
from etlplus.v1 import engine_pb2, plan_pb2

ROWS = 10
REJECTED = 2

TABLES = """
api: etlplus/v1
name: orders
sources: {orders: {csv: {uri: orders.csv}}}
sinks:
  one: {from: orders, postgres: {connection: local, table: one}}
  two: {from: orders, postgres: {connection: local, table: two}}
"""
FILES = """
api: etlplus/v1
name: orders
sources: {orders: {csv: {uri: orders.csv}}}
sinks: {out: {from: orders, jsonl: out.jsonl}}
"""


def spec_of(text: str) -> bytes:
    """The definition of a text that has no errors."""
    parsed = parse(text)
    assert parsed.spec is not None, parsed.problems
    return parsed.spec


@dataclass
class Target:
    """A database: staged rows, published loads in order, fences, the ledger."""

    staged: dict[tuple[str, int, str], int] = field(default_factory=dict)
    applied: list[tuple[str, str, int]] = field(default_factory=list)
    fences: dict[str, int] = field(default_factory=dict)
    ledger: dict[tuple[str, str], Published] = field(default_factory=dict)
    fails: dict[str, EtlError] = field(default_factory=dict)
    swept: list[Load] = field(default_factory=list)
    looked_at: list[str] = field(default_factory=list)

    def publish(
        self,
        staged: StagedSink,
        load: Load,
        connection: ResolvedConnection | None,
        stop: Stop | None = None,
    ) -> Published:
        if stop is not None:
            stop.check()
        assert connection is not None
        if load.epoch < self.fences.get(load.load_id, 0):
            raise WrongState("a later claim was here", code="STALE_EPOCH")
        self.fences[load.load_id] = load.epoch
        known = self.ledger.get((load.load_id, staged.name))
        if known is not None:
            return known
        if staged.name in self.fails:
            raise self.fails[staged.name]
        if self.staged.get((load.load_id, load.epoch, staged.name)) != staged.rows:
            raise RunError("rows are missing", code="STAGING_MISMATCH", place=staged.name)
        del self.staged[load.load_id, load.epoch, staged.name]
        self.applied.append((load.load_id, staged.name, load.epoch))
        done = Published(staged.name, staged.target, staged.books, staged.checksum)
        self.ledger[load.load_id, staged.name] = done
        return done

    def sweep(self, load: Load, connection: ResolvedConnection | None) -> None:
        assert connection is not None
        self.swept.append(load)
        self.fences[load.load_id] = max(load.epoch, self.fences.get(load.load_id, 0))
        for key in list(self.staged):
            if key[0] == load.load_id and key[1] < load.epoch:
                del self.staged[key]

    def discard(
        self, load: Load, connection: ResolvedConnection | None, staged: Sequence[StagedSink]
    ) -> None:
        assert connection is not None
        assert all(sink.connection == connection.name for sink in staged)
        self.drop([StagingKey(load.load_id, load.epoch)], connection)

    def leftovers(self, connection: ResolvedConnection | None) -> Sequence[StagingKey]:
        assert connection is not None
        self.looked_at.append(connection.name)
        return sorted(
            {StagingKey(load, epoch) for load, epoch, _ in self.staged},
            key=lambda key: (key.load_id, key.epoch),
        )

    def drop(self, keys: Sequence[StagingKey], connection: ResolvedConnection | None) -> None:
        assert connection is not None
        for key in list(self.staged):
            if StagingKey(key[0], key[1]) in keys:
                del self.staged[key]

    def test(self, connection: ResolvedConnection) -> ConnectionCheck:
        if "test" in self.fails:
            raise self.fails["test"]
        return ConnectionCheck("twin 1", "db", connection.options["user"], False, 1)

    def discover(self, connection: ResolvedConnection) -> Sequence[Table]:
        assert connection.options["user"]
        return [Table("public", "one", "table", ()), Table("crm", "two", "view", ())]


class Files:
    """Publishes staged files by renaming them."""

    def __init__(self) -> None:
        self.renamed: list[str] = []
        self.discarded: list[str] = []

    def publish(
        self,
        staged: StagedSink,
        load: Load,
        connection: ResolvedConnection | None,
        stop: Stop | None = None,
    ) -> Published:
        if stop is not None:
            stop.check()
        assert connection is None
        for file in staged.files:
            Path(file.staged_path).replace(file.final_path)
            self.renamed.append(file.final_path)
        target = staged.files[0].final_path
        return Published(staged.name, target, staged.books, staged.checksum)

    def sweep(self, load: Load, connection: ResolvedConnection | None) -> None:
        raise AssertionError("files are fenced when they are published")

    def discard(
        self, load: Load, connection: ResolvedConnection | None, staged: Sequence[StagedSink]
    ) -> None:
        assert connection is None
        self.discarded += [file.staged_path for sink in staged for file in sink.files]

    def leftovers(self, connection: ResolvedConnection | None) -> Sequence[StagingKey]:
        raise AssertionError("files are not swept")

    def drop(self, keys: Sequence[StagingKey], connection: ResolvedConnection | None) -> None:
        raise AssertionError("files are not swept")


class TwinRun:
    """A run that ends when the engine's gate opens, or when it is cancelled."""

    def __init__(
        self, engine: TwinEngine, plan: engine_pb2.Plan, runtime: engine_pb2.Runtime
    ) -> None:
        self._engine = engine
        self._plan = plan
        self._runtime = runtime
        self._cancelled = False
        self._read = 0

    def progress(self) -> Progress:
        self._read += 1
        counters = NodeCounters("orders", "csv", self._read, self._read)
        return Progress((counters,), rows_read=self._read)

    def cancel(self) -> None:
        self._cancelled = True
        with self._engine.changed:
            self._engine.changed.notify_all()

    def wait(self) -> RunOutcome:
        engine = self._engine
        with engine.changed:
            engine.started += 1
            engine.changed.notify_all()
            engine.changed.wait_for(lambda: engine.open or self._cancelled)
        if self._cancelled:
            raise Cancelled("The run was cancelled")
        if engine.error is not None:
            raise engine.error
        sinks = tuple(self._stage(sink.name, sink) for sink in self._plan.spec.sinks)
        progress = Progress(engine.nodes, rows_read=ROWS, rows_staged=ROWS)
        return RunOutcome(sinks, self._rejects(), progress)

    def rejects(self) -> RejectSummary:
        return self._rejects()

    def _stage(self, name: str, sink: plan_pb2.Sink) -> StagedSink:
        books = self._engine.books or Books(read=ROWS, loaded=ROWS - REJECTED, rejected=REJECTED)
        rows = ROWS - REJECTED
        load, epoch = self._runtime.load_id, self._runtime.epoch
        if sink.HasField("postgres"):
            self._engine.target.staged[load, epoch, name] = rows
            return StagedSink(
                name, "postgres", "append", rows, 0, "00", books, "local", sink.postgres.table
            )
        folder = Path(self._runtime.base_dir)
        staged = folder / f".{name}.{load}-{epoch}"
        staged.write_text(load, encoding="utf-8")
        file = StagedFile(str(staged), str(folder / "out.jsonl"), rows, 32)
        return StagedSink(name, "jsonl", "replace", rows, 32, "00", books, files=(file,))

    def _rejects(self) -> RejectSummary:
        path = Path(self._runtime.work_dir) / "rejects.arrow"
        path.write_text("rejects", encoding="utf-8")
        counts = (RejectCount("orders", "amount", "CONVERSION_FAILED", REJECTED),)
        return RejectSummary(REJECTED, counts, str(path))


class TwinEngine:
    """An engine whose runs wait at a gate and stage ten rows less two rejects."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.open = True
        self.error: Exception | None = None
        self.books: Books | None = None
        self.nodes: tuple[NodeCounters, ...] = ()
        self.runtimes: list[engine_pb2.Runtime] = []
        self.started = 0
        self.changed = threading.Condition()

    def release(self) -> None:
        with self.changed:
            self.open = True
            self.changed.notify_all()

    def await_start(self, count: int = 1) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.started >= count, timeout=30)

    def plan(self, plan: bytes, runtime: bytes) -> PlanReport:
        if self.error is not None:
            raise self.error
        assert Path(engine_pb2.Runtime.FromString(runtime).work_dir).is_dir()
        spec = engine_pb2.Plan.FromString(plan).spec
        nodes = tuple(NodeReport(source.name, "csv", ()) for source in spec.sources)
        return PlanReport(nodes, tuple(SinkReport(s.name, "x", "t", "append") for s in spec.sinks))

    def preview(self, plan: bytes, runtime: bytes, node: str, rows: int) -> Iterator[bytes]:
        names_ = [source.name for source in engine_pb2.Plan.FromString(plan).spec.sources]
        assert node in names_
        for number in range(rows):
            yield f"{node}{number}".encode()

    def start(
        self, plan: bytes, runtime: bytes, streams: Mapping[str, object] | None = None
    ) -> TwinRun:
        assert not streams
        self.runtimes.append(engine_pb2.Runtime.FromString(runtime))
        return TwinRun(self, engine_pb2.Plan.FromString(plan), self.runtimes[-1])

    def read_rejects(self, path: str) -> Iterator[Sequence[RejectRow]]:
        assert Path(path).read_text(encoding="utf-8") == "rejects"
        for line in range(REJECTED):
            yield [
                RejectRow(
                    "orders.csv", line, 0, "x", "orders", "amount", "CONVERSION_FAILED", "", ""
                )
            ]

    def version(self) -> str:
        return "0"


def make_parts(
    folder: Path, stores: Stores, target: Target, variables: Mapping[str, str] | None = None
) -> Parts:
    """Parts over twins, with the warehouse as the connection `local`."""
    environment = Environment(
        data_dir=folder / "data",
        file_roots=(folder,),
        variables=variables or {},
        local={"host": "here", "database": "warehouse", "user": "me"},
    )
    language = PipelineLanguage()
    secrets = Secrets(environment)
    return Parts(
        stores=stores,
        language=language,
        engine=TwinEngine(target),
        publishers={"postgres": target, "jsonl": Files()},
        connectors={"postgres": target},
        environment=environment,
        preparation=Preparation(language, environment, secrets),
        secrets=secrets,
    )


def engine_of(parts: Parts) -> TwinEngine:
    """The twin among the parts."""
    assert isinstance(parts.engine, TwinEngine)
    return parts.engine


async def submit(stores: Stores, text: str = TABLES, **params: str) -> Job:
    """A queued job of a pipeline that is stored when it is not there yet."""
    draft = PipelineDraft(spec_of(text), text, "me", "")
    name = PipelineLanguage().summarize(draft.spec).name
    known = [each.name for each in await stores.pipelines.list("default", limit=100)]
    if name not in known:
        await stores.pipelines.create("default", name, draft)
    return await stores.jobs.create(
        NewJob("default", names.new_job_id(), name, 1, params, author="me")
    )
