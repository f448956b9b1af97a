"""A parsed filter as a SQL condition: columns from a fixed list, values quoted by psycopg."""

from __future__ import annotations

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

#: Fields that are compared as texts and kept as something else.
_TEXTS: Mapping[str, sql.SQL] = {"replay_of": sql.SQL("replay_of::text")}


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
            column = _TEXTS.get(field) or sql.Identifier(field)
            return sql.SQL(_OPERATORS[operator]).format(column=column, value=given)


def _joined(parts: tuple[Expr, ...], word: sql.SQL, empty: sql.SQL) -> sql.Composed:
    conditions: list[sql.Composable] = [condition(part) for part in parts] or [empty]
    return sql.SQL("({})").format(word.join(conditions))
