"""One claim of a job, from the claim to its settlement."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from etlplus.domain.cursor import CursorWindow
from etlplus.domain.errors import RunError, Unavailable, WrongState
from etlplus.domain.fileload import FileLoad
from etlplus.domain.job import Job, JobError, JobState, Lease, Settlement
from etlplus.domain.run import Books
from etlplus.executor.parts import Parts
from etlplus.executor.run import JobRun
from etlplus.executor.stopping import Reason
from etlplus.executor.threads import Threads
from etlplus.store.memory.stores import MemoryStores
from tests.unit.executor.twins import (
    FILES,
    REJECTED,
    ROWS,
    TABLES,
    Files,
    Target,
    engine_of,
    make_parts,
    submit,
)

LEASE = timedelta(seconds=30)
WORKER = UUID(int=1)


class Bench:
    """A store, a target and a thread to run jobs on."""

    def __init__(self, folder: Path) -> None:
        self.stores = MemoryStores()
        self.target = Target()
        self.parts: Parts = make_parts(folder, self.stores, self.target)
        self.engine = engine_of(self.parts)
        self.threads = Threads(1, "test-job")

    async def claim(self) -> JobRun:
        (job,) = await self.stores.jobs.claim(WORKER, lease=LEASE)
        return JobRun(self.parts, self.threads, job)

    async def run(self, text: str = TABLES, **params: str) -> Job:
        job = await submit(self.stores, text, **params)
        await (await self.claim()).execute()
        return await self.job(job)

    async def job(self, job: Job) -> Job:
        return await self.stores.jobs.get("default", job.uid)

    async def log(self, job: Job) -> list[str]:
        page = await self.stores.events.log("default", job.uid, after=0, limit=100)
        return [line.message for line in page.lines]


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_a_job_succeeds_with_the_ledgers_figures(bench: Bench) -> None:
    job = await bench.run()
    assert job.state is JobState.SUCCEEDED
    assert [sink.name for sink in job.sinks] == ["one", "two"]
    assert job.sinks[0].books == Books(read=ROWS, loaded=ROWS - REJECTED, rejected=REJECTED)
    assert job.sinks[0].load_id == job.uid.hex
    assert [name for _, name, _ in bench.target.applied] == ["one", "two"]
    assert job.progress.rows_read == ROWS
    assert job.error is None


async def test_rejects_outlive_the_work_folder(bench: Bench, tmp_path: Path) -> None:
    job = await bench.run()
    assert job.rejects.rows == REJECTED
    assert job.rejects.path == str(tmp_path / "data" / "rejects" / f"{job.uid.hex}.arrow")
    assert tree(tmp_path / "data") == ["rejects", f"rejects/{job.uid.hex}.arrow", "work"]


async def test_the_log_tells_what_happened(bench: Bench) -> None:
    lines = await bench.log(await bench.run())
    assert lines[0].startswith("Attempt 1 starts")
    assert lines[1] == "Published to one: 8 rows loaded, 2 rejected, 0 filtered"
    assert lines[-1] == "Succeeded: 16 rows"


async def test_an_error_fails_the_job_with_everything_known(bench: Bench) -> None:
    bench.engine.error = RunError(
        "No file matches", code="SOURCE_NOT_FOUND", place="orders.uri", hint="Check the path"
    )
    job = await bench.run()
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert (job.error.code, job.error.place, job.error.hint) == (
        "SOURCE_NOT_FOUND",
        "orders.uri",
        "Check the path",
    )
    assert bench.target.applied == []


async def test_a_failed_run_keeps_its_rejects(bench: Bench) -> None:
    bench.engine.error = RunError("too many", code="REJECT_BUDGET_EXCEEDED")
    job = await bench.run()
    assert job.rejects.rows == REJECTED
    assert tree(Path(job.rejects.path).parent) == [f"{job.uid.hex}.arrow"]
    assert job.progress.rows_read > 0


async def test_a_fault_of_the_service_fails_the_job_without_its_details(bench: Bench) -> None:
    bench.engine.error = ZeroDivisionError("secret detail")
    job = await bench.run()
    assert job.error is not None
    assert job.error.code == "INTERNAL"
    assert "secret detail" not in job.error.message


async def test_books_that_do_not_balance_publish_nothing(bench: Bench) -> None:
    bench.engine.books = Books(read=ROWS, loaded=ROWS - REJECTED, rejected=REJECTED - 1)
    job = await bench.run()
    assert job.error is not None
    assert job.error.code == "BOOKS_UNBALANCED"
    assert bench.target.applied == []
    assert bench.target.staged == {}


async def test_what_was_published_before_a_failure_is_named(bench: Bench) -> None:
    bench.target.fails["two"] = RunError("locked", code="PUBLISH_CONFLICT")
    job = await bench.run()
    assert job.state is JobState.FAILED
    assert [sink.name for sink in job.sinks] == ["one"]
    assert bench.target.staged == {}


async def test_a_parameter_without_a_value_fails_the_job(bench: Bench) -> None:
    text = TABLES.replace("orders.csv", "'${params.day}.csv'").replace(
        "name: orders\n", "name: orders\nparams: {day: {type: date}}\n"
    )
    job = await bench.run(text)
    assert job.error is not None
    assert job.error.code == "PARAM_INVALID"


async def test_an_unknown_connection_is_named(bench: Bench) -> None:
    job = await bench.run(
        TABLES.replace("connection: local, table: two", "connection: crm, table: t")
    )
    assert job.error is not None
    assert (job.error.code, job.error.place) == ("CONNECTION_UNKNOWN", "crm")


async def test_cancelling_ends_the_job_cancelled(bench: Bench) -> None:
    bench.engine.open = False
    job = await submit(bench.stores)
    run = await bench.claim()
    task = asyncio.create_task(run.execute())
    await asyncio.to_thread(bench.engine.await_start)
    run.switch.throw(Reason.CANCEL)
    await task
    assert (await bench.job(job)).state is JobState.CANCELLED
    assert bench.target.applied == []
    assert bench.target.staged == {}


async def test_a_stop_before_the_engine_starts_never_starts_it(bench: Bench) -> None:
    job = await submit(bench.stores)
    run = await bench.claim()
    run.switch.throw(Reason.CANCEL)
    await run.execute()
    assert (await bench.job(job)).state is JobState.CANCELLED
    assert bench.engine.started == 0


async def test_a_run_that_takes_too_long_fails(bench: Bench) -> None:
    bench.engine.open = False
    job = await bench.run(TABLES + "limits: {timeout: 10ms}\n")
    assert job.error is not None
    assert job.error.code == "RUN_TIMEOUT"
    assert job.error.place == "limits.timeout"


async def test_a_drained_job_is_handed_back_without_spending_an_attempt(bench: Bench) -> None:
    bench.engine.open = False
    job = await submit(bench.stores)
    run = await bench.claim()
    task = asyncio.create_task(run.execute())
    await asyncio.to_thread(bench.engine.await_start)
    run.switch.throw(Reason.DRAIN)
    await task
    now = await bench.job(job)
    assert (now.state, now.attempt) == (JobState.PENDING, 0)


async def test_a_lost_claim_changes_nothing(bench: Bench) -> None:
    bench.engine.open = False
    job = await submit(bench.stores)
    run = await bench.claim()
    task = asyncio.create_task(run.execute())
    await asyncio.to_thread(bench.engine.await_start)
    run.switch.throw(Reason.LOST)
    await task
    assert (await bench.job(job)).state is JobState.RUNNING
    assert bench.target.applied == []


RETRIED = TABLES + "limits: {retries: {max: 1, backoff: 0s}}\n"


async def test_a_failure_that_may_pass_is_tried_again(bench: Bench) -> None:
    bench.target.fails["two"] = RunError("locked", code="PUBLISH_CONFLICT")
    job = await bench.run(RETRIED)
    assert (job.state, job.retries, job.error and job.error.code) == (
        JobState.PENDING,
        1,
        "PUBLISH_CONFLICT",
    )
    assert bench.target.staged == {}
    assert [sink.name for sink in job.sinks] == ["one"]
    del bench.target.fails["two"]
    await (await bench.claim()).execute()
    done = await bench.job(job)
    assert (done.state, done.attempt, done.error) == (JobState.SUCCEEDED, 2, None)
    assert [sink.name for sink in done.sinks] == ["one", "two"]
    assert [name for _, name, _ in bench.target.applied] == ["one", "two"]
    assert any(line.startswith("Retry 1 of 1 in ") for line in await bench.log(done))


BY_PARTS = """
api: etlplus/v1
name: orders
sources: {orders: {postgres: {connection: local, table: t, incremental: id}}}
sinks: {one: {postgres: {connection: local, table: one, mode: merge, keys: [id]}}}
"""


async def test_a_job_that_waits_for_another_one_spends_no_attempt(bench: Bench) -> None:
    await submit(bench.stores, BY_PARTS)
    (first,) = await bench.stores.jobs.claim(WORKER, lease=LEASE)
    lease = Lease(first.uid, first.epoch)
    opening = await bench.stores.windows.begin(lease, ["orders"])
    window = CursorWindow("id", "bigint", upper="7")
    await bench.stores.windows.fix(lease, opening, {"orders": window})
    failed = Settlement(JobState.FAILED, error=JobError("CONNECTION_FAILED", "away"))
    assert await bench.stores.jobs.retry(lease, failed, delay=timedelta(hours=1))
    second = await bench.run(BY_PARTS)
    assert (second.state, second.attempt, second.retries) == (JobState.PENDING, 0, 0)
    assert second.error is not None
    assert second.error.code == "PIPELINE_BUSY"
    assert second.retry_time is not None
    assert "Looks again in 5.0 s" in await bench.log(second)


async def test_the_last_retry_that_fails_ends_the_job_with_all_that_was_published(
    bench: Bench,
) -> None:
    bench.target.fails["two"] = RunError("locked", code="PUBLISH_CONFLICT")
    job = await bench.run(RETRIED)
    bench.engine.error = RunError("nobody answers", code="CONNECTION_FAILED")
    await (await bench.claim()).execute()
    failed = await bench.job(job)
    assert (failed.state, failed.error and failed.error.code) == (
        JobState.FAILED,
        "CONNECTION_FAILED",
    )
    assert [sink.name for sink in failed.sinks] == ["one"]
    assert (failed.rejects.rows, failed.rejects.path != "") == (REJECTED, True)


async def test_rejects_of_what_was_published_are_kept_when_an_attempt_does_not_start(
    bench: Bench, tmp_path: Path
) -> None:
    bench.target.fails["two"] = RunError("locked", code="PUBLISH_CONFLICT")
    job = await bench.run(RETRIED)
    run = await bench.claim()
    run.switch.throw(Reason.CANCEL)
    await run.execute()
    ended = await bench.job(job)
    assert (ended.state, ended.rejects.rows) == (JobState.CANCELLED, REJECTED)
    assert ended.rejects.path == str(tmp_path / "data" / "rejects" / f"{job.uid.hex}.arrow")


async def test_a_failure_that_would_repeat_itself_is_not_tried_again(bench: Bench) -> None:
    bench.engine.error = RunError("No file matches", code="SOURCE_NOT_FOUND")
    assert (await bench.run(RETRIED)).state is JobState.FAILED


async def test_a_fenced_off_claim_does_not_settle(bench: Bench) -> None:
    bench.target.fails["one"] = WrongState("a later claim was here", code="STALE_EPOCH")
    job = await submit(bench.stores)
    await (await bench.claim()).execute()
    assert (await bench.job(job)).state is JobState.RUNNING


async def test_a_rerun_publishes_only_what_is_missing(bench: Bench) -> None:
    bench.target.fails["two"] = Unavailable("the store went away")
    job = await submit(bench.stores)
    first = await bench.claim()
    await first.execute()
    assert await bench.stores.jobs.release(first.lease)
    del bench.target.fails["two"]
    again = await bench.claim()
    await again.execute()
    done = await bench.job(job)
    assert done.state is JobState.SUCCEEDED
    assert [(name, epoch) for _, name, epoch in bench.target.applied] == [
        ("one", first.lease.epoch),
        ("two", again.lease.epoch),
    ]


async def test_a_rerun_fences_off_and_sweeps_first(bench: Bench) -> None:
    job = await submit(bench.stores)
    await bench.stores.jobs.claim(WORKER, lease=timedelta(seconds=-1))
    await bench.stores.jobs.rescue()
    bench.target.staged[job.uid.hex, 0, "one"] = 3
    await (await bench.claim()).execute()
    assert [load.load_id for load in bench.target.swept] == [job.uid.hex]
    assert (await bench.job(job)).state is JobState.SUCCEEDED


async def test_files_are_recorded_once(bench: Bench, tmp_path: Path) -> None:
    job = await bench.run(FILES)
    assert job.state is JobState.SUCCEEDED
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == job.uid.hex
    found = await bench.stores.loads.get(job.uid.hex, "out")
    assert found is not None
    assert found.files == (str(tmp_path / "out.jsonl"),)


async def test_files_that_the_ledger_holds_are_not_published_again(bench: Bench) -> None:
    job = await submit(bench.stores, FILES)
    run = await bench.claim()
    books = Books(read=7, loaded=7)
    load = FileLoad(job.uid.hex, "out", "jsonl", "out.jsonl", "replace", books, "07", ("x",))
    await bench.stores.loads.record(run.lease, load)
    await run.execute()
    files = bench.parts.publishers["jsonl"]
    assert isinstance(files, Files)
    assert files.renamed == []
    assert (await bench.job(job)).sinks[0].books == books


async def test_progress_becomes_events(bench: Bench) -> None:
    bench.engine.open = False
    job = await submit(bench.stores)
    run = await bench.claim()
    with bench.stores.wakeups.subscribe(job.uid) as wakeup:
        task = asyncio.create_task(run.execute())
        while not (await bench.job(job)).progress.rows_read:
            assert await wakeup.wait(30)
    bench.engine.release()
    await task
    assert (await bench.job(job)).state is JobState.SUCCEEDED
