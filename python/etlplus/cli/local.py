"""Runs, plans and previews a pipeline file in this process, without a server."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from etlplus import settings as settings_module
from etlplus.bootstrap.local import local_planning, run_local
from etlplus.cli import exits, report
from etlplus.cli.interrupt import Detached, cancelling
from etlplus.cli.message import plain
from etlplus.cli.output import write
from etlplus.cli.progress import meter
from etlplus.rpc.convert.jobs import to_job
from etlplus.rpc.convert.reports import to_planned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etlplus.cli.definition import Definition
    from etlplus.cli.output import Format
    from etlplus.cli.progress import Meter
    from etlplus.cli.screen import Screen
    from etlplus.domain.job import Job
    from etlplus.v1.pipeline_pb2 import PlanPipelineResponse


def run_here(
    definition: Definition, params: Mapping[str, str], form: Format, screen: Screen
) -> int:
    """Runs a definition, prints what became of it and returns the command's exit code.

    Ctrl-C stops the run; pressed twice it ends the process at once.

    Raises:
        EtlError: the run could not start.
    """
    # What the run logs is told by its report; without a handler it would be printed twice.
    logging.getLogger("etlplus").addHandler(logging.NullHandler())
    cancel = threading.Event()

    def stop() -> None:
        screen.note("cancelling; press Ctrl-C again to end at once")
        cancel.set()

    try:
        with cancelling(stop), meter(screen, definition.name) as shown:
            ended = _in_thread(definition, params, shown, cancel)
    except Detached:
        return exits.CANCELLED
    job = to_job(ended)
    write(plain(job), form, lambda: report.summary(job))
    report.failure(job, screen, stored=False)
    if ended.rejects.path:
        screen.tip(f"`etlplus rejects show {ended.rejects.path}` shows what was refused")
    return report.exit_code(job)


def plan_here(
    definition: Definition, params: Mapping[str, str], sample: int
) -> PlanPipelineResponse:
    """What a run would do, and what to expect of it by a sample. Raises EtlError."""

    async def plan() -> PlanPipelineResponse:
        settings = settings_module.load()
        async with local_planning(settings, definition.spec) as planning:
            return to_planned(await planning.plan(definition.spec, params, sample=sample))

    return asyncio.run(plan())


def preview_here(definition: Definition, params: Mapping[str, str], node: str, rows: int) -> bytes:
    """The first rows of a source or step, as an Arrow IPC stream. Raises EtlError."""

    async def preview() -> bytes:
        settings = settings_module.load()
        async with local_planning(settings, definition.spec) as planning:
            pieces = planning.preview(definition.spec, params, node, rows)
            return b"".join([piece async for piece in pieces])

    return asyncio.run(preview())


def _in_thread(
    definition: Definition, params: Mapping[str, str], shown: Meter, cancel: threading.Event
) -> Job:
    """Runs in a thread, since only a main thread that does not compute hears of Ctrl-C."""
    outcome: Future[Job] = Future()

    def work() -> None:
        try:
            outcome.set_result(
                run_local(
                    settings_module.load(),
                    definition.spec,
                    definition.text,
                    params,
                    progress=shown.update,
                    cancel=cancel,
                )
            )
        except BaseException as error:  # noqa: BLE001 it is raised where it is waited for
            outcome.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return outcome.result()
