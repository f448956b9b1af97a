"""Keeps versions of rows by key (scd2). Always inside the publishing transaction.

Each staged row gets a plan: the moment from which it holds, and the version that holds then, if
there is one. A version that does not differ is left alone, one that began at the same moment is
corrected, any other ends there and the row takes the rest of its time. So rows that come late find
their place, and no two versions of a key ever hold at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString

from psycopg import sql

from etlplus.connectors.postgres import keyed, undo
from etlplus.connectors.postgres.session import Session
from etlplus.connectors.postgres.staging import name
from etlplus.connectors.postgres.undo import Change
from etlplus.domain.errors import Bug, RunError
from etlplus.domain.run import History, Load, StagedSink

#: Types that no operator compares by all that they hold.
_BY_TEXT = ("json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle")

_PLAN = """
CREATE UNLOGGED TABLE {plan} AS
WITH start AS ({starts}),
next AS (
    SELECT p.staged, min(n.{valid_from}) AS moment
    FROM start p JOIN {source} s ON s.ctid = p.staged
    JOIN {target} n ON {match_next} AND n.{valid_from} > p.starts GROUP BY p.staged)
SELECT p.staged, p.starts, v.ctid AS place, v.tableoid AS part,
    CASE WHEN v.ctid IS NULL THEN 'new' WHEN {same} THEN 'same'
         WHEN v.{valid_from} = p.starts THEN 'correct' ELSE 'split' END AS what,
    CASE WHEN v.ctid IS NULL THEN x.moment ELSE v.{valid_to} END AS until,
    CASE WHEN v.ctid IS NULL THEN x.moment IS NULL ELSE v.{is_current} END AS is_current
FROM start p JOIN {source} s ON s.ctid = p.staged
LEFT JOIN next x ON x.staged = p.staged
LEFT JOIN {target} v ON {match} AND v.{valid_from} <= p.starts
    AND (v.{valid_to} IS NULL OR v.{valid_to} > p.starts)"""

_STARTS_AS_SAID = "SELECT s.ctid AS staged, s.{effective} AS starts FROM {source} s"

#: The moment of the load, unless a clock that was set back puts it before what is known of the key.
_STARTS_NOW = """
SELECT s.ctid AS staged,
    greatest({now}, l.since + interval '1 microsecond', l.until) AS starts
FROM {source} s LEFT JOIN (
    SELECT {keys}, max({valid_from}) AS since,
        max({valid_to}) FILTER (WHERE {is_current} IS NOT TRUE) AS until
    FROM {target} GROUP BY {keys}) l ON {match_last}"""

_PLAN_CLOSING = """
INSERT INTO {plan} (starts, place, part, what)
SELECT greatest({now}, t.{valid_from} + interval '1 microsecond'), t.ctid, t.tableoid, 'close'
FROM {target} t
WHERE t.{is_current} AND t.{valid_from} IS NOT NULL AND {has_key}
    AND NOT EXISTS (SELECT FROM {source} s WHERE {match_target})"""

_CLOSE = """
UPDATE {target} t SET {valid_to} = p.starts, {is_current} = false FROM {plan} p
WHERE p.place = t.ctid AND p.part = t.tableoid AND p.what IN ('split', 'close')"""

_CORRECT = """
UPDATE {target} t SET {pairs} FROM {plan} p JOIN {source} s ON s.ctid = p.staged
WHERE p.place = t.ctid AND p.part = t.tableoid AND p.what = 'correct'"""

_INSERT = """
INSERT INTO {target} ({columns}, {valid_from}, {valid_to}, {is_current}) OVERRIDING SYSTEM VALUE
SELECT {staged_columns}, p.starts, p.until, p.is_current
FROM {plan} p JOIN {source} s ON s.ctid = p.staged WHERE p.what IN ('split', 'new')"""

_MATCHED = """
EXISTS (SELECT FROM {plan} p
        WHERE p.place = t.ctid AND p.part = t.tableoid AND p.what <> 'same')"""

_AMBIGUOUS = """
SELECT {keys} FROM {source} s WHERE s.ctid IN (
    SELECT staged FROM {plan} WHERE staged IS NOT NULL GROUP BY staged HAVING count(*) > 1)
LIMIT 1"""


def add_columns(session: Session, staged: StagedSink) -> None:
    """Adds the versions' columns to a new target, and the index of current versions."""
    history = history_of(staged)
    add = sql.SQL(
        "ALTER TABLE {target} ADD COLUMN {valid_from} timestamptz NOT NULL, "
        "ADD COLUMN {valid_to} timestamptz, ADD COLUMN {is_current} boolean NOT NULL"
    )
    names = {"target": name(staged.target), **_names(history)}
    session.execute(add.format(**names))
    index = sql.SQL("CREATE UNIQUE INDEX ON {target} ({keys}) WHERE {is_current}")
    session.execute(index.format(keys=keyed.listed(staged.keys), **names))


