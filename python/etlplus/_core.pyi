"""The Rust core: contract bytes and Arrow in and out. Imported by `etlplus.engine` alone."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

class EngineError(Exception):
    """An error of the engine. `args`: code, message, node, place, hint (from node on: or None)."""

    args: tuple[str, str, str | None, str | None, str | None]

class Plan:
    """A compiled plan. It can run, or show a preview, once."""

    def report(self) -> bytes:
        """A serialized PlanReport."""

    def preview(self, node: str, rows: int) -> bytes:
        """The first rows of a source or step as an Arrow IPC stream. Raises EngineError."""

    def start(self) -> Run:
        """Starts moving rows. Raises EngineError when the plan has run."""

class Run:
    """A plan that runs on the engine's threads."""

    def progress(self) -> bytes:
        """A serialized RunProgress."""

    def cancel(self) -> None:
        """Asks it to stop."""

    def rejects(self) -> bytes:
        """A serialized RejectSummary; closes the file of rejects. Raises EngineError."""

    def wait(self) -> bytes:
        """Blocks without the interpreter's lock. A serialized RunResult. Raises EngineError."""

class Pulse:
    """A thread that renews leases over a connection of its own; it ends with this object."""

    def __init__(self, connection: bytes, statement: str, lease: float) -> None:
        """A serialized ResolvedConnection, SQL, and seconds. Raises EngineError."""

    def beat(self, leases: list[tuple[str, int]]) -> list[tuple[str, bool, float]]:
        """Pairs of job and epoch in; job, cancellation and seconds left out. Raises EngineError.

        Blocks without the interpreter's lock.
        """

#: source, line, byte offset, raw, step, column, code, message, reasons
RejectTuple: TypeAlias = tuple[
    str | None,
    int | None,
    int | None,
    str | None,
    str | None,
    str | None,
    str | None,
    str | None,
    str | None,
]

class RejectReader(Iterator[list[RejectTuple]]):
    """Lists of refused rows."""

    def __iter__(self) -> RejectReader: ...
    def __next__(self) -> list[RejectTuple]: ...

def compile(plan: bytes, runtime: bytes, streams: Mapping[str, object]) -> Plan:
    """Compiles a serialized Plan with a serialized Runtime. Raises EngineError."""

def read_rejects(path: str) -> RejectReader:
    """Opens a file of rejects. Raises EngineError."""

def sniff_csv(source: bytes, runtime: bytes) -> bytes:
    """How a serialized CsvSource is written: a serialized SniffReport. Raises EngineError."""

def read_sql(text: str, query: bool) -> tuple[list[str], tuple[str, int, int] | None]:
    """A query's tables; or why it, or an expression, is no SQL, with line and column or zeros."""

def codes() -> tuple[list[str], list[str]]:
    """The stable codes of errors and of rejects."""

def version() -> str:
    """The core's version."""
