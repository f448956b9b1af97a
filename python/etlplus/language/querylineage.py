"""Of which columns of its tables each column of a query is computed.

What is not certain is unknown: a form of which it is known that its tree tells less than the query
does, a name that cannot be resolved, a result that the engine sees otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from etlplus.language.queryform import DIALECT, parsed

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.lineage import Node

#: A table and a column of it.
TableColumn = tuple[str, str]
#: Beyond this many columns nobody waits for the answer.
_MOST_COLUMNS: Final = 5000
_UNCLEAR: Final = "its query has a form that is not followed"


def query_lineage(
    query: str, tables: Mapping[str, Sequence[str]], columns: Sequence[str]
) -> list[frozenset[TableColumn] | str]:
    """Return for each column of a query what it is computed of, or why that is unknown.

    Args:
        query: as the engine takes it.
        tables: the columns of all that the query may read, by name.
        columns: the columns of its result, as the engine has them.
    """
    from sqlglot.errors import SqlglotError  # noqa: PLC0415 takes time that others do not need

    tree = parsed(query)
    if tree is None or _is_unclear(tree):
        return [_UNCLEAR] * len(columns)
    if len(columns) + sum(map(len, tables.values())) > _MOST_COLUMNS:
        return ["its query has too many columns"] * len(columns)
    try:
        return _found(tree, tables, columns)
    except (SqlglotError, RecursionError, ValueError, KeyError, AttributeError, TypeError):
        # What the parser's own rules cannot place is nobody's fault, and no reason to fail a plan.
        return [_UNCLEAR] * len(columns)


def _is_unclear(tree: exp.Expr) -> bool:
    from sqlglot import exp  # noqa: PLC0415 as above

    if not isinstance(tree, exp.Query):
        return True
    forms = (
        *(exp.Lateral, exp.Unnest, exp.UDTF, exp.Pivot, exp.Except, exp.Exists, exp.Values),
        *(exp.MatchRecognize, exp.Explode, exp.JSONTable, exp.TableFromRows),
    )
    if tree.find(*forms) is not None:
        return True
    if any(each.args.get("recursive") for each in tree.find_all(exp.With)):
        return True
    # A window that is named once is written apart from the columns that it computes.
    return any(each.args.get("windows") for each in tree.find_all(exp.Select)) or any(
        join.args.get("method") for join in tree.find_all(exp.Join)
    )


def _found(
    tree: exp.Expr, tables: Mapping[str, Sequence[str]], columns: Sequence[str]
) -> list[frozenset[TableColumn] | str]:
    from sqlglot import exp  # noqa: PLC0415 as above
    from sqlglot.lineage import to_node  # noqa: PLC0415 as above
    from sqlglot.optimizer import build_scope  # noqa: PLC0415 as above
    from sqlglot.optimizer.qualify import qualify  # noqa: PLC0415 as above
    from sqlglot.schema import MappingSchema  # noqa: PLC0415 as above

    named = {f"t{number}": name for number, name in enumerate(tables)}
    _rename(tree, {name: short for short, name in named.items()})
    schema = MappingSchema(
        {short: dict.fromkeys(tables[name], "text") for short, name in named.items()},
        dialect=DIALECT,
        normalize=False,
    )
    whole = qualify(tree, schema=schema, dialect=DIALECT, identify=False)
    scope = build_scope(whole)
    if scope is None or not isinstance(whole, exp.Query):
        return [_UNCLEAR] * len(columns)
    if len(whole.selects) != len(columns) or _is_ambiguous(whole):
        return [_UNCLEAR] * len(columns)
    found: list[frozenset[TableColumn] | str] = []
    for index, (select, name) in enumerate(zip(whole.selects, columns, strict=True)):
        if _is_named(select) and select.alias_or_name != name:
            found.append(_UNCLEAR)
            continue
        node = to_node(index, scope, DIALECT, schema=schema, trim_selects=False)
        found.append(_leaves(node, named, tables))
    return found


def _rename(tree: exp.Expr, short: Mapping[str, str]) -> None:
    """Give every table that is no CTE a name of one part; columns see what they saw before."""
    from sqlglot import exp  # noqa: PLC0415 as above
    from sqlglot.errors import OptimizeError  # noqa: PLC0415 as above

    for table in list(tree.find_all(exp.Table)):
        name = f"{table.db}.{table.name}" if table.db else table.name
        if not table.db and _is_cte(table, name):
            continue
        if name not in short or table.catalog:
            raise OptimizeError(name)
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=True)))
        table.set("db", None)
        table.set("this", exp.to_identifier(short[name], quoted=True))
    for column in tree.find_all(exp.Column):
        if column.args.get("db") or column.args.get("catalog"):
            raise OptimizeError(column.name)


def _is_cte(table: exp.Expr, name: str) -> bool:
    """Tell whether a name is that of a CTE that stands before the table and may be seen there."""
    from sqlglot import exp  # noqa: PLC0415 as above

    inner: exp.Expr = table
    outer = table.parent
    while outer is not None:
        within = outer.args.get("with_") or outer.args.get("with")
        if isinstance(within, exp.With):
            for cte in within.expressions:
                if cte is inner or any(each is cte for each in _above(table)):
                    break  # a CTE sees those before it, not itself
                if cte.alias == name:
                    return True
        inner, outer = outer, outer.parent
    return False


def _above(part: exp.Expr) -> list[exp.Expr]:
    found = []
    above = part.parent
    while above is not None:
        found.append(above)
        above = above.parent
    return found


def _is_ambiguous(tree: exp.Expr) -> bool:
    """Tell whether an inner query has two columns of one name: only one would be followed."""
    from sqlglot import exp  # noqa: PLC0415 as above

    for each in tree.find_all(exp.Select):
        names = each.named_selects
        if each is not tree and len(set(names)) != len(names):
            return True
        if any(isinstance(select, exp.Star) or select.is_star for select in each.selects):
            return True
    return False


def _is_named(select: exp.Expr) -> bool:
    from sqlglot import exp  # noqa: PLC0415 as above

    return isinstance(select, exp.Alias) and not select.alias.startswith("_col")


def _leaves(
    node: Node, named: Mapping[str, str], tables: Mapping[str, Sequence[str]]
) -> frozenset[TableColumn] | str:
    """The columns of tables at the ends of a column's lineage."""
    from sqlglot import exp  # noqa: PLC0415 as above

    found: set[TableColumn] = set()
    for each in node.walk():
        if each.downstream:
            continue
        if isinstance(each.expression, exp.Table):
            table = named.get(each.expression.name, "")
            read = parsed(each.name)
            column = read.name if isinstance(read, exp.Column) else ""
            if column not in tables.get(table, ()):
                return _UNCLEAR
            found.add((table, column))
        elif not _is_constant(each.expression):
            return _UNCLEAR
    return frozenset(found)


def _is_constant(expression: exp.Expr) -> bool:
    """Tell whether an expression without columns is one indeed, a count of rows included."""
    from sqlglot import exp  # noqa: PLC0415 as above

    plain = (
        *(exp.Alias, exp.Identifier, exp.Literal, exp.Null, exp.Boolean, exp.Parameter, exp.Var),
        *(exp.Cast, exp.DataType, exp.DataTypeParam, exp.Neg, exp.Paren, exp.Binary, exp.Count),
        *(exp.Star, exp.Window, exp.RowNumber, exp.Interval, exp.CurrentDate),
        *(exp.CurrentTimestamp, exp.TableAlias),
    )
    return all(isinstance(each, plain) for each in expression.walk())