def apply(session: Session, staged: StagedSink, load: Load) -> Change:
    """Brings the staged rows into the versions and keeps those that it changes.

    Raises:
        RunError: HISTORY_AMBIGUOUS, several versions of a key hold at the same time.
    """
    keyed.lock_writers_out(session, staged)
    merged = sum(keyed.keep_last(session, staged, table) for table in staged.staging_tables)
    can = undo.is_possible(session, staged.target)
    before = undo.table_of(load, staged) if can and load.keep else ""
    with _planned(session, staged, load) as plan:
        _expect_one_each(session, staged, plan)
        kept = undo.keep(session, staged.target, before, plan.of(_MATCHED)) if before else 0
        changed = plan.run(session, _CLOSE) + _correct(session, staged, plan)
        written = changed + plan.run(session, _INSERT)
        closed = plan.count(session, "close")
    if before and not kept:
        undo.drop(session, before)
        before = ""
    unchanged = "inserted" if can and not changed else ""
    return Change("merged" if before else unchanged, before, kept, written, merged, closed)


def history_of(staged: StagedSink) -> History:
    """How versions are kept. Raises Bug where they are not."""
    if staged.history is None:
        raise Bug(f"the sink {staged.name} keeps versions without saying how")
    return staged.history


@dataclass(frozen=True, slots=True)
class _Plan:
    """The table of what becomes of each staged row, and the names in statements."""

    names: dict[str, sql.Composable]

    def of(self, statement: LiteralString) -> sql.Composed:
        return sql.SQL(statement).format(**self.names)

    def run(self, session: Session, statement: LiteralString) -> int:
        return session.execute(self.of(statement)).rowcount

    def count(self, session: Session, what: str) -> int:
        query = self.of("SELECT count(*) FROM {plan} WHERE what = %s")
        row = session.execute(query, [what]).fetchone()
        return 0 if row is None else int(str(row[0]))


@contextmanager
def _planned(session: Session, staged: StagedSink, load: Load) -> Iterator[_Plan]:
    """The plan of a load; it is gone afterwards."""
    history = history_of(staged)
    (source,) = staged.staging_tables
    sink = hashlib.sha256(staged.name.encode()).hexdigest()[:12]
    clock = session.execute("SELECT pg_catalog.clock_timestamp()::text").fetchone()
    names: dict[str, sql.Composable] = {
        "plan": sql.Identifier("etlplus", f"plan_{load.load_id}_{sink}"),
        "target": name(staged.target),
        "source": name(source),
        "now": sql.SQL("{}::timestamptz").format(sql.Literal(clock[0] if clock else None)),
        "effective": sql.Identifier(history.effective),
        "keys": keyed.listed(staged.keys),
        "columns": keyed.columns(staged),
        "staged_columns": _qualified("s", [column.name for column in staged.columns]),
        "match": keyed.match(staged.keys, "v", "s"),
        "match_next": keyed.match(staged.keys, "n", "s"),
        "match_last": keyed.match(staged.keys, "l", "s"),
        "match_target": keyed.match(staged.keys, "t", "s"),
        "has_key": sql.SQL("({}) IS NOT NULL").format(_row("t", staged.keys)),
        "same": _same(staged),
        **_names(history),
    }
    plan = _Plan(names)
    starts = plan.of(_STARTS_AS_SAID if history.effective else _STARTS_NOW)
    plan = _Plan({**names, "starts": starts})
    plan.run(session, _PLAN)
    # A row that was refused may be one whose version would be closed.
    if history.closes and not staged.books.rejected:
        plan.run(session, _PLAN_CLOSING)
    session.execute(plan.of("ANALYZE {plan}"))
    yield plan
    session.execute(plan.of("DROP TABLE {plan}"))


def _expect_one_each(session: Session, staged: StagedSink, plan: _Plan) -> None:
    row = session.execute(plan.of(_AMBIGUOUS)).fetchone()
    if row is None:
        return
    shown = ", ".join(f"{key} {value}" for key, value in zip(staged.keys, row, strict=True))
    raise RunError(
        f"In {staged.target} several versions of {shown} hold at the same time",
        code="HISTORY_AMBIGUOUS",
        place=staged.name,
        hint="Nothing was published. Mend the versions in the table, then run the pipeline again",
        metadata={"target": staged.target},
    )


def _correct(session: Session, staged: StagedSink, plan: _Plan) -> int:
    others = [column.name for column in staged.columns if column.name not in staged.keys]
    if not others:
        return 0
    pairs = sql.SQL(", ").join(
        sql.SQL("{0} = s.{0}").format(sql.Identifier(column)) for column in others
    )
    return _Plan({**plan.names, "pairs": pairs}).run(session, _CORRECT)


def _same(staged: StagedSink) -> sql.Composable:
    """The condition that a staged row does not differ from a version."""
    effective = history_of(staged).effective
    pairs = []
    for column in staged.columns:
        if column.name in staged.keys or column.name == effective:
            continue
        form = "{}::text" if column.type.removesuffix("[]") in _BY_TEXT else "{}"
        one, other = (
            sql.SQL(form).format(sql.Identifier(alias, column.name)) for alias in ("v", "s")
        )
        pairs.append(sql.SQL("{} IS NOT DISTINCT FROM {}").format(one, other))
    return sql.SQL(" AND ").join(pairs) if pairs else sql.SQL("true")


def _names(history: History) -> dict[str, sql.Composable]:
    return {
        "valid_from": sql.Identifier(history.valid_from),
        "valid_to": sql.Identifier(history.valid_to),
        "is_current": sql.Identifier(history.is_current),
    }


def _qualified(alias: str, columns: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(alias, column) for column in columns)


def _row(alias: str, columns: tuple[str, ...]) -> sql.Composed:
    return sql.SQL("ROW({})").format(_qualified(alias, list(columns)))
