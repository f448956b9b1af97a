"""The service: the server with its use cases, and the worker beside it or in its own process."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from etlplus.app.auth import Auth
from etlplus.app.connections import Connections
from etlplus.app.definitions import Definitions
from etlplus.app.jobs import Jobs
from etlplus.app.paging import PageTokens
from etlplus.app.pipelines import Pipelines
from etlplus.app.planning import Plans
from etlplus.app.replay import JobReplays
from etlplus.app.rollback import JobRollbacks
from etlplus.app.scheduling import Scheduling
from etlplus.app.states import PipelineStates
from etlplus.app.system import ServerInfo, System
from etlplus.app.usecases import UseCases
from etlplus.app.versions import Versions
from etlplus.app.webhooks import Webhooks
from etlplus.bootstrap.listening import http_server, rpc_config
from etlplus.bootstrap.machine import parts
from etlplus.bootstrap.state import Databases, Owner, databases, open_stores
from etlplus.engine import RustPulse
from etlplus.executor.asides import EnginePlanning, KeptRejects, ThreadedInspection
from etlplus.executor.parts import Parts
from etlplus.executor.pulse import Pulse
from etlplus.executor.rollbacks import ThreadedRollbacks
from etlplus.executor.threads import Threads
from etlplus.executor.worker import Worker
from etlplus.rpc.server import Server
from etlplus.rpc.services import contract_services
from etlplus.settings import Settings
from etlplus.store.pulse import PULSE, reach
from etlplus.store.stores import PostgresStores

#: Plans, previews and looks at connections that run at once; more wait.
_ASIDES = 4


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers.

    Attributes:
        address: HOST:PORT.
        token: the first token, when this start made it; it is shown once and stored nowhere.
        use_cases: what it does, for callers in this process.
        worker: the worker beside it; None when it runs no jobs.
        http_address: HOST:PORT of the HTTP server; empty when there is none.
    """

    address: str
    token: str | None
    use_cases: UseCases
    worker: asyncio.Task[None] | None
    http_address: str = ""


@asynccontextmanager
async def build_server(settings: Settings, *, worker: bool = True) -> AsyncIterator[Running]:
    """A running server on its state; at the end all is stopped in order.

    Raises:
        Unavailable: the database or the address cannot be used.
        InvalidInput: plaintext beyond loopback, or a certificate that cannot be read.
    """
    async with databases(settings) as found, open_stores(found) as state:
        machine = parts(settings, state.stores, found.warehouse)
        with _threads(_ASIDES, "etlplus-aside") as threads, _threads(1, "etlplus-read") as reading:
            slots = settings.worker_slots if worker else 0
            info = _info(settings, found, state, machine, slots)
            use_cases = _use_cases(machine, threads, reading, info)
            token = await use_cases.auth.bootstrap()
            services = contract_services(use_cases)
            own = _worker(settings, machine, await _pulse(settings, state)) if worker else None
            server = Server(rpc_config(settings), use_cases.auth, services)
            http = http_server(settings, use_cases.webhooks)
            address = await server.start()
            try:
                http_address = await http.start() if http else ""
            except BaseException:
                await server.stop()
                raise
            stop = asyncio.Event()
            running = asyncio.create_task(own.run(stop)) if own else None
            try:
                yield Running(address, token, use_cases, running, http_address)
            finally:
                await asyncio.gather(server.stop(), *([http.stop()] if http else []))
                stop.set()
                if running is not None:
                    await running


async def serve(
    settings: Settings, *, worker: bool = True, ready: Callable[[Running], None]
) -> None:
    """Serves until SIGTERM or SIGINT, then stops gracefully.

    Args:
        settings: where to listen and what to use.
        worker: whether jobs are run here as well.
        ready: gets the addresses, and the first token when this start made it.
    """
    with _stops() as stops:
        async with build_server(settings, worker=worker) as running:
            stops.started()
            ready(running)
            await _until(stops.event, running.worker)


