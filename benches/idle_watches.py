"""What 1,000 watches of jobs that wait cost the other calls of a server."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager

import grpc

from benches import data
from benches.footprint import resident
from benches.lineitem import pipeline
from benches.measure import Goal, Result, Row, Sample
from etlplus.v1 import job_pb2, job_pb2_grpc
from tests.conformance.database import enterable_folder
from tests.live import Service, service

WATCHES, CONNECTIONS = 1000, 10
WHAT = (
    f"GetJob and RunPipeline in turns from one client over loopback, without and with {WATCHES:,} "
    f"open WatchJob streams on {CONNECTIONS} connections, each of another job that waits in a "
    "queue that nobody serves. Long enough that every watch sends its heartbeat."
)
#: Phases of each kind, in turns, and their seconds: a watch without news says so each 15 s.
ROUNDS, SECONDS = 3, 16.0
#: How many times as long a call may take at the 99th percentile.
MOST = 2.0
CALLS = ("GetJob", "RunPipeline")
#: Watches that begin at once.
BEGINNING = 50
SINK = 'parquet: {{uri: "{folder}/out.parquet"}}'
LIMITS = "limits: {queue: nobody}\n"


def measure() -> Result:
    """Call without and with watches in turns."""
    source = data.megabyte()
    found: dict[bool, dict[str, list[float]]] = {
        watched: {call: [] for call in CALLS} for watched in (False, True)
    }
    with enterable_folder() as folder:
        roots = f"{folder}:{source.parent}"
        with service(folder, file_roots=roots) as live:
            text = pipeline(source, SINK.format(folder=folder)) + LIMITS
            name = live.apply(text).name
            jobs = [live.submit(name) for _ in range(WATCHES)]
            _call(live, name, jobs, found[False], 1.0)
            found[False] = {call: [] for call in CALLS}
            before = after = resident(live.server.popen.pid)
            for _ in range(ROUNDS):
                _call(live, name, jobs, found[False], SECONDS)
                with _watching(live, jobs):
                    _call(live, name, jobs, found[True], SECONDS)
                    after = resident(live.server.popen.pid)
    memory = Row("what the watches add to the server's memory", Sample(0.0, after - before), 1)
    rows, goals = [], []
    for call in CALLS:
        high = {watched: statistics.quantiles(found[watched][call], n=100)[-1] for watched in found}
        for watched, title in ((False, "without"), (True, "with")):
            samples = found[watched][call]
            rows.append(
                Row(f"{call} {title}, p50", Sample(statistics.median(samples)), len(samples))
            )
            rows.append(Row(f"{call} {title}, p99", Sample(high[watched]), len(samples)))
        ratio = high[True] / high[False]
        promise = f"{call}, p99: at most {MOST:g} times as long beside {WATCHES:,} watches"
        goals.append(Goal(promise, f"{ratio:.2f} times", ratio <= MOST))
    return Result("Idle watches", WHAT, [*rows, memory], goals)


def _call(
    live: Service,
    name: str,
    jobs: Sequence[job_pb2.Job],
    found: dict[str, list[float]],
    span: float,
) -> None:
    """Call for `span` seconds and add what each call took."""
    end, number = time.perf_counter() + span, 0
    while (start := time.perf_counter()) < end:
        live.get(jobs[number % len(jobs)])
        between = time.perf_counter()
        live.submit(name)
        found["GetJob"].append(between - start)
        found["RunPipeline"].append(time.perf_counter() - between)
        number += 1


@contextmanager
def _watching(live: Service, jobs: Sequence[job_pb2.Job]) -> Iterator[None]:
    """Hold a watch of each job in a process of its own."""
    command = [sys.executable, "-m", "benches.idle_watches", live.address, live.token]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as watcher:
        if watcher.stdin is None or watcher.stdout is None:
            raise AssertionError("both are pipes")
        watcher.stdin.write(" ".join(job.name for job in jobs) + "\n")
        watcher.stdin.flush()
        try:
            told = watcher.stdout.readline().strip()
            if told != "ready":
                raise RuntimeError(f"the watches did not begin: {told}")
            yield
            watcher.stdin.write("\n")
            watcher.stdin.flush()
            told = watcher.stdout.readline().strip()
        finally:
            watcher.kill()
    if told != f"{len(jobs)} open":
        raise RuntimeError(f"not all watches were open at the end: {told}")


async def _watch(address: str, token: str) -> None:
    """Watch the jobs that a line of the standard input names until there is another line."""
    names = (await asyncio.to_thread(sys.stdin.readline)).split()
    metadata = (("authorization", f"Bearer {token}"),)
    async with AsyncExitStack() as stack:
        # Channels to one address share a connection unless they are told not to.
        own = [("grpc.use_local_subchannel_pool", 1)]
        stubs = [
            job_pb2_grpc.JobServiceStub(
                await stack.enter_async_context(grpc.aio.insecure_channel(address, own))
            )
            for _ in range(CONNECTIONS)
        ]

        async def follow(stream: AsyncIterator[job_pb2.WatchJobResponse]) -> None:
            async for _ in stream:
                continue

        tasks: list[asyncio.Task[None]] = []
        room = asyncio.Semaphore(BEGINNING)

        async def begin(number: int) -> None:
            async with room:
                request = job_pb2.WatchJobRequest(name=names[number])
                stream = aiter(stubs[number % CONNECTIONS].WatchJob(request, metadata=metadata))
                await anext(stream)
            tasks.append(asyncio.create_task(follow(stream)))

        await asyncio.gather(*(begin(number) for number in range(len(names))))
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        print(sum(not task.done() for task in tasks), "open", flush=True)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(_watch(*sys.argv[1:]))
