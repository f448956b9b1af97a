"""Rolling back all sinks of a job: tables by a twin, files for real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from etlplus.connectors.fileback import FilesRollback
from etlplus.connectors.files import FilePublisher
from etlplus.domain.connection import ResolvedConnection
from etlplus.domain.errors import EtlError, WrongState
from etlplus.domain.job import Job
from etlplus.domain.rollback import RollbackOrder, RolledBack
from etlplus.executor.parts import Parts
from etlplus.executor.rollbacks import ThreadedRollbacks
from etlplus.executor.threads import Threads
from tests.unit.executor.test_run import Bench
from tests.unit.executor.twins import FILES

BOTH = """
api: etlplus/v1
name: orders
sources: {orders: {csv: {uri: orders.csv}}}
sinks:
  file: {from: orders, jsonl: out.jsonl}
  one: {from: orders, postgres: {connection: local, table: one}}
"""
TIME = datetime(2026, 1, 31, tzinfo=UTC)


@dataclass
class Tables:
    """A ledger of tables that rolls back whatever it is asked for, or refuses."""

    orders: list[RollbackOrder] = field(default_factory=list)
    others: Sequence[str] = ()
    error: EtlError | None = None

    def roll_back(
        self, order: RollbackOrder, connection: ResolvedConnection
    ) -> Sequence[RolledBack]:
        assert connection.options["user"] == "me"
        if self.error is not None:
            raise self.error
        self.orders.append(order)
        time = None if order.dry_run else TIME
        loads = [*self.others, order.load_id]
        return [
            RolledBack(load, sink, "public.one", "append", 8, 0, time=time, author=order.author)
            for load in loads
            for sink in order.sinks
        ]


class Backs(Bench):
    """A bench whose jobs can be rolled back."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder
        self.tables = Tables()
        self.parts: Parts = replace(
            self.parts,
            publishers={"postgres": self.target, "jsonl": FilePublisher()},
            table_rollbacks={"postgres": self.tables},
            file_rollbacks={"jsonl": FilesRollback()},
            environment=replace(self.parts.environment, undo_keep=2),
        )
        self.rollbacks = ThreadedRollbacks(self.parts, Threads(1, "test-back"))

    async def back(
        self, job: Job, *, cascade: bool = False, dry_run: bool = False
    ) -> Sequence[RolledBack]:
        return await self.rollbacks.roll_back(
            await self.job(job), author="me", reason="why", cascade=cascade, dry_run=dry_run
        )

    def seen(self) -> str | None:
        """The id of the load that readers of the file see."""
        path = self.folder / "out.jsonl"
        return path.read_text(encoding="utf-8") if path.exists() else None


@pytest.fixture
def bench(tmp_path: Path) -> Backs:
    return Backs(tmp_path)


async def test_tables_and_files_of_a_job_are_rolled_back(bench: Backs) -> None:
    first = await bench.run(BOTH)
    second = await bench.run(BOTH)
    assert bench.seen() == second.uid.hex
    done = await bench.back(second)
    assert sorted(each.sink for each in done) == ["file", "one"]
    assert bench.seen() == first.uid.hex
    # All was planned before anything was done.
    assert [order.dry_run for order in bench.tables.orders] == [True, False]
    job = await bench.job(second)
    assert sorted(each.sink for each in job.rollbacks) == ["file", "one"]
    assert {(each.author, each.reason) for each in job.rollbacks} == {("me", "why"), ("me", "")}
    assert (await bench.job(first)).rollbacks == ()


async def test_a_plan_changes_nothing(bench: Backs) -> None:
    job = await bench.run(BOTH)
    planned = await bench.back(job, dry_run=True)
    assert all(each.time is None for each in planned)
    assert bench.seen() == job.uid.hex
    assert (await bench.job(job)).rollbacks == ()


async def test_a_target_that_refuses_keeps_all_others_as_they_are(bench: Backs) -> None:
    job = await bench.run(BOTH)
    path = bench.folder / "out.jsonl"
    path.write_text("others", encoding="utf-8")
    with pytest.raises(WrongState) as refused:
        await bench.back(job)
    assert refused.value.code == "ROLLBACK_CONFLICT"
    assert [order.dry_run for order in bench.tables.orders] == [True]
    bench.tables.error = WrongState("no", code="ROLLBACK_BLOCKED")
    path.unlink()
    with pytest.raises(WrongState) as blocked:
        await bench.back(job)
    assert blocked.value.code == "ROLLBACK_BLOCKED"


async def test_later_loads_of_files_block_or_go_too(bench: Backs) -> None:
    jobs = [await bench.run(FILES) for _ in range(3)]
    with pytest.raises(WrongState) as blocked:
        await bench.back(jobs[1])
    assert blocked.value.code == "ROLLBACK_BLOCKED"
    assert str(jobs[2].uid) in blocked.value.message
    done = await bench.back(jobs[1], cascade=True)
    assert [each.load_id for each in done] == [jobs[2].uid.hex, jobs[1].uid.hex]
    assert bench.seen() == jobs[0].uid.hex
    for job in jobs[1:]:
        (noted,) = (await bench.job(job)).rollbacks
        assert noted.author == "me"
    again = await bench.back(jobs[1])
    assert [(each.load_id, each.already) for each in again] == [
        (jobs[2].uid.hex, True), (jobs[1].uid.hex, True)
    ]  # fmt: skip
    assert bench.seen() == jobs[0].uid.hex


async def test_other_jobs_are_told_and_loads_of_nobody_are_no_fault(bench: Backs) -> None:
    other = await bench.run(BOTH)
    job = await bench.run(BOTH)
    bench.tables.others = (other.uid.hex, UUID(int=7).hex)
    await bench.back(job, cascade=True)
    assert [each.sink for each in (await bench.job(other)).rollbacks] == ["one"]


async def test_a_load_that_kept_nothing_is_refused(bench: Backs) -> None:
    bench.parts = replace(bench.parts, environment=replace(bench.parts.environment, undo_keep=0))
    job = await bench.run(FILES)
    with pytest.raises(WrongState) as refused:
        await bench.back(job)
    assert refused.value.code == "ROLLBACK_UNAVAILABLE"
    assert bench.seen() == job.uid.hex
