"""How far a column has grown, asked of a real server, and the rows that a window means."""

from __future__ import annotations

import pytest

from etlplus.connectors.postgres import PostgresCursor
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.cursor import CursorPosition, CursorSource, CursorWindow
from etlplus.domain.errors import RunError
from tests.conformance.publish.conftest import Session

CURSOR = PostgresCursor()


def source(column: str = "at", *, query: str = "", **options: object) -> CursorSource:
    table = "" if query else "t"
    return CursorSource("rows", "local", table, query, column, **options)  # type: ignore[arg-type]


def make(session: Session, type_: str, *values: str) -> None:
    session.execute(f"CREATE TABLE t (id serial, at {type_})".encode())
    for value in values:
        session.execute("INSERT INTO t (at) VALUES (%s)", [value])


def read(session: Session, window: CursorWindow) -> list[int]:
    """The rows of a window, in a session whose settings are not those of the look."""
    session.execute("SET TimeZone = 'Pacific/Auckland'")
    session.execute("SET DateStyle = 'SQL, DMY'")
    statement = f"SELECT id FROM (SELECT * FROM t) q WHERE {CURSOR.condition(window)} ORDER BY id"
    return [int(str(row[0])) for row in session.execute(statement.encode())]


def windows(
    session: Session, warehouse: ResolvedConnection, asked: CursorSource, *added: str
) -> list[list[int]]:
    """The rows of one window after another; before each but the first a value is added."""
    position, found = None, []
    for value in (None, *added):
        if value is not None:
            session.execute("INSERT INTO t (at) VALUES (%s)", [value])
        window = CURSOR.look(warehouse, asked, position)
        assert CursorWindow.from_json(window.to_json()) == window
        found.append(read(session, window))
        position = window.reached
    return found


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        ("smallint", ("-3", "7", "9", "10")),
        ("integer", ("-3", "7", "9", "10")),
        ("bigint", ("-9223372036854775808", "7", "9", "9223372036854775807")),
        ("numeric", ("-1.5", "0.30000000000000000001", "0.3000000000000000001", "1e30")),
        ("numeric(10,2)", ("-1.50", "2", "10", "10.01")),
        ("date", ("0044-03-15 BC", "2026-01-02", "2026-02-01", "9999-12-31")),
        (
            "timestamp(3)",
            ("2026-01-01 00:00", "2026-01-01 00:00:00.001", "2026-01-01 01:00", "2026-10-25 02:30"),
        ),
        (
            "timestamptz",
            (
                "2026-10-25 02:30+02",
                "2026-10-25 02:30+01",
                "2026-10-25 02:30:00.000001+01",
                "2027-01-01 00:00Z",
            ),
        ),
        ("text", ("", "a'b", "a\\'c", "b")),
        ("varchar(9)", ("1", "10", "2", "\u00e9")),
    ],
)
def test_every_type_is_read_part_by_part(
    session: Session, warehouse: ResolvedConnection, type_: str, values: tuple[str, ...]
) -> None:
    make(session, type_, *values[:2])
    found = windows(session, warehouse, source(), *values[2:])
    assert found == [[1], [2], [3]]
    session.execute("TRUNCATE t RESTART IDENTITY")
    for value in values[:2]:
        session.execute("INSERT INTO t (at) VALUES (%s)", [value])
    session.execute("CREATE UNIQUE INDEX ON t (at)")
    assert windows(session, warehouse, source(), *values[2:]) == [[1, 2], [3], [4]]


def test_rows_of_the_newest_value_stay_together(
    session: Session, warehouse: ResolvedConnection
) -> None:
    make(session, "int", "1", "2", "2")
    assert windows(session, warehouse, source(), "2", "3", "3") == [[1], [], [2, 3, 4], []]


@pytest.mark.parametrize(
    "index",
    [
        "CREATE UNIQUE INDEX ON t (at) WHERE at > 0",
        "CREATE UNIQUE INDEX ON t (at, id)",
        "CREATE UNIQUE INDEX ON t ((at + 1))",
        "CREATE UNIQUE INDEX ON t (at); CREATE TABLE child () INHERITS (t)",
    ],
)
def test_only_what_makes_values_unique_counts(
    session: Session, warehouse: ResolvedConnection, index: str
) -> None:
    make(session, "int", "1", "2")
    session.execute(index.encode())
    assert windows(session, warehouse, source()) == [[1]]


def test_where_rows_are_known_they_come_again(
    session: Session, warehouse: ResolvedConnection
) -> None:
    make(session, "int", "10", "20")
    asked = source(once=False)
    assert windows(session, warehouse, asked, "20", "15", "30") == [
        [1, 2],
        [2, 3],
        [2, 3],
        [2, 3, 5],
    ]


@pytest.mark.parametrize(
    ("type_", "values", "lookback"),
    [
        ("int", ("10", "20", "15", "14"), "5"),
        ("numeric", ("1", "2", "1.5", "1.49"), "0"),
        ("timestamptz", ("2026-01-01Z", "2026-01-02Z", "2026-01-01 23:00Z", "2026-01-01"), "3600s"),
        ("timestamp", ("2026-01-01", "2026-01-02", "2026-01-01 23:00", "2026-01-01"), "3600s"),
        ("date", ("2026-01-01", "2026-01-20", "2026-01-19", "2026-01-01"), "3600.000s"),
    ],
)
def test_a_lookback_reaches_rows_that_come_late(
    session: Session,
    warehouse: ResolvedConnection,
    type_: str,
    values: tuple[str, ...],
    lookback: str,
) -> None:
    make(session, type_, *values[:2])
    asked = source(once=False, lookback=lookback)
    found = windows(session, warehouse, asked, *values[2:])
    late = [2] if lookback == "0" else [2, 3]
    assert found == [[1, 2], late, late]


