"""Finds out how far a column has grown, and says which rows a window means."""

from __future__ import annotations

import psycopg
from psycopg import errors, sql

from etlplus.connectors.postgres.session import Session, opened, refused
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.cursor import CursorPosition, CursorSource, CursorWindow
from etlplus.domain.errors import RunError
from etlplus.domain.window import no_column

#: The types whose order is that of growth, by their number in the catalogue.
_TYPES = {
    21: "smallint",
    23: "integer",
    20: "bigint",
    1700: "numeric",
    1082: "date",
    1114: "timestamp",
    1184: "timestamptz",
    25: "text",
    1043: "text",
}
#: The same in the catalogue, where no search path can change what is meant.
_CATALOGUE = {
    "smallint": "int2",
    "integer": "int4",
    "bigint": "int8",
    "numeric": "numeric",
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
    "text": "text",
}
_NUMBERS = ("smallint", "integer", "bigint", "numeric")
_TIMES = ("date", "timestamp", "timestamptz")
#: The longest that the question for the newest value may take.
_PATIENCE = "10min"
#: The most characters of a value that is kept as a position.
_LONGEST = 1000

#: Whether no two rows of a table can have the same value. Children by inheritance have keys of
#: their own.
_IS_UNIQUE = """
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
    WHERE i.indrelid = pg_catalog.to_regclass(%s) AND a.attname = %s
        AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1
        AND i.indpred IS NULL AND i.indexprs IS NULL
        AND (c.relkind = 'p' OR NOT c.relhassubclass)
)"""


class PostgresCursor:
    """Windows over columns of PostgreSQL."""

    def look(
        self,
        connection: ResolvedConnection,
        source: CursorSource,
        position: CursorPosition | None,
    ) -> CursorWindow:
        """The window from a position to what is there now. Asks in one snapshot.

        Raises:
            RunError: CURSOR_INVALID, CURSOR_CHANGED, CURSOR_NULL, CONNECTION_FAILED,
                TABLE_NOT_FOUND, DATABASE_ERROR.
        """
        try:
            with opened(connection) as session, session.transaction():
                session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                session.execute("SET LOCAL TimeZone = 'UTC'")
                session.execute("SET LOCAL DateStyle = 'ISO'")
                session.execute(
                    sql.SQL("SET LOCAL statement_timeout = {}").format(sql.Literal(_PATIENCE))
                )
                return _Look(session, source, position).window()
        except errors.QueryCanceled as error:
            raise refused(
                f"The newest {source.column} is not found within {_PATIENCE}", error
            ) from error
        except psycopg.Error as error:
            raise refused(f"Cannot ask for the newest {source.column}", error) from error

    def condition(self, window: CursorWindow) -> str:
        """The condition of a window's rows, in the server's dialect."""
        if window.is_empty:
            return "false"
        column = sql.Identifier(window.column)
        bounds = (
            (window.lower, ">=" if window.lower_inclusive else ">"),
            (window.upper, "<=" if window.upper_inclusive else "<"),
        )
        parts = [
            sql.SQL("{} {} {}").format(column, sql.SQL(sign), _literal(value, window.type))
            for value, sign in bounds
            if value is not None
        ]
        return sql.SQL(" AND ").join(parts).as_string() if parts else "true"


def _type(name: str) -> sql.Composable:
    """A type of ours, which is a plain word."""
    return sql.Identifier("pg_catalog", _CATALOGUE[name])


def _literal(value: str, type_: str) -> sql.Composable:
    return sql.SQL("{}::{}").format(sql.Literal(value), _type(type_))


