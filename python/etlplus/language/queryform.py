"""Knows the form of queries: what SQL says without the engine that computes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sqlglot import exp

#: The dialect whose names and quotes are read as the engine reads them: lower-case unless quoted.
DIALECT: Final = "postgres"


def parsed(query: str) -> exp.Expr | None:
    """Return a query or expression as a tree; None when its form is not understood."""
    import sqlglot  # noqa: PLC0415 takes time that most commands do not need
    from sqlglot.errors import SqlglotError  # noqa: PLC0415 the same

    try:
        found = sqlglot.parse(query, dialect=DIALECT)
    except (SqlglotError, RecursionError):
        return None
    return found[0] if len(found) == 1 else None


def is_by_row(query: str) -> bool:
    """Tell whether each row of the only table of a query fares by itself, as in a filter.

    A query that is not understood, or that calls a function whose kind is not known, counts as one
    that looks at all rows.
    """
    from sqlglot import exp  # noqa: PLC0415 as above

    tree = parsed(query)
    if not isinstance(tree, exp.Select):
        return False
    looks_further = (
        *(exp.AggFunc, exp.Window, exp.Subquery, exp.Anonymous, exp.Union, exp.With, exp.Lateral),
        *(exp.Join, exp.Group, exp.Having, exp.Distinct, exp.Qualify, exp.Limit, exp.Offset),
        exp.Fetch,
    )
    tables = list(tree.find_all(exp.Table))
    inner = [each for each in tree.find_all(exp.Query) if each is not tree]
    return len(tables) == 1 and not inner and tree.find(*looks_further) is None
