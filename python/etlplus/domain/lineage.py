"""Of which columns of sources the columns of a sink are computed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """A column of a source."""

    source: str
    column: str


@dataclass(frozen=True, slots=True)
class ColumnLineage:
    """What the values of a column are computed of. Which rows there are is another matter.

    Attributes:
        origins: columns of sources, sorted; none for constants, counts of rows, and what a load
            sets itself.
        unknown: why nobody can tell; empty when `origins` is all.
    """

    column: str
    origins: tuple[Origin, ...] = ()
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class SinkLineage:
    """The columns of a sink, in its order."""

    sink: str
    columns: tuple[ColumnLineage, ...]
