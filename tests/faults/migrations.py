"""F29: eight replicas migrate an empty database at once, and their sessions are cut meanwhile."""

from __future__ import annotations

import asyncio
import re
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg

from etlplus.domain.errors import EtlError, WrongState
from etlplus.store.migrate import built_in, migrate, pending
from tests.faults.fault import Fault, Strike
from tests.faults.link import Rule
from tests.faults.oracle import Verdict
from tests.faults.scene import through

_REPLICAS = 8
_STATEMENT = re.compile(rb"(?i)create|insert into etlplus_control\.migration|COMMIT")


def migration_cut(strike: Strike) -> Verdict:
    """The n-th statement is cut before or after the server sees it; who starts again is right."""
    scene = strike.scene
    # This database is otherwise unused: the service's own is the other one of the cluster.
    spare = scene.metadata.endpoint.warehouse
    with psycopg.connect(spare, autocommit=True) as session:
        session.execute("drop schema if exists etlplus_control cascade")
    conninfo = through(scene.control, spare)
    cuts = []
    struck = time.monotonic()

    def arm() -> None:
        skip = strike.draw.randrange(3 * len(built_in()))
        rule = Rule(_STATEMENT, lambda: True, after=bool(strike.number % 2))
        scene.control.rules.extend([*(Rule(_STATEMENT, lambda: False) for _ in range(skip)), rule])
        cuts.append(rule)

    arm()
    with ThreadPoolExecutor(_REPLICAS) as threads:
        applied = [name for names in threads.map(_tried, [conninfo] * _REPLICAS) for name in names]
    scene.heal()
    applied += asyncio.run(migrate(spare))
    recovery = time.monotonic() - struck
    waiting = asyncio.run(pending(spare))
    expected = [f"{each.number:04}_{each.name}" for each in built_in()]
    notes = [f"still pending: {waiting}"] if waiting else []
    with psycopg.connect(spare) as session:
        rows = session.execute("select number from etlplus_control.migration order by 1").fetchall()
    if [number for (number,) in rows] != list(range(1, len(expected) + 1)):
        notes.append(f"recorded: {rows}")
    doubled = len(applied) - len(set(applied))
    return Verdict(duplicated=doubled, recovery=recovery, notes=tuple(notes))


def _tried(conninfo: str) -> list[str]:
    """What one replica applied; nothing when its session was cut."""
    try:
        return asyncio.run(migrate(conninfo))
    except WrongState:
        # A session that breaks inside a migration; the migration is undone or recorded.
        return []
    except (EtlError, psycopg.Error):
        return []


FAULTS = (Fault("F29", "migrations are cut, with eight replicas at once", migration_cut, 1, 20),)
