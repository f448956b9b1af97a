"""Every object built from settings, with the real database, engine and sockets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from etlplus import bootstrap
from etlplus.client import AsyncClient, connect_async
from etlplus.domain.errors import InvalidInput, Unavailable
from etlplus.domain.job import JobState
from etlplus.domain.run import Progress
from etlplus.language import parse
from etlplus.settings import Settings, load
from etlplus.v1 import job_pb2, pipeline_pb2, system_pb2
from tests.conformance.database import enterable_folder

PARENT = "workspaces/default"
NAME = f"{PARENT}/pipelines/orders"
SUCCEEDED = job_pb2.Job.State.STATE_SUCCEEDED
TEXT = """\
api: etlplus/v1
name: orders
sources: {orders: {csv: {uri: orders.csv, columns: {id: bigint, amount: "decimal(9,2)"}}}}
sinks:
  files: {from: orders, jsonl: out.jsonl}
"""
TABLE = "  table: {from: orders, postgres: {connection: local, table: orders, mode: replace}}\n"
ROWS = "id,amount\n1,9.90\n2,many\n3,0.10\n"


@pytest.fixture
def folder() -> Iterator[Path]:
    with enterable_folder() as made:
        (made / "orders.csv").write_text(ROWS, encoding="utf-8")
        yield made


@pytest.fixture
def settings(folder: Path) -> Settings:
    return load(
        data_dir=folder / "data", listen="127.0.0.1:0", file_roots=(folder,), worker_slots=1
    )


async def end_of(client: AsyncClient, job: job_pb2.Job) -> job_pb2.Job:
    """The job when it has ended."""
    async for event in client.jobs.WatchJob(job_pb2.WatchJobRequest(name=job.name)):
        if event.WhichOneof("event") == "snapshot":
            job = event.snapshot
    return job


async def test_a_job_goes_through_the_whole_service(settings: Settings, folder: Path) -> None:
    async with bootstrap.build_server(settings) as running:
        assert running.token is not None
        async with connect_async(running.address, token=running.token) as client:
            info = await client.system.GetServerInfo(system_pb2.GetServerInfoRequest())
            assert (info.embedded_database, info.job_slots) == (True, 1)
            pipeline = pipeline_pb2.Pipeline(source_text=TEXT + TABLE)
            await client.pipelines.CreatePipeline(
                pipeline_pb2.CreatePipelineRequest(parent=PARENT, pipeline=pipeline)
            )
            queued = await client.pipelines.RunPipeline(pipeline_pb2.RunPipelineRequest(name=NAME))
            job = await end_of(client, queued)
            assert job.state == SUCCEEDED, job.error
            books = {sink.name: (sink.books.loaded, sink.books.rejected) for sink in job.sinks}
            assert books == {"files": (2, 1), "table": (2, 1)}
            batches = client.jobs.ListRejects(job_pb2.ListRejectsRequest(parent=job.name))
            rejects = [reject async for batch in batches for reject in batch.rejects]
            assert [(each.line, each.reasons[0].column) for each in rejects] == [(3, "amount")]
    assert (folder / "out.jsonl").read_text(encoding="utf-8").count("\n") == 2
    async with bootstrap.build_server(settings, worker=False) as running:
        assert (running.token, running.worker) == (None, None)


async def test_plaintext_stays_on_this_machine(settings: Settings) -> None:
    open_to_all = settings.model_copy(update={"listen": "0.0.0.0:0"})
    with pytest.raises(InvalidInput, match="there is no TLS"):
        async with bootstrap.build_server(open_to_all, worker=False):
            pass


async def test_a_certificate_that_cannot_be_read_is_named(settings: Settings, folder: Path) -> None:
    files = {"tls_cert": folder / "none.pem", "tls_key": folder / "none.key"}
    with pytest.raises(InvalidInput, match="certificate cannot be read"):
        async with bootstrap.build_server(settings.model_copy(update=files), worker=False):
            pass


def run(settings: Settings, text: str, cancel: threading.Event) -> tuple[JobState, list[Progress]]:
    parsed = parse(text)
    assert parsed.spec is not None, parsed.problems
    seen: list[Progress] = []
    job = bootstrap.run_local(settings, parsed.spec, text, {}, progress=seen.append, cancel=cancel)
    return job.state, seen


def test_a_local_run_needs_no_database(settings: Settings, folder: Path) -> None:
    state, seen = run(settings, TEXT, threading.Event())
    assert state is JobState.SUCCEEDED
    assert seen[-1].rows_read == 3
    assert not (folder / "data" / "postgres").exists()


def test_a_local_run_starts_the_database_where_it_is_needed(settings: Settings) -> None:
    state, _ = run(settings, TEXT + TABLE, threading.Event())
    assert state is JobState.SUCCEEDED


def test_a_local_run_that_names_nobodys_connection_fails(settings: Settings) -> None:
    state, _ = run(settings, TEXT + TABLE.replace("local", "nobody"), threading.Event())
    assert state is JobState.FAILED


def test_a_local_run_is_cancelled(settings: Settings, folder: Path) -> None:
    cancel = threading.Event()
    cancel.set()
    rows = "".join(f"{number},1.00\n" for number in range(300_000))
    (folder / "orders.csv").write_text("id,amount\n" + rows, encoding="utf-8")
    state, _ = run(settings, TEXT, cancel)
    assert state is JobState.CANCELLED
    assert not (folder / "out.jsonl").exists()


async def test_local_planning_plans_and_previews(settings: Settings) -> None:
    spec = parse(TEXT).spec
    assert spec is not None
    async with bootstrap.local_planning(settings, spec) as planning:
        report = (await planning.plan(spec, {})).report
        assert [node.name for node in report.nodes] == ["orders"]
        pieces = [piece async for piece in planning.preview(spec, {}, "", 2)]
    assert len(b"".join(pieces)) > 0


async def test_a_worker_does_not_take_a_servers_place(settings: Settings) -> None:
    with pytest.raises(Unavailable):
        await bootstrap.work(settings, ready=lambda: pytest.fail("there is no server"))


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        getattr(bootstrap, "nonsense")  # noqa: B009 the type checker knows the names
