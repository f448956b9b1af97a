"""Who wrote a row: a load, or a rollback that wrote the row of an earlier load again.

The server stores with each row the transaction that wrote it, as the last 32 bits of its number. A
rollback that writes back rows of earlier loads does so in one subtransaction for each of them, and
notes its number in `etlplus.restored`: so these loads still find their rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from psycopg import sql

from etlplus.connectors.postgres import generations
from etlplus.connectors.postgres.generations import Entry
from etlplus.connectors.postgres.session import Session
from etlplus.connectors.postgres.undo import WRITER

_CYCLE = 2**32
#: What older servers wrote into rows in place of transactions long ago.
_FIRST_NORMAL = 3

_ALIASES = "SELECT xid FROM etlplus.restored WHERE load_id = %s AND sink = %s"
_BEGIN = """
INSERT INTO etlplus.restored (load_id, sink, xid) VALUES (%s, %s, 0)
RETURNING xmin::text::bigint"""
_NOTE = "UPDATE etlplus.restored SET xid = %s WHERE load_id = %s AND sink = %s AND xid = 0"
_DROP_NOTE = "DELETE FROM etlplus.restored WHERE load_id = '' AND sink = ''"
_NOW = "SELECT pg_catalog.pg_current_xact_id()::text::bigint"


def own(session: Session, entry: Entry, writer: sql.Composable) -> sql.Composed:
    """The condition that a load wrote a row; `writer` is an expression of type xid."""
    wrote = one_of(_numbers(session, entry), writer)
    if entry.undo not in ("created", "swapped"):
        return wrote
    # The table was filled before it became the target: by whatever had ended when it did.
    return sql.SQL("({wrote} OR {before})").format(
        wrote=wrote, before=_before(session, entry, writer)
    )


def one_of(numbers: Sequence[int], writer: sql.Composable) -> sql.Composed:
    """The condition that one of these transactions wrote a row."""
    listed = "{" + ",".join(str(number % _CYCLE) for number in numbers) + "}"
    return sql.SQL("{writer} = ANY({listed}::xid[])").format(
        writer=writer, listed=sql.Literal(listed)
    )


def mark(session: Session, entry: Entry, kept: sql.Identifier) -> None:
    """Gives kept copies `__origin`: the number of the earlier load that wrote them, else null."""
    session.execute(sql.SQL("ALTER TABLE {} ADD COLUMN __origin bigint").format(kept))
    earlier = generations.underneath(session, entry)
    known = [
        (number % _CYCLE, each.number) for each in earlier for number in _numbers(session, each)
    ]
    writer = sql.Identifier("u", WRITER)
    if known:
        statement = sql.SQL(
            "UPDATE {kept} u SET __origin = k.load "
            "FROM unnest(%s::bigint[], %s::bigint[]) k (xid, load) "
            "WHERE {writer}::text::bigint = k.xid"
        )
        numbers, loads = zip(*known, strict=True)
        session.execute(statement.format(kept=kept, writer=writer), [list(numbers), list(loads)])
    if earlier and earlier[-1].undo in ("created", "swapped"):
        whole = earlier[-1]
        statement = sql.SQL(
            "UPDATE {kept} u SET __origin = {load} WHERE __origin IS NULL AND {before}"
        )
        before = _before(session, whole, writer)
        session.execute(statement.format(kept=kept, load=sql.Literal(whole.number), before=before))


def origins(session: Session, kept: sql.Identifier) -> list[int | None]:
    """The loads that wrote kept copies; None for all others together."""
    query = sql.SQL("SELECT DISTINCT __origin FROM {} ORDER BY __origin").format(kept)
    return [None if load is None else int(str(load)) for (load,) in session.execute(query)]


def of(origin: int | None) -> sql.Composed:
    """The condition that a kept copy `u` is of this origin."""
    return sql.SQL("u.__origin IS NOT DISTINCT FROM {}").format(sql.Literal(origin))


@contextmanager
def apart(session: Session, entry: Entry, origin: int | None) -> Iterator[int]:
    """A subtransaction that writes rows of one earlier load of the target; gives its number."""
    load_id, sink = "", ""
    if origin is not None:
        (load_id, sink), *_ = [
            (each.load_id, each.sink)
            for each in generations.underneath(session, entry)
            if each.number == origin
        ]
    with session.transaction():
        row = session.execute(_BEGIN, [load_id, sink]).fetchone()
        number = 0 if row is None else int(str(row[0]))
        session.execute(_NOTE, [number, load_id, sink])
        yield number
        if origin is None:
            session.execute(_DROP_NOTE)


def _numbers(session: Session, entry: Entry) -> list[int]:
    rows = session.execute(_ALIASES, [entry.load_id, entry.sink]).fetchall()
    return [entry.xid or 0, *(int(str(number)) for (number,) in rows)]


def _before(session: Session, entry: Entry, writer: sql.Composable) -> sql.Composed:
    """The condition that the writer of a row had ended when the load was published."""
    row = session.execute(_NOW).fetchone()
    now = 0 if row is None else int(str(row[0]))
    # The whole number of a transaction is the one next to the present one with these last bits.
    whole = sql.SQL(
        "({now} + mod({writer}::text::bigint - {low} + {half} + {cycle}, {cycle}) - {half})"
    ).format(
        now=sql.Literal(now),
        writer=writer,
        low=sql.Literal(now % _CYCLE),
        half=sql.Literal(_CYCLE // 2),
        cycle=sql.Literal(_CYCLE),
    )
    return sql.SQL(
        "CASE WHEN {writer}::text::bigint < {first} THEN true ELSE "
        "pg_catalog.pg_visible_in_snapshot(({whole})::text::xid8, {snapshot}::pg_snapshot) END"
    ).format(
        writer=writer,
        first=sql.Literal(_FIRST_NORMAL),
        whole=whole,
        snapshot=sql.Literal(entry.snapshot or "1:1:"),
    )
