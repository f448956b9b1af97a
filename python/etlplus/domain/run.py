"""Figures of plans and runs, as they come from the engine and from publishing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class ColumnReport:
    """A column; `type` is a SQL type."""

    name: str
    type: str
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class NodeReport:
    """A source's or step's output, known before any row moves. `notes`: what was detected."""

    name: str
    kind: str
    columns: tuple[ColumnReport, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """An option of a source that was detected; `sure` is from 0 to 1, and 1 for declared ones."""

    option: str
    value: str
    sure: float


@dataclass(frozen=True, slots=True)
class Sniffed:
    """How a CSV file is written. `notes`: the same and more in sentences."""

    findings: tuple[Finding, ...]
    columns: tuple[ColumnReport, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SinkReport:
    """What will be done to a target. `create_statement` is empty when the target exists.

    Attributes:
        notes: what is guaranteed, in sentences.
    """

    name: str
    kind: str
    target: str
    mode: str
    create_statement: str = ""
    columns: tuple[ColumnReport, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What compiling a plan found out. `explain` is the engine's own plan as text."""

    nodes: tuple[NodeReport, ...]
    sinks: tuple[SinkReport, ...]
    explain: str = ""


@dataclass(frozen=True, slots=True)
class NodeCounters:
    """Rows of a node: rows_in + expanded = rows_out + rejected + filtered + merged_away.

    Attributes:
        bytes: that a source read.
        worked_micros: microseconds that its operators worked, summed over threads; for a sink, that
            writing took. That of sorts, joins and aggregates is known when their rows are read.
    """

    name: str
    kind: str
    rows_in: int = 0
    rows_out: int = 0
    rejected: int = 0
    filtered: int = 0
    merged_away: int = 0
    expanded: int = 0
    bytes: int = 0
    worked_micros: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """Counters of a run. They only grow. `bytes_total` is 0 when it is not known.

    Attributes:
        peak_memory: the most bytes that operators held at once.
        spilled_bytes: what they wrote to disk for want of memory.
    """

    nodes: tuple[NodeCounters, ...] = ()
    rows_read: int = 0
    bytes_read: int = 0
    bytes_total: int = 0
    rows_rejected: int = 0
    rows_staged: int = 0
    peak_memory: int = 0
    spilled_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Books:
    """A sink's books, in rows: read + expanded = loaded + rejected + filtered + merged_away.

    Attributes:
        deleted: rows of the target that gave way, or versions that ended because the load lacks
            their keys; no part of the balance.
    """

    read: int = 0
    loaded: int = 0
    rejected: int = 0
    filtered: int = 0
    merged_away: int = 0
    expanded: int = 0
    deleted: int = 0

    @property
    def balance(self) -> bool:
        """Whether every row that was read is accounted for."""
        gone = self.loaded + self.rejected + self.filtered + self.merged_away
        return self.read + self.expanded == gone

    def merge(self, rows: int) -> Books:
        """The books after `rows` of the loaded rows gave way to later ones of the same key."""
        return replace(self, loaded=self.loaded - rows, merged_away=self.merged_away + rows)


@dataclass(frozen=True, slots=True)
class RejectCount:
    """How many rows were rejected for a reason, or broke a rule that only warns.

    Attributes:
        column: empty when there is none.
        rule: for warnings, the rule's name; empty when it has none.
    """

    step: str
    column: str
    code: str
    rows: int
    rule: str = ""


@dataclass(frozen=True, slots=True)
class RejectSummary:
    """The rejects of a run. A row with several reasons counts under each.

    Attributes:
        path: the Arrow IPC file that holds them, where the job ran; empty when none.
        warnings: rows that broke a rule of severity `warn`; they were not refused.
    """

    rows: int = 0
    counts: tuple[RejectCount, ...] = ()
    path: str = ""
    warnings: tuple[RejectCount, ...] = ()


@dataclass(frozen=True, slots=True)
class RejectRow:
    """A refused row.

    Attributes:
        source: the file or table; empty when unknown (after joins and aggregates).
        line: the physical line where the record starts, from 1; None when unknown.
        byte_offset: where the record starts, from 0; None when unknown.
        raw: the record as it was read, or the row's values as JSON.
        step: the source or step that refused it.
        column: the first reason's column; empty when there is none.
        code: the first reason's code, one of `codes.REJECTS`.
        message: the first reason's message.
        reasons: JSON with every reason.
    """

    source: str
    line: int | None
    byte_offset: int | None
    raw: str
    step: str
    column: str
    code: str
    message: str
    reasons: str


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file that lies written and synced at `staged_path` and is published to `final_path`."""

    staged_path: str
    final_path: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class History:
    """How versions of rows are kept; names of columns.

    Attributes:
        effective: of the rows, since when each holds; empty for the moment of the load.
        closes: whether current versions end whose keys the load lacks.
    """

    valid_from: str = "valid_from"
    valid_to: str = "valid_to"
    is_current: str = "is_current"
    effective: str = ""
    closes: bool = False


@dataclass(frozen=True, slots=True)
class StagedSink:
    """What a run staged for a sink. No reader of the target sees any of it.

    Attributes:
        kind: postgres, parquet, csv or jsonl.
        mode: append, replace, merge, delete_insert or scd2.
        checksum: of the rows, independent of their order, in hexadecimal.
        connection: for tables, the connection's id.
        target: for tables, `schema.table`, unquoted.
        staging_tables: for tables, `schema.table`, unquoted.
        keys: for merge, delete_insert and scd2, the key columns.
        files: for files, what is to be renamed.
        folder: for folders in replace mode, the folder that is to hold nothing else of this format.
        history: for scd2, how versions are kept.
    """

    name: str
    kind: str
    mode: str
    rows: int
    bytes: int
    checksum: str
    books: Books
    connection: str = ""
    target: str = ""
    staging_tables: tuple[str, ...] = ()
    columns: tuple[ColumnReport, ...] = ()
    keys: tuple[str, ...] = ()
    files: tuple[StagedFile, ...] = ()
    folder: str = ""
    history: History | None = None


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What a run staged, with its final figures. Nothing is published yet."""

    sinks: tuple[StagedSink, ...]
    rejects: RejectSummary
    progress: Progress
    elapsed_ms: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """Who publishes: the load's id (32 hexadecimal digits), the claim's epoch, what it ran.

    Attributes:
        keep: how many earlier generations of a target are kept for rollbacks.
        windows: what is read of sources that are read part by part, as JSON objects by source.
    """

    load_id: str
    epoch: int
    job: str
    pipeline: str
    version: int
    keep: int = 0
    windows: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Published:
    """A published sink, as the target's ledger has it.

    Attributes:
        target: the table, file or folder, for people.
        books: with the rows that a merge folded moved from loaded to merged_away.
        already: whether the ledger had this load before; nothing was done again then.
        undo: for files, what the service's ledger must know to roll the load back.
    """

    sink: str
    target: str
    books: Books
    checksum: str
    already: bool = False
    undo: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StagingKey:
    """Whose a staging table or file is."""

    load_id: str
    epoch: int
