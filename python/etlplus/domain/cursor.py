"""Windows over a column whose values grow: what is read of a table, and what was read before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Final

#: What reads a value of a type, or raises.
_READ: Final[Mapping[str, Callable[[str], object]]] = {
    "smallint": int,
    "integer": int,
    "bigint": int,
    "numeric": Decimal,
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "timestamptz": datetime.fromisoformat,
}


@dataclass(frozen=True, slots=True)
class CursorSource:
    """A source that is read by a column whose values grow.

    Attributes:
        source: its name in the pipeline.
        connection: the connection's id.
        table: `schema.table` or `table`; empty where there is a query.
        query: in the server's own dialect; empty where there is a table.
        column: the cursor.
        start: the value that the first window begins with; empty for all rows.
        lookback: how far a window reaches back behind the last one: a whole number, or seconds
            with `s` after them; empty for not at all.
        once: whether a sink adds rows without knowing them by a key, so that none may come twice.
    """

    source: str
    connection: str
    table: str
    query: str
    column: str
    start: str = ""
    lookback: str = ""
    once: bool = True


@dataclass(frozen=True, slots=True)
class CursorWindow:
    """The rows from `lower` to `upper`; no bound where there is None.

    Attributes:
        type: the column's SQL type; the values are texts of it.
        is_empty: whether nothing new was found, so that no row is read.
        reached: the position that the window leads to, `position` below; None to begin anew.
    """

    kind: ClassVar[str] = "cursor"
    column: str
    type: str
    lower: str | None = None
    lower_inclusive: bool = True
    upper: str | None = None
    upper_inclusive: bool = False
    is_empty: bool = False
    reached: CursorPosition | None = None

    def to_json(self) -> dict[str, Any]:
        """The window as a JSON object, with its kind."""
        return {"kind": self.kind, **asdict(self)}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> CursorWindow:
        """The window of a JSON object."""
        fields = {name: each for name, each in value.items() if name != "kind"}
        reached = fields.pop("reached")
        return CursorWindow(
            **fields, reached=None if reached is None else CursorPosition(**reached)
        )

    @property
    def after(self) -> dict[str, Any] | None:
        """The position once the window is loaded, as a JSON object."""
        return None if self.reached is None else self.reached.to_json()

    def __str__(self) -> str:
        """As people read it: `id > 5 and id <= 9`."""
        if self.is_empty:
            return f"nothing new in {self.column}"
        parts = []
        if self.lower is not None:
            parts.append(f"{self.column} {'>=' if self.lower_inclusive else '>'} {self.lower}")
        if self.upper is not None:
            parts.append(f"{self.column} {'<=' if self.upper_inclusive else '<'} {self.upper}")
        return " and ".join(parts) or f"all of {self.column}"


@dataclass(frozen=True, slots=True)
class CursorPosition:
    """How far a column has been read.

    Attributes:
        read: whether the rows that have just this value were read as well.
    """

    column: str
    type: str
    value: str
    read: bool = False

    def to_json(self) -> dict[str, Any]:
        """The position as a JSON object, with its kind."""
        return {"kind": CursorWindow.kind, **asdict(self)}

    def at(self, value: str) -> CursorPosition:
        """The same column at another value, with whose rows the next window begins.

        Raises:
            ValueError: The value is not of the column's type.
        """
        read = _READ.get(self.type, str)
        try:
            read(value)
        except ArithmeticError as error:
            raise ValueError(str(error)) from error
        return CursorPosition(self.column, self.type, value)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> CursorPosition:
        """The position of a JSON object."""
        return CursorPosition(**{name: each for name, each in value.items() if name != "kind"})
