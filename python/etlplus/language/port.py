"""The language as the application sees it: bytes in, bytes out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from google.protobuf.json_format import MessageToDict

from etlplus.app.ports import CatalogueEntry, RunContext, SqlReader
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.cursor import CursorSource
from etlplus.domain.evolution import TableSink
from etlplus.domain.expectation import Node
from etlplus.domain.lineage import SinkLineage
from etlplus.domain.newfiles import FilesSource
from etlplus.domain.pipeline import SpecSummary
from etlplus.domain.problem import Problem
from etlplus.domain.queueing import Queueing
from etlplus.domain.replay import ReadAgain, Refused, ReplayPlan
from etlplus.domain.run import PlanReport
from etlplus.domain.window import SourcePart
from etlplus.language import canonical, catalogue, lowering, probing, sampling
from etlplus.language.check import Parsed, check_spec, parse
from etlplus.language.incremental import cursors, new_files
from etlplus.language.lineage import lineage
from etlplus.language.replay import plan_replay
from etlplus.language.summary import summarize
from etlplus.language.writer import to_yaml
from etlplus.v1 import engine_pb2


class PipelineLanguage:
    """Implements the port `etlplus.app.ports.Language`."""

    def __init__(self, sql: SqlReader | None = None) -> None:
        """Without a reader of SQL, faults in it are found when a plan is compiled."""
        self._sql = sql

    def parse(self, text: str) -> Parsed:
        """Read a definition from YAML or JSON and check all of it."""
        return parse(text, self._sql)

    def check_params(self, spec: bytes, params: Mapping[str, str]) -> None:
        """Return when a run could take these values. Raises as `lowering.check_params`."""
        lowering.check_params(spec, params)

    def queueing(self, spec: bytes, params: Mapping[str, str], scheduled: datetime) -> Queueing:
        """Return how a run queues up. Raises as `lowering.queueing`."""
        return lowering.queueing(spec, params, scheduled)

    def watched_uri(self, spec: bytes, params: Mapping[str, str], env: Mapping[str, str]) -> str:
        """Return what files are watched. Raises as `lowering.watched_uri`."""
        return lowering.watched_uri(spec, params, env)

    def check(self, spec: bytes) -> Sequence[Problem]:
        """Return everything that is wrong with a definition by itself."""
        return check_spec(canonical.decode(spec), self._sql).problems()

    def summarize(self, spec: bytes) -> SpecSummary:
        """Return what the control plane needs to know. Raises InvalidInput for damaged bytes."""
        return summarize(canonical.decode(spec))

    def as_data(self, spec: bytes) -> Mapping[str, Any]:
        """Return what a definition says, as JSON, without what it leaves to the defaults."""
        return MessageToDict(canonical.decode(spec), preserving_proto_field_name=True)

    def as_text(self, spec: bytes) -> str:
        """Return a definition as YAML."""
        return to_yaml(spec)

    def lower(self, spec: bytes, params: Mapping[str, str], context: RunContext) -> bytes:
        """Return the serialized Plan. Raises as `lowering.lower`."""
        return lowering.lower(spec, params, context)

    def runtime(
        self,
        *,
        connections: Sequence[ResolvedConnection],
        file_roots: Sequence[str],
        base_dir: str,
        work_dir: str,
        load_id: str,
        epoch: int,
        threads: int = 0,
        batch_rows: int = 0,
        replays: Sequence[ReadAgain] = (),
        parts: Sequence[SourcePart] = (),
    ) -> bytes:
        """Return the serialized Runtime. It holds secrets: it is never stored or logged."""
        return lowering.runtime(
            connections=connections,
            file_roots=file_roots,
            base_dir=base_dir,
            work_dir=work_dir,
            load_id=load_id,
            epoch=epoch,
            threads=threads,
            batch_rows=batch_rows,
            replays=replays,
            parts=parts,
        )

    def cursors(self, plan: bytes) -> Sequence[CursorSource]:
        """Return the sources of a lowered plan that are read by a column whose values grow."""
        return cursors(engine_pb2.Plan.FromString(plan).spec)

    def new_files(self, plan: bytes) -> Sequence[FilesSource]:
        """Return the sources of a lowered plan that read only new files."""
        return new_files(engine_pb2.Plan.FromString(plan).spec)

    def tables(self, plan: bytes) -> Sequence[TableSink]:
        """Return the sinks of a serialized Plan that write tables."""
        return probing.tables(plan)

    def as_new(self, plan: bytes) -> bytes:
        """Return the Plan with tables that are not there. See `probing.as_new`."""
        return probing.as_new(plan)

    def without(
        self, plan: bytes, columns: Mapping[str, Sequence[str]]
    ) -> tuple[bytes, Sequence[str]]:
        """Return the Plan whose sinks do not get these columns. See `probing.without`."""
        return probing.without(plan, columns)

    def nodes(self, plan: bytes) -> Sequence[Node]:
        """Return the sources, steps and sinks of a serialized Plan, each after what it reads."""
        return sampling.nodes(plan)

    def sampled_source(self, plan: bytes, source: str, rows: int, folder: str) -> bytes:
        """Return the Plan of a source's first records. See `sampling.sampled_source`."""
        return sampling.sampled_source(plan, source, rows, folder)

    def sampled(self, plan: bytes, names: Collection[str], rows: int, folder: str) -> bytes:
        """Return the Plan of some nodes over the first records. See `sampling.sampled`."""
        return sampling.sampled(plan, names, rows, folder)

    def sampled_total(self, plan: bytes, source: str, folder: str) -> bytes:
        """Return the Plan that counts a source's rows. See `sampling.sampled_total`."""
        return sampling.sampled_total(plan, source, folder)

    def read_as(self, source: str) -> str:
        """Return the name under which a sampled Plan reads a source."""
        return sampling.read_as(source)

    def lineage(self, plan: bytes, report: PlanReport) -> Sequence[SinkLineage]:
        """Return of what the columns of sinks are computed. See `lineage.lineage`."""
        return lineage(plan, report)

    def plan_replay(self, old: bytes, new: bytes, refused: Sequence[Refused]) -> ReplayPlan:
        """Return which rejects can be read again. Raises as `replay.plan_replay`."""
        return plan_replay(canonical.decode(old), canonical.decode(new), refused)

    def connectors(self) -> Sequence[CatalogueEntry]:
        """Return the kinds of sources and sinks."""
        return catalogue.connectors()

    def steps(self) -> Sequence[CatalogueEntry]:
        """Return the kinds of steps."""
        return catalogue.steps()
