"""Every test of this folder runs on the stores in memory, and on those in PostgreSQL twice.

The second time a job moves to the history as soon as it ends, of which nobody may notice anything.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from etlplus.app.ports import Stores
from etlplus.store.memory.stores import MemoryStores
from etlplus.store.stores import PostgresStores
from tests.conformance.archiving import archiving
from tests.conformance.database import control_database, empty


@pytest.fixture(scope="session")
def conninfo() -> Iterator[str]:
    with control_database() as found:
        yield found


@pytest.fixture(params=["memory", "postgres", "history"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    if request.param == "memory":
        yield MemoryStores()
        return
    conninfo = request.getfixturevalue("conninfo")
    empty(conninfo)
    opened = PostgresStores(conninfo)
    await opened.open()
    try:
        yield archiving(opened.stores) if request.param == "history" else opened.stores
    finally:
        await opened.close()
