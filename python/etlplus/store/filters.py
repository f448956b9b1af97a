"""A parsed filter as a SQL condition: columns from a fixed list, values quoted by psycopg."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

from etlplus.domain.filter import All, AnyOf, Comparison, Expr, Not, Operator

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPERATORS: Mapping[Operator, LiteralString] = {
    Operator.EQ: "coalesce({column} = {value}, false)",
    Operator.NE: "{column} is distinct from {value}",
    Operator.LT: "coalesce({column} < {value}, false)",
    Operator.LE: "coalesce({column} <= {value}, false)",
    Operator.GT: "coalesce({column} > {value}, false)",
    Operator.GE: "coalesce({column} >= {value}, false)",
    Operator.HAS: "coalesce(position(lower({value}) in lower({column}::text)) > 0, false)",
}

#: As the database writes them.
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
#: Fields that are compared as texts and kept as UUIDs.
_UUIDS: Mapping[str, sql.SQL] = {"replay_of": sql.SQL("replay_of::text")}


def condition(expr: Expr) -> sql.Composed:
    """The condition that is true for exactly the rows that `domain.filter.matches` lets pass.

    Args:
        expr: The filter; its fields are names of columns, checked where it was parsed.
    """
    match expr:
        case All(parts):
            return _joined(parts, sql.SQL(" and "), sql.SQL("true"))
        case AnyOf(parts):
            return _joined(parts, sql.SQL(" or "), sql.SQL("false"))
        case Not(part):
            return sql.SQL("not {}").format(condition(part))
        case Comparison(field, operator, value):
            given = str(value) if operator is Operator.HAS else value
            if operator is Operator.EQ and field in _UUIDS:
                return _is_uuid(field, str(value))
            column = _UUIDS.get(field) or sql.Identifier(field)
            return sql.SQL(_OPERATORS[operator]).format(column=column, value=given)


def _is_uuid(field: str, value: str) -> sql.Composed:
    """The condition in the column's own type, which an index serves. Other texts are no UUID."""
    if not _UUID.fullmatch(value):
        return sql.SQL("false").format()
    return sql.SQL("({column} is not null and {column} = {value}::uuid)").format(
        column=sql.Identifier(field), value=value
    )


def _joined(parts: tuple[Expr, ...], word: sql.SQL, empty: sql.SQL) -> sql.Composed:
    conditions: list[sql.Composable] = [condition(part) for part in parts] or [empty]
    return sql.SQL("({})").format(word.join(conditions))
