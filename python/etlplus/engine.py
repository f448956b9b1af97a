"""The Rust core behind the application's port. The only importer of `_core`."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from etlplus import _core
from etlplus.app.ports import SqlReading
from etlplus.domain import run as figures
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import EtlError, from_code
from etlplus.domain.job import Beat, Lease
from etlplus.v1 import engine_pb2, plan_pb2, report_pb2

# Parameters of glibc's mallopt, from malloc.h.
_M_ARENA_MAX = -8
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3


def _share_heaps() -> None:
    """Let all threads share one heap of the C library and give freed memory back early.

    glibc otherwise keeps up to eight heaps a core, each with what its threads have freed: 70 MB
    more for a large load, and no faster. Other C libraries have no such switch.
    """
    switch = getattr(ctypes.CDLL(None), "mallopt", None)
    if switch is not None:
        switch(_M_ARENA_MAX, 1)
        switch(_M_TRIM_THRESHOLD, 1 << 17)
        # Blocks of up to 4 MiB come from the heap. By default each column of a batch would be
        # mapped and unmapped by itself: half of the kernel's time in a load.
        switch(_M_MMAP_THRESHOLD, 1 << 22)


_share_heaps()


class RustEngine:
    """Compiles and runs plans in the Rust core."""

    def plan(self, plan: bytes, runtime: bytes) -> figures.PlanReport:
        """Compiles: looks at sources and targets, moves no row. Raises the domain's errors."""
        with _domain_errors():
            report = _core.compile(plan, runtime, {}).report()
        message = report_pb2.PlanReport.FromString(report)
        message.explain = _without_secrets(message.explain, plan)
        return _plan_report(message)

    def preview(self, plan: bytes, runtime: bytes, node: str, rows: int) -> Iterator[bytes]:
        """The first rows of a source or step, as pieces of one Arrow IPC stream.

        A piece is at most 1 MiB. Raises the domain's errors.
        """
        with _domain_errors():
            stream = _core.compile(plan, runtime, {}).preview(node, rows)
        for start in range(0, len(stream), _PIECE):
            yield stream[start : start + _PIECE]

    def start(
        self, plan: bytes, runtime: bytes, streams: Mapping[str, object] | None = None
    ) -> RustRun:
        """Compiles and starts.

        Args:
            plan: a serialized `Plan`.
            runtime: a serialized `Runtime`.
            streams: for each stream source, anything with `__arrow_c_stream__`, an iterable of
                Arrow batches, or bytes of JSON lines.

        Raises:
            EtlError: of the class its code belongs to. What a Python source raises while it is
                asked for its first batch comes out unchanged.
        """
        with _domain_errors():
            return RustRun(_core.compile(plan, runtime, dict(streams or {})).start())

    def sniff(self, source: bytes, runtime: bytes) -> figures.Sniffed:
        """How the files of a serialized `CsvSource` are written. Raises the domain's errors."""
        with _domain_errors():
            report = engine_pb2.SniffReport.FromString(_core.sniff_csv(source, runtime))
        return figures.Sniffed(
            tuple(figures.Finding(f.option, f.value, f.sure) for f in report.findings),
            tuple(figures.ColumnReport(c.name, c.type) for c in report.columns),
            tuple(report.notes),
        )

    def read_sql(self, text: str, *, query: bool) -> SqlReading:
        """What a query, or an expression, says by itself. Raises nothing."""
        tables, fault = _core.read_sql(text, query)
        return SqlReading(tuple(tables), *(fault or ()))

    def read_rejects(self, path: str) -> Iterator[Sequence[figures.RejectRow]]:
        """The rows of a rejects file, in batches. Raises the domain's errors."""
        with _domain_errors():
            for rows in _core.read_rejects(path):
                yield [_reject_row(row) for row in rows]

    def version(self) -> str:
        """The core's version."""
        return _core.version()


class RustPulse:
    """Renews leases from a thread of the core, which no holder of the interpreter's lock can stop.

    Between calls of `beat`, and for ten leases after the last, the thread goes on by itself.
    """

    def __init__(self, database: ResolvedConnection, statement: str, lease: timedelta) -> None:
        """Names the database; the first beat connects.

        Args:
            database: how to reach the service's database.
            statement: renews; takes jobs, epochs and seconds, gives job, cancellation and seconds.
            lease: the length of a lease.
        """
        connection = engine_pb2.ResolvedConnection(
            name=database.name, kind=database.kind, options=database.options
        )
        with _domain_errors():
            self._pulse = _core.Pulse(
                connection.SerializeToString(), statement, lease.total_seconds()
            )

    def beat(self, leases: Sequence[Lease]) -> Mapping[UUID, Beat]:
        """Renews exactly these leases. A job that is missing in the answer is lost.

        Blocks for at most a sixth of a lease. Raises the domain's errors.
        """
        with _domain_errors():
            kept = self._pulse.beat([(str(lease.job), lease.epoch) for lease in leases])
        return {UUID(job): Beat(stop, timedelta(seconds=left)) for job, stop, left in kept}