@pytest.mark.parametrize(
    ("type_", "lookback"), [("int", "10.000s"), ("timestamp", "10"), ("text", "10")]
)
def test_a_lookback_of_another_kind_is_refused(
    session: Session, warehouse: ResolvedConnection, type_: str, lookback: str
) -> None:
    make(session, type_)
    position = CursorPosition("at", "integer" if type_ == "int" else type_, "1")
    with pytest.raises(RunError) as caught:
        CURSOR.look(warehouse, source(once=False, lookback=lookback), position)
    assert caught.value.code == "CURSOR_INVALID"
    assert caught.value.hint


def test_it_begins_at_the_start_and_never_goes_back(
    session: Session, warehouse: ResolvedConnection
) -> None:
    make(session, "date", "2026-01-01", "2026-01-02", "2026-01-03")
    asked = source(once=False, start="2026-01-02")
    window = CURSOR.look(warehouse, asked, None)
    assert read(session, window) == [2, 3]
    session.execute("DELETE FROM t WHERE id = 3")
    again = CURSOR.look(warehouse, source(once=False, lookback="172800s"), window.reached)
    assert again.reached == window.reached
    assert read(session, again) == [1, 2]


def test_an_empty_table_has_nothing_new(session: Session, warehouse: ResolvedConnection) -> None:
    make(session, "int")
    window = CURSOR.look(warehouse, source(), None)
    assert (window.is_empty, window.reached, read(session, window)) == (True, None, [])
    session.execute("INSERT INTO t (at) VALUES (1)")
    assert read(session, CURSOR.look(warehouse, source(once=False), window.reached)) == [1]


@pytest.mark.parametrize("query", ["select id, at from t", "select * from t; ", "table t -- all"])
def test_a_query_is_read_too(session: Session, warehouse: ResolvedConnection, query: str) -> None:
    make(session, "int", "1", "2")
    session.execute("CREATE UNIQUE INDEX ON t (at)")
    assert windows(session, warehouse, source(query=query)) == [[1]]


def test_names_are_quoted(session: Session, warehouse: ResolvedConnection) -> None:
    session.execute('CREATE SCHEMA "My Mart"')
    session.execute("""CREATE TABLE "My Mart"."t ""x" ("At; drop" int)""")
    session.execute("""INSERT INTO "My Mart"."t ""x" VALUES (1), (2)""")
    asked = CursorSource("rows", "local", 'My Mart.t "x', "", "At; drop", once=False)
    window = CURSOR.look(warehouse, asked, None)
    assert CURSOR.condition(window) == """"At; drop" <= '2'::"pg_catalog"."int4\""""
    session.execute('DROP SCHEMA "My Mart" CASCADE')


def refused(warehouse: ResolvedConnection, asked: CursorSource) -> RunError:
    with pytest.raises(RunError) as caught:
        CURSOR.look(warehouse, asked, None)
    assert (caught.value.place, bool(caught.value.hint)) == ("rows", True)
    return caught.value


@pytest.mark.parametrize("type_", ["float8", "uuid", "boolean", "jsonb", "interval", "int[]"])
def test_a_type_without_growth_is_refused(
    session: Session, warehouse: ResolvedConnection, type_: str
) -> None:
    make(session, type_)
    error = refused(warehouse, source())
    assert error.code == "CURSOR_INVALID"
    assert "has no order to go by" in error.message


@pytest.mark.parametrize(
    ("type_", "value"), [("timestamptz", "infinity"), ("numeric", "NaN"), ("date", "infinity")]
)
def test_a_value_that_nothing_exceeds_is_refused(
    session: Session, warehouse: ResolvedConnection, type_: str, value: str
) -> None:
    make(session, type_, value)
    assert "its newest value is" in refused(warehouse, source()).message


def test_rows_without_a_value_are_counted_and_refused(
    session: Session, warehouse: ResolvedConnection
) -> None:
    make(session, "int", "1")
    session.execute("INSERT INTO t (at) VALUES (null), (null)")
    error = refused(warehouse, source())
    assert (error.code, error.metadata["rows"]) == ("CURSOR_NULL", "2")


def test_a_column_or_start_that_is_not_there_is_refused(
    session: Session, warehouse: ResolvedConnection
) -> None:
    make(session, "int", "1")
    assert "Its columns are id, at" in str(refused(warehouse, source("ta")).hint)
    assert "its `start` is no integer" in refused(warehouse, source(start="x")).message


def test_another_column_or_type_is_refused_until_a_reset(
    session: Session, warehouse: ResolvedConnection
) -> None:
    make(session, "int", "1")
    for position in (CursorPosition("id", "integer", "1"), CursorPosition("at", "bigint", "1")):
        with pytest.raises(RunError) as caught:
            CURSOR.look(warehouse, source(), position)
        assert caught.value.code == "CURSOR_CHANGED"


def test_a_table_that_is_not_there_is_named(warehouse: ResolvedConnection) -> None:
    with pytest.raises(RunError) as caught:
        CURSOR.look(warehouse, CursorSource("rows", "local", "nowhere", "", "at"), None)
    assert caught.value.code == "TABLE_NOT_FOUND"
