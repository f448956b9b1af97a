"""How the columns of a table follow those of the rows: which types widen without loss, and to what.

A type is as PostgreSQL writes it, for instance `character varying(20)` or `numeric(12,2)`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from etlplus.domain.errors import RunError

#: A column follows the rows, or stays as it is.
EVOLVE = "evolve"
FREEZE = "freeze"

_INTEGERS = ("smallint", "integer", "bigint")
_NUMERIC = re.compile(r"numeric(?:\((\d+),(-?\d+)\))?")
_VARCHAR = re.compile(r"character varying(\(\d+\))?")
_TIMED = re.compile(r"(timestamp|time)\(([0-5])\) (with|without) time zone")
#: The most digits that a server's `numeric` holds when it says how many.
_MOST_DIGITS = 1000


@dataclass(frozen=True, slots=True)
class TableSink:
    """A sink into a table, as a definition has it.

    Attributes:
        target: `schema.table`, unquoted.
        policy: `evolve` or `freeze`.
        keys: the columns without which a row has no place in the target.
    """

    name: str
    connection: str
    target: str
    policy: str = FREEZE
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Incoming:
    """A column of the rows, of the type that a table made for them would have."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A column of a table as it is.

    Attributes:
        required: whether every row must bring a value: it takes none that is missing and has no
            default.
    """

    name: str
    type: str
    nullable: bool = True
    required: bool = False


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """What becomes of a column, or where it differs.

    Attributes:
        what: added; widened; missing, which the rows lack; changed, whose types differ and stay.
        before: the table's type; empty for added ones.
        after: for added and widened ones, the type that the table gets; else that of the rows,
            empty when they lack it.
        rewrites: whether the server writes every row of the table anew.
    """

    column: str
    what: Literal["added", "widened", "missing", "changed"]
    before: str = ""
    after: str = ""
    rewrites: bool = False


@dataclass(frozen=True, slots=True)
class SchemaDiff:
    """A table beside the rows that are to be loaded into it.

    Attributes:
        exists: whether the table is there; a missing one is made by the load.
        columns: of the table as it is.
        statements: what changes the table, in the server's SQL; a run executes them before it
            stages.
    """

    sink: TableSink
    exists: bool
    columns: tuple[Standing, ...] = ()
    changes: tuple[ColumnChange, ...] = ()
    statements: tuple[str, ...] = field(default=())

    @property
    def alters(self) -> tuple[ColumnChange, ...]:
        """The changes that a run makes to the table."""
        return tuple(each for each in self.changes if each.what in ("added", "widened"))

    @property
    def added(self) -> tuple[str, ...]:
        """Names of the columns that the table gets."""
        return tuple(each.column for each in self.changes if each.what == "added")

    @property
    def rewrites(self) -> bool:
        """Whether the server writes every row of the table anew."""
        return any(each.rewrites for each in self.alters)


def compare(
    sink: TableSink, standing: Sequence[Standing], incoming: Sequence[Incoming]
) -> tuple[ColumnChange, ...]:
    """How a table differs from the rows, and what becomes of it by the sink's policy.

    Raises:
        RunError: TARGET_MISMATCH, where following the rows would make no sense.
    """
    found = {column.name: column for column in standing}
    changes = []
    for column in incoming:
        known = found.get(column.name)
        if known is None:
            changes.append(ColumnChange(column.name, "added", after=column.type))
        elif known.type != column.type:
            changes.append(_differs(sink, known, column))
    brought = {column.name for column in incoming}
    lacking = (column for column in standing if column.name not in brought)
    changes += [ColumnChange(column.name, "missing", before=column.type) for column in lacking]
    if sink.policy == EVOLVE:
        _expect_sense(sink, set(found), brought)
    return tuple(changes)


def _differs(sink: TableSink, known: Standing, column: Incoming) -> ColumnChange:
    wider = widened(known.type, column.type) if sink.policy == EVOLVE else None
    if wider is None:
        return ColumnChange(column.name, "changed", known.type, column.type)
    rewrites = is_rewriting(known.type, wider)
    return ColumnChange(column.name, "widened", known.type, wider, rewrites)


def _expect_sense(sink: TableSink, found: set[str], brought: set[str]) -> None:
    if not brought & found:
        raise RunError(
            f"{sink.target} has none of the columns of the rows",
            code="TARGET_MISMATCH",
            place=f"{sink.name}, table",
            hint="Name another table: this one holds something else",
            metadata={"node": sink.name},
        )
    strange = [key for key in sink.keys if key not in found]
    if strange:
        raise RunError(
            f"{sink.target} has no column {strange[0]!r}, by which rows are matched",
            code="TARGET_MISMATCH",
            place=f"{sink.name}, keys",
            hint="Columns that rows are matched by are not added: the table's rows have no values "
            "in them. Name columns of the table",
            metadata={"node": sink.name},
        )


def widened(before: str, incoming: str) -> str | None:
    """The type that holds all values of both without changing one; None when it stays as it is.

    The one table of what widens. `real` is not there: as `double precision`, 0.1 would read as
    0.10000000149011612. Nor is `character(n)`, whose values end in spaces.
    """
    if before in _INTEGERS and incoming in _INTEGERS:
        wider = max(before, incoming, key=_INTEGERS.index)
        return None if wider == before else wider
    if _VARCHAR.fullmatch(before):
        return "text" if incoming == "text" and before != "character varying" else None
    timed = _TIMED.fullmatch(before)
    if timed:
        whole = f"{timed[1]} {timed[3]} time zone"
        return whole if incoming == whole else None
    return _wider_numeric(before, incoming)


def _wider_numeric(before: str, incoming: str) -> str | None:
    one, other = _NUMERIC.fullmatch(before), _NUMERIC.fullmatch(incoming)
    if one is None or other is None or one[1] is None:
        return None
    if other[1] is None:
        return "numeric"
    scale = max(int(one[2]), int(other[2]))
    whole = max(int(one[1]) - int(one[2]), int(other[1]) - int(other[2]))
    if whole + scale > _MOST_DIGITS:
        return "numeric"
    wider = f"numeric({whole + scale},{scale})"
    return None if wider == before else wider


def is_rewriting(before: str, after: str) -> bool:
    """Whether the server writes all rows anew to widen a column so."""
    if before in _INTEGERS:
        return True
    one, other = _NUMERIC.fullmatch(before), _NUMERIC.fullmatch(after)
    return one is not None and other is not None and other[1] is not None and one[2] != other[2]
