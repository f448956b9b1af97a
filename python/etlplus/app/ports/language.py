"""Port to the pipeline language. Synchronous and pure; takes and gives serialized messages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

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


@dataclass(frozen=True, slots=True)
class RunContext:
    """What `${…}` may refer to besides parameters.

    Attributes:
        run_id: `${run.id}`, the job's id as text.
        scheduled: `${run.scheduled_date}` and its kin: the planned instant, or
            when the run was asked for. It is shown by the clocks of `zone`.
        env: environment variables that `${env.X}` may see.
        memory: of a run whose definition does not say, as in `256MiB`.
        secret: resolves `${secret.a.b}`; raises RunError (SECRET_UNRESOLVED).
        zone: a name of the tz database; empty for that of the definition's schedule.
    """

    run_id: str
    scheduled: datetime
    env: Mapping[str, str] = field(repr=False)
    secret: Callable[[str], str] = field(repr=False)
    memory: str = "256MiB"
    zone: str = ""


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A kind of connector or step.

    Attributes:
        kind: as in a pipeline: `csv`, `map`.
        roles: `source`, `sink`, `step`, `connection`.
        summary: a sentence.
        options_schema: a JSON Schema (2020-12) of its options, as JSON text.
    """

    kind: str
    roles: tuple[str, ...]
    summary: str
    options_schema: str


@dataclass(frozen=True, slots=True)
class SqlReading:
    """What a text of SQL says by itself.

    Attributes:
        tables: what a query reads; nothing for expressions.
        fault: why it is no SQL; empty when it is.
        line: where that was noticed, from 1; 0 for the end of the text.
        column: the same, in characters.
    """

    tables: tuple[str, ...] = ()
    fault: str = ""
    line: int = 0
    column: int = 0


class SqlReader(Protocol):
    """Reads SQL without knowing any table."""

    def __call__(self, text: str, *, query: bool) -> SqlReading:
        """Reads a query or an expression, in which `$name` stands for a value."""
        ...


class ParsedText(Protocol):
    """What a text means."""

    @property
    def spec(self) -> bytes | None:
        """The serialized PipelineSpec; None when there are errors."""
        ...

    @property
    def problems(self) -> Sequence[Problem]:
        """Errors and warnings, in the order of the text."""
        ...


class Language(Protocol):
    """Knows what a PipelineSpec means."""

    def parse(self, text: str) -> ParsedText:
        """Reads a definition from YAML or JSON and checks all of it."""
        ...

    def check_params(self, spec: bytes, params: Mapping[str, str]) -> None:
        """Returns when a run could take these values. Raises InvalidInput (PARAM_INVALID)."""
        ...

    def queueing(self, spec: bytes, params: Mapping[str, str], scheduled: datetime) -> Queueing:
        """How a run for an instant queues up. Raises InvalidInput (PARAM_INVALID, SPEC_INVALID)."""
        ...

    def watched_uri(self, spec: bytes, params: Mapping[str, str], env: Mapping[str, str]) -> str:
        """The path or pattern of the files whose arrival starts a run, its `${…}` resolved.

        Raises:
            InvalidInput: PARAM_INVALID, SPEC_INVALID.
        """
        ...

    def check(self, spec: bytes) -> Sequence[Problem]:
        """Everything that is wrong with a definition by itself."""
        ...

    def summarize(self, spec: bytes) -> SpecSummary:
        """What the control plane needs. Raises InvalidInput (SPEC_INVALID) for damaged bytes."""
        ...

    def as_data(self, spec: bytes) -> Mapping[str, Any]:
        """What a definition says, as JSON, without what it leaves to the defaults."""
        ...

    def as_text(self, spec: bytes) -> str:
        """A definition as YAML."""
        ...

    def lower(self, spec: bytes, params: Mapping[str, str], context: RunContext) -> bytes:
        """The serialized Plan: names and `from` filled in, `${…}` resolved, parameters bound.

        Raises:
            InvalidInput: PARAM_INVALID, SPEC_INVALID.
            RunError: SECRET_UNRESOLVED.
        """
        ...

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
        """The serialized Runtime. It holds secrets: never store or log it."""
        ...

    def cursors(self, plan: bytes) -> Sequence[CursorSource]:
        """The sources of a lowered plan that are read by a column whose values grow."""
        ...

    def new_files(self, plan: bytes) -> Sequence[FilesSource]:
        """The sources of a lowered plan that read only new files."""
        ...

    def tables(self, plan: bytes) -> Sequence[TableSink]:
        """The sinks of a serialized Plan that write tables."""
        ...

    def as_new(self, plan: bytes) -> bytes:
        """The Plan with every table replaced by one that is not there.

        Compiled, it tells the types that a table made for the rows would have.
        """
        ...

    def without(
        self, plan: bytes, columns: Mapping[str, Sequence[str]]
    ) -> tuple[bytes, Sequence[str]]:
        """The Plan whose sinks do not get these columns, and the names of the steps for that."""
        ...

    def nodes(self, plan: bytes) -> Sequence[Node]:
        """The sources, steps and sinks of a serialized Plan, each after what it reads."""
        ...

    def sampled_source(self, plan: bytes, source: str, rows: int, folder: str) -> bytes:
        """The Plan that reads the first records of one source. See `sampled`."""
        ...

    def sampled(self, plan: bytes, names: Collection[str], rows: int, folder: str) -> bytes:
        """The Plan of some nodes, with all that they read, over the first rows of their sources.

        A source is read under the name that `read_as` says; the step that passes its first rows on
        has its own. What comes out is written to files in a folder.
        """
        ...

    def sampled_total(self, plan: bytes, source: str, folder: str) -> bytes:
        """The Plan that counts a source's rows by what its files say; empty where they do not."""
        ...

    def read_as(self, source: str) -> str:
        """The name under which a sampled Plan reads a source."""
        ...

    def lineage(self, plan: bytes, report: PlanReport) -> Sequence[SinkLineage]:
        """Of which columns of sources the columns of sinks are computed.

        Args:
            plan: a serialized Plan.
            report: what compiling it told.
        """
        ...

    def plan_replay(self, old: bytes, new: bytes, refused: Sequence[Refused]) -> ReplayPlan:
        """Which of the rows that `old` refused a run of `new` can read again.

        Raises:
            WrongState: NOTHING_TO_REPLAY, REPLAY_UNSUPPORTED.
        """
        ...

    def connectors(self) -> Sequence[CatalogueEntry]:
        """Kinds of sources, sinks and connections."""
        ...

    def steps(self) -> Sequence[CatalogueEntry]:
        """Kinds of steps."""
        ...