async def work(settings: Settings, *, ready: Callable[[], None]) -> None:
    """Runs jobs of a service on the same database until SIGTERM or SIGINT."""
    with _stops() as stops:
        async with databases(settings, Owner.OTHER) as found, open_stores(found) as state:
            machine = parts(settings, state.stores, found.warehouse)
            worker = _worker(settings, machine, await _pulse(settings, state))
            stops.started()
            ready()
            await worker.run(stops.event)


async def _pulse(settings: Settings, state: PostgresStores) -> Pulse | None:
    """Heartbeats from the core, where it can reach the service's database as the pool does."""
    database = await reach(state.database)
    if database is None:
        return None
    lease = timedelta(seconds=settings.lease_seconds)
    return Pulse(RustPulse(database, PULSE, lease), state.stores.jobs)


def _worker(settings: Settings, machine: Parts, pulse: Pulse | None) -> Worker:
    lease = timedelta(seconds=settings.lease_seconds)
    days = settings.job_retention_days
    return Worker(
        machine,
        slots=settings.worker_slots,
        lease=lease,
        queues=settings.queues,
        retention=timedelta(days=days) if days else None,
        pulse=pulse,
    )


def _use_cases(
    machine: Parts, threads: Threads, reading: Threads, info: Callable[[], Awaitable[ServerInfo]]
) -> UseCases:
    stores = machine.stores
    tokens = PageTokens(stores.keys)
    definitions = Definitions(machine.language, reading)
    inspection = ThreadedInspection(machine, threads)
    rejects = KeptRejects(machine, threads)
    pipelines = Pipelines(stores, definitions, tokens)
    plans = Plans(stores, definitions, EnginePlanning(machine, threads))
    return UseCases(
        pipelines=pipelines,
        versions=Versions(pipelines, machine.language),
        plans=plans,
        webhooks=Webhooks(stores, plans, machine.secrets, reading),
        jobs=Jobs(stores, rejects, tokens),
        rollbacks=JobRollbacks(stores, ThreadedRollbacks(machine, threads)),
        replays=JobReplays(stores, definitions, rejects),
        connections=Connections(stores, inspection, tokens, machine.environment.local),
        auth=Auth(stores.tokens),
        system=System(machine.language, info),
        scheduling=Scheduling(stores, tokens),
        states=PipelineStates(stores),
    )


def _info(
    settings: Settings, found: Databases, state: PostgresStores, machine: Parts, slots: int
) -> Callable[[], Awaitable[ServerInfo]]:
    started = datetime.now(UTC)

    async def info() -> ServerInfo:
        return ServerInfo(
            version=version("etlplus"),
            engine_version=machine.engine.version(),
            languages=("etlplus/v1",),
            database_version=await state.version(),
            embedded_database=found.embedded,
            start_time=started,
            job_slots=slots,
            max_message_bytes=settings.max_message_bytes,
        )

    return info


async def _until(stop: asyncio.Event, worker: asyncio.Task[None] | None) -> None:
    """Returns at `stop`; raises what ends the worker before it."""
    stopped = asyncio.create_task(stop.wait())
    try:
        tasks = {stopped} if worker is None else {stopped, worker}
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()


@contextmanager
def _threads(size: int, name: str) -> Iterator[Threads]:
    threads = Threads(size, name)
    try:
        yield threads
    finally:
        threads.close()


class _Stops:
    """What a signal does: it ends a start at once, and later asks for a graceful stop."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self._starting = asyncio.current_task()

    def started(self) -> None:
        """From here on a signal only sets the event."""
        self._starting = None

    def stop(self) -> None:
        self.event.set()
        if self._starting is not None:
            self._starting.cancel()


@contextmanager
def _stops() -> Iterator[_Stops]:
    """Listens to SIGTERM and SIGINT. A start that they end leaves the block without an error."""
    stops = _Stops()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stops.stop)
    try:
        yield stops
    except asyncio.CancelledError:
        if not stops.event.is_set():
            raise
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