class RustRun:
    """A started plan. `progress` and `cancel` may be called from any thread."""

    def __init__(self, run: _core.Run) -> None:
        self._run = run

    def progress(self) -> figures.Progress:
        """The counters as they are."""
        return _progress(report_pb2.RunProgress.FromString(self._run.progress()))

    def cancel(self) -> None:
        """Asks it to stop; `wait` raises Cancelled within 2 s. Does nothing after the end."""
        self._run.cancel()

    def rejects(self) -> figures.RejectSummary:
        """What was rejected until now, its file closed: for runs that failed."""
        with _domain_errors():
            summary = self._run.rejects()
        return _rejects(engine_pb2.RejectSummary.FromString(summary))

    def wait(self) -> figures.RunOutcome:
        """Blocks until all is staged. Raises the domain's errors; a Python source's unchanged."""
        with _domain_errors():
            result = self._run.wait()
        return _outcome(engine_pb2.RunResult.FromString(result))


_PIECE = 1 << 20


@contextmanager
def _domain_errors() -> Iterator[None]:
    try:
        yield
    except _core.EngineError as error:
        raise _domain_error(error) from None


def _domain_error(error: _core.EngineError) -> EtlError:
    code, message, node, place, hint = error.args
    where = ", ".join(part for part in (node, place) if part)
    metadata = {"node": node} if node else {}
    return from_code(code, message, place=where or None, hint=hint, metadata=metadata)


def _without_secrets(explain: str, plan: bytes) -> str:
    """The engine's own plan shows bound values; those of secrets must not leave the process."""
    params = engine_pb2.Plan.FromString(plan).params
    secrets = {one.value for one in params if one.name.startswith("secret_") and one.value}
    for secret in sorted(secrets, key=len, reverse=True):
        explain = explain.replace(secret, "***")
    return explain


def _plan_report(report: report_pb2.PlanReport) -> figures.PlanReport:
    nodes = tuple(
        figures.NodeReport(node.name, node.kind, _columns(node.columns), tuple(node.notes))
        for node in report.nodes
    )
    sinks = tuple(
        figures.SinkReport(
            name=sink.name,
            kind=sink.kind,
            target=sink.target,
            mode=sink.mode,
            create_statement=sink.create_statement,
            columns=_columns(sink.columns),
            notes=tuple(sink.notes),
        )
        for sink in report.sinks
    )
    return figures.PlanReport(nodes, sinks, report.explain)


def _columns(columns: Sequence[report_pb2.ColumnReport]) -> tuple[figures.ColumnReport, ...]:
    return tuple(
        figures.ColumnReport(column.name, column.type, column.nullable) for column in columns
    )


def _progress(progress: report_pb2.RunProgress) -> figures.Progress:
    nodes = tuple(
        figures.NodeCounters(
            name=node.name,
            kind=node.kind,
            rows_in=node.rows_in,
            rows_out=node.rows_out,
            rejected=node.rejected,
            filtered=node.filtered,
            merged_away=node.merged_away,
            expanded=node.expanded,
            bytes=node.bytes,
            worked_micros=node.worked_micros,
        )
        for node in progress.nodes
    )
    return figures.Progress(
        nodes=nodes,
        rows_read=progress.rows_read,
        bytes_read=progress.bytes_read,
        bytes_total=progress.bytes_total,
        rows_rejected=progress.rows_rejected,
        rows_staged=progress.rows_staged,
        peak_memory=progress.peak_memory,
        spilled_bytes=progress.spilled_bytes,
    )


def _outcome(result: engine_pb2.RunResult) -> figures.RunOutcome:
    return figures.RunOutcome(
        sinks=tuple(_staged(sink) for sink in result.sinks),
        rejects=_rejects(result.rejects),
        progress=_progress(result.progress),
        elapsed_ms=result.elapsed_ms,
    )


def _rejects(summary: engine_pb2.RejectSummary) -> figures.RejectSummary:
    return figures.RejectSummary(
        summary.rows, _counts(summary.counts), summary.path, _counts(summary.warnings)
    )


def _counts(counts: Iterable[report_pb2.RejectCount]) -> tuple[figures.RejectCount, ...]:
    return tuple(
        figures.RejectCount(count.step, count.column, count.code, count.rows, count.rule)
        for count in counts
    )


def _staged(sink: engine_pb2.StagedSink) -> figures.StagedSink:
    files = tuple(
        figures.StagedFile(file.staged_path, file.final_path, file.rows, file.bytes)
        for file in sink.files
    )
    return figures.StagedSink(
        name=sink.name,
        kind=sink.kind,
        mode=sink.mode,
        rows=sink.rows,
        bytes=sink.bytes,
        checksum=sink.checksum,
        books=_books(sink.books),
        connection=sink.connection,
        target=sink.target,
        staging_tables=tuple(sink.staging_tables),
        columns=_columns(sink.columns),
        keys=tuple(sink.keys),
        files=files,
        folder=sink.folder,
        history=_history(sink.history) if sink.HasField("history") else None,
    )


def _history(history: plan_pb2.History) -> figures.History:
    return figures.History(
        valid_from=history.valid_from,
        valid_to=history.valid_to,
        is_current=history.is_current,
        effective=history.effective,
        closes=history.deleted == "close",
    )


def _books(books: report_pb2.Books) -> figures.Books:
    return figures.Books(
        read=books.read,
        loaded=books.loaded,
        rejected=books.rejected,
        filtered=books.filtered,
        merged_away=books.merged_away,
        expanded=books.expanded,
    )


def _reject_row(row: _core.RejectTuple) -> figures.RejectRow:
    source, line, byte_offset, raw, step, column, code, message, reasons = row
    return figures.RejectRow(
        source=source or "",
        line=line,
        byte_offset=byte_offset,
        raw=raw or "",
        step=step or "",
        column=column or "",
        code=code or "",
        message=message or "",
        reasons=reasons or "",
    )