class _Look:
    """One look at a source, in an open transaction."""

    def __init__(
        self, session: Session, source: CursorSource, position: CursorPosition | None
    ) -> None:
        self._session = session
        self._source = source
        self._position = position
        self._column = sql.Identifier(source.column)
        self._type = self._find_type()

    def window(self) -> CursorWindow:
        source, position = self._source, self._position
        if position is not None and (position.column, position.type) != (source.column, self._type):
            raise RunError(
                f"The source was read by {position.column} ({position.type}) until now, "
                f"not by {source.column} ({self._type})",
                code="CURSOR_CHANGED",
                place=source.source,
                hint="`etlplus state reset` lets it begin anew, or with a value of the new column",
            )
        lower, inclusive = self._lower()
        newest, reached = self._newest(lower, inclusive=inclusive)
        if newest is None or reached is None:
            return CursorWindow(source.column, self._type, is_empty=True, reached=position)
        # Rows with the newest value may still come. Where none may be read twice, they are all left
        # to the next window, unless there can be only one.
        whole = not source.once or self._is_unique()
        return CursorWindow(
            source.column,
            self._type,
            lower,
            inclusive,
            newest,
            whole,
            is_empty=not whole and newest == lower,
            reached=CursorPosition(source.column, self._type, reached, whole),
        )

    def _find_type(self) -> str:
        found = self._session.execute(
            sql.SQL("SELECT * FROM {} LIMIT 0").format(self._relation())
        ).description
        columns = {each.name: each for each in found or ()}
        column = columns.get(self._source.column)
        if column is None:
            raise no_column(self._source, list(columns))
        if column.type_code not in _TYPES:
            hint = "Use a whole number, a numeric, a date, a timestamp or a text that only grows"
            raise self._invalid(f"its type {column.type_display} has no order to go by", hint)
        return _TYPES[column.type_code]

    def _relation(self) -> sql.Composable:
        source = self._source
        if source.query:
            # As the engine does: the line's end closes a comment that the query may end with.
            query = source.query.strip().rstrip(";")
            return sql.SQL("({}\n) AS q").format(sql.SQL(query))
        return sql.SQL("{} AS q").format(sql.Identifier(*self._table()))

    def _table(self) -> tuple[str, str]:
        schema, dot, table = self._source.table.partition(".")
        return (schema, table) if dot else ("public", schema)

    def _lower(self) -> tuple[str | None, bool]:
        source, position = self._source, self._position
        if position is None:
            return (self._read(source.start, "start") if source.start else None), True
        if source.once:
            return position.value, not position.read
        if not source.lookback:
            return position.value, True
        return self._back(position.value, source.lookback), True

    def _back(self, value: str, lookback: str) -> str:
        """The value less the lookback, which is a number, or seconds with `s` after them."""
        is_time = lookback.endswith("s")
        fits = _TIMES if is_time else _NUMBERS
        if self._type not in fits:
            hint = "Write a span as in `10m` for times, a whole number for numbers"
            raise self._invalid(f"a lookback of {lookback} does not fit {self._type}", hint)
        length = sql.SQL("{}::interval" if is_time else "{}::numeric").format(
            sql.Literal(f"{lookback[:-1]} seconds" if is_time else lookback)
        )
        back = sql.SQL("({} - {})::{}").format(
            _literal(value, self._type), length, _type(self._type)
        )
        return str(self._one(sql.SQL("SELECT ({})::text").format(back))[0])

    def _read(self, value: str, option: str) -> str:
        """A value as the server writes it."""
        try:
            text = sql.SQL("SELECT ({})::text").format(_literal(value, self._type))
            return str(self._one(text)[0])
        except errors.DataError as error:
            reason = error.diag.message_primary or str(error)
            hint = f"Write a value of the type {self._type}"
            raise self._invalid(f"its `{option}` is no {self._type}: {reason}", hint) from error

    def _newest(self, lower: str | None, *, inclusive: bool) -> tuple[str | None, str | None]:
        """The greatest value from `lower` on, and the greater one of it and the position."""
        bound: sql.Composable = sql.SQL("true")
        if lower is not None:
            sign = sql.SQL(">=" if inclusive else ">")
            bound = sql.SQL("{} {} {}").format(self._column, sign, _literal(lower, self._type))
        position = self._position
        reached: sql.Composable = (
            sql.SQL("max({})").format(self._column)
            if position is None
            else sql.SQL("greatest(max({}), {})").format(
                self._column, _literal(position.value, self._type)
            )
        )
        newest, furthest, missing = self._one(
            sql.SQL(
                "SELECT max({column})::text, ({reached})::text, "
                "count(*) FILTER (WHERE {column} IS NULL) "
                "FROM {relation} WHERE {bound} OR {column} IS NULL"
            ).format(column=self._column, reached=reached, relation=self._relation(), bound=bound)
        )
        if int(str(missing)):
            raise RunError(
                f"{missing} rows have no value in {self._source.column}, so that no window would "
                "ever read them",
                code="CURSOR_NULL",
                place=self._source.source,
                hint="Give them one, or leave them out on purpose by a `query` with the condition "
                f"`{self._source.column} is not null`",
                metadata={"rows": str(missing)},
            )
        if newest is not None and len(str(newest)) > _LONGEST:
            raise self._invalid(
                f"its newest value has more than {_LONGEST} characters", "Use another column"
            )
        if self._type != "text" and newest in ("infinity", "Infinity", "NaN"):
            hint = (
                "After it nothing would be new any more: mend the row, or leave it out by `query`"
            )
            raise self._invalid(f"its newest value is {newest}", hint)
        return (None, None) if newest is None else (str(newest), str(furthest))

    def _is_unique(self) -> bool:
        if self._source.query:
            return False
        named = sql.Identifier(*self._table()).as_string(self._session)
        row = self._session.execute(_IS_UNIQUE, [named, self._source.column]).fetchone()
        return bool(row and row[0])

    def _one(self, statement: sql.Composed) -> tuple[object, ...]:
        row = self._session.execute(statement).fetchone()
        if row is None:
            raise psycopg.DataError("the server did not answer")
        return row

    def _invalid(self, reason: str, hint: str) -> RunError:
        return RunError(
            f"The source cannot be read by the column {self._source.column}: {reason}",
            code="CURSOR_INVALID",
            place=self._source.source,
            hint=hint,
        )
