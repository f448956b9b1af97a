"""The stores of a living service against the sudden end of their database."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from etlplus.domain.errors import Unavailable
from etlplus.domain.job import JobState, Lease, NewJob, Settlement
from etlplus.domain.names import new_job_id
from etlplus.domain.pipeline import PipelineDraft
from etlplus.domain.run import Progress
from etlplus.store.database import Database, PoolOptions
from etlplus.store.embedded.supervisor import EmbeddedPostgres
from etlplus.store.migrate import migrate
from etlplus.store.stores import PostgresStores
from tests.conformance.database import enterable_folder
from tests.faults.link import linked

Answer = TypeVar("Answer")

LEASE = timedelta(minutes=5)
PATIENCE = 60.0


async def insist(call: Callable[[], Awaitable[Answer]]) -> Answer:
    """The call's answer, as soon as the database is there again."""
    while True:
        try:
            return await call()
        except Unavailable:
            continue


async def test_a_job_and_its_watchers_outlive_a_killed_database() -> None:
    with enterable_folder() as folder:
        postgres = EmbeddedPostgres(folder, system_state=folder / "system")
        async with postgres as endpoint:
            await migrate(endpoint.metadata)
            opened = PostgresStores(endpoint.metadata)
            await opened.open()
            stores = opened.stores
            await stores.pipelines.create("default", "p", PipelineDraft(b"", "", "root", ""))
            await stores.jobs.create(NewJob("default", new_job_id(), "p", 1, {}, "root"))
            (job,) = await stores.jobs.claim(uuid4(), lease=LEASE)
            lease = Lease(job.uid, job.epoch)
            assert postgres.pid is not None
            with stores.wakeups.subscribe(job.uid) as wakeup:
                os.kill(postgres.pid, signal.SIGKILL)
                # Being connected again counts as a hint.
                assert await wakeup.wait(PATIENCE)
                assert await insist(lambda: stores.jobs.progress(lease, Progress(rows_read=1)))
                assert await wakeup.wait(PATIENCE)
            assert await insist(lambda: stores.jobs.settle(lease, Settlement(JobState.SUCCEEDED)))
            page = await stores.events.events("default", job.uid, after=0, limit=9)
            assert [event.sequence for event in page.events] == [1, 2, 3, 4]
            await opened.close()


async def test_a_database_that_was_away_for_long_is_used_as_soon_as_it_is_back() -> None:
    with enterable_folder() as folder:
        async with EmbeddedPostgres(folder, system_state=folder / "system") as endpoint:
            found = conninfo_to_dict(endpoint.metadata)
            port = int(found["port"] or 0)
            with linked(str(found["host"]), port) as link:
                options = PoolOptions(wait=timedelta(seconds=1))
                near = make_conninfo(endpoint.metadata, host=str(link.folder))
                database = Database(near, options)
                await database.open()
                door = Path(link.folder) / f".s.PGSQL.{port}"
                closed = door.rename(door.with_name("closed"))
                link.cut()
                for _ in range(5):
                    with pytest.raises(Unavailable):
                        await database.fetch_one("SELECT 1 AS one")
                closed.rename(door)
                assert await database.fetch_one("SELECT 1 AS one") == {"one": 1}
                await database.close()
