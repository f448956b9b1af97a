"""Knows the form of queries: what SQL says without the engine that computes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sqlglot import exp

#: The dialect that reads texts and quotes as the engine does, for which names keep their case.
DIALECT: Final = "postgres, normalization_strategy=case_sensitive"


def parsed(query: str) -> exp.Expr | None:
    """Return a query or expression as a tree; None when its form is not understood."""
    import sqlglot  # noqa: PLC0415 takes time that most commands do not need
    from sqlglot import exp  # noqa: PLC0415 the same
    from sqlglot.errors import SqlglotError  # noqa: PLC0415 the same

    try:
        found = sqlglot.parse(query, dialect=DIALECT)
    except (SqlglotError, RecursionError):
        return None
    tree = found[0] if len(found) == 1 else None
    # Words that stand for functions to this dialect and may be names of columns to the engine.
    words = (exp.CurrentCatalog, exp.CurrentSchema, exp.CurrentUser, exp.SessionUser)
    times = (exp.CurrentTime, exp.Localtime, exp.Localtimestamp)
    return None if tree is None or tree.find(*words, *times) is not None else tree


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


def columns_of(expression: str) -> frozenset[str] | None:
    """Return the columns that an expression names; None when its form is not understood.

    Fields of columns (`address.city`) are not understood, nor are queries.
    """
    from sqlglot import exp  # noqa: PLC0415 as above

    tree = parsed(f"select {expression}")
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1:
        return None
    is_more = any(value for key, value in tree.args.items() if key != "expressions")
    stars = any(not isinstance(each.parent, exp.Count) for each in tree.find_all(exp.Star))
    if is_more or stars or any(each is not tree for each in tree.find_all(exp.Query)):
        return None
    found = set()
    for column in tree.find_all(exp.Column):
        if column.table or not column.name:
            return None
        found.add(column.name)
    return frozenset(found)
