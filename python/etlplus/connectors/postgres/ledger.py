"""The ledger of loads and their fences, kept in the target's own database.

A load's ledger row is written by the transaction that publishes its rows, so that the two are
there together or not at all. The fence of a load holds the highest epoch seen: a claim with a
lower one is stale and changes nothing any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from psycopg.rows import dict_row

from etlplus.connectors.postgres.session import Session
from etlplus.domain.errors import WrongState
from etlplus.domain.run import Books, Load, Published, StagedSink

#: Guards making the tables against two that do it at once. Any number, the same everywhere.
_MAKING = 0x65746C70

_IS_THERE = """
SELECT pg_catalog.to_regclass('etlplus.load') IS NOT NULL
   AND pg_catalog.to_regclass('etlplus.fence') IS NOT NULL"""

_MAKE = (
    "CREATE SCHEMA IF NOT EXISTS etlplus",
    """
CREATE TABLE IF NOT EXISTS etlplus.fence (
    load_id text PRIMARY KEY,
    epoch bigint NOT NULL,
    change_time timestamptz NOT NULL DEFAULT pg_catalog.now()
)""",
    """
CREATE TABLE IF NOT EXISTS etlplus.load (
    load_id text NOT NULL,
    sink text NOT NULL,
    epoch bigint NOT NULL,
    job text NOT NULL,
    pipeline text NOT NULL,
    version integer NOT NULL,
    target text NOT NULL,
    mode text NOT NULL,
    "read" bigint NOT NULL CHECK ("read" >= 0),
    loaded bigint NOT NULL CHECK (loaded >= 0),
    rejected bigint NOT NULL CHECK (rejected >= 0),
    filtered bigint NOT NULL CHECK (filtered >= 0),
    merged_away bigint NOT NULL CHECK (merged_away >= 0),
    expanded bigint NOT NULL CHECK (expanded >= 0),
    checksum text NOT NULL,
    publish_time timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (load_id, sink),
    CONSTRAINT books_balance
        CHECK ("read" + expanded = loaded + rejected + filtered + merged_away)
)""",
)

_FENCE = """
INSERT INTO etlplus.fence AS f (load_id, epoch) VALUES (%(load_id)s, %(epoch)s)
ON CONFLICT (load_id) DO UPDATE
SET epoch = greatest(f.epoch, excluded.epoch), change_time = pg_catalog.now()
RETURNING epoch"""

_GET = """
SELECT target, checksum, "read", loaded, rejected, filtered, merged_away, expanded
FROM etlplus.load WHERE load_id = %(load_id)s AND sink = %(sink)s"""

_ADD = """
INSERT INTO etlplus.load (
    load_id, sink, epoch, job, pipeline, version, target, mode,
    "read", loaded, rejected, filtered, merged_away, expanded, checksum
) VALUES (
    %(load_id)s, %(sink)s, %(epoch)s, %(job)s, %(pipeline)s, %(version)s, %(target)s, %(mode)s,
    %(read)s, %(loaded)s, %(rejected)s, %(filtered)s, %(merged_away)s, %(expanded)s, %(checksum)s
)"""


def make(session: Session) -> None:
    """Makes the ledger where it is missing."""
    row = session.execute(_IS_THERE).fetchone()
    if row is not None and row[0]:
        return
    with session.transaction():
        session.execute("SELECT pg_catalog.pg_advisory_xact_lock(%s)", [_MAKING])
        for statement in _MAKE:
            session.execute(statement)


def fence(session: Session, load: Load) -> None:
    """Locks the load's fence until the transaction ends and raises it to this claim's epoch.

    Raises:
        WrongState: STALE_EPOCH, a later claim was here.
    """
    row = session.execute(_FENCE, {"load_id": load.load_id, "epoch": load.epoch}).fetchone()
    highest = load.epoch if row is None else row[0]
    if highest != load.epoch:
        raise WrongState(
            f"A later claim of the load {load.load_id} has fenced off epoch {load.epoch}",
            code="STALE_EPOCH",
            metadata={"load_id": load.load_id, "epoch": str(load.epoch), "highest": str(highest)},
        )


def get(session: Session, load: Load, sink: str) -> Published | None:
    """What was published of this load, if it was."""
    with session.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_GET, {"load_id": load.load_id, "sink": sink}).fetchone()
    return None if row is None else _published(sink, row)


def _published(sink: str, row: Mapping[str, Any]) -> Published:
    figures = ("read", "loaded", "rejected", "filtered", "merged_away", "expanded")
    books = Books(**{name: int(row[name]) for name in figures})
    return Published(sink, str(row["target"]), books, str(row["checksum"]), already=True)


def add(session: Session, load: Load, staged: StagedSink, books: Books) -> None:
    """Writes the load's row. The server checks the books once more."""
    session.execute(
        _ADD,
        {
            **asdict(load),
            **asdict(books),
            "sink": staged.name,
            "target": staged.target,
            "mode": staged.mode,
            "checksum": staged.checksum,
        },
    )
