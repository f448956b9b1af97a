"""The columns of tables, as restoring rows needs them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import sql

from etlplus.connectors.postgres.session import Session
from etlplus.connectors.postgres.staging import name

_COLUMNS = """
SELECT attname::text, pg_catalog.format_type(atttypid, atttypmod), attgenerated::text <> '',
       attidentity::text = 'a'
FROM pg_catalog.pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
ORDER BY attnum"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `type` is as SQL writes it.

    Attributes:
        is_generated: whether the table computes it.
        is_always_identity: whether the table alone may give it values.
    """

    name: str
    type: str
    is_generated: bool
    is_always_identity: bool

    @property
    def is_settable(self) -> bool:
        """Whether an update may give it a value."""
        return not (self.is_generated or self.is_always_identity)


def columns_of(session: Session, table: str) -> list[Column]:
    """The columns of `schema.table`, in order."""
    rows = session.execute(_COLUMNS, [name(table).as_string(session)])
    return [Column(str(n), str(t), bool(made), bool(own)) for n, t, made, own in rows]


def names_of(columns: Iterable[Column]) -> sql.Composed:
    """Names of columns, with commas between."""
    return sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
