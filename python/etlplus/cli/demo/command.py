"""`etlplus demo`: flights that left New York in 2013, from CSV files into a table and a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from etlplus import settings as settings_module
from etlplus.cli import exits, rejects, report
from etlplus.cli.definition import load
from etlplus.cli.demo import child, flights, further
from etlplus.cli.follow import follow
from etlplus.cli.pipelines import store
from etlplus.cli.screen import Screen
from etlplus.cli.session import CALL_SECONDS, Remote, Session, session
from etlplus.cli.text import duration, number, size, table
from etlplus.domain.errors import WrongState
from etlplus.v1 import job_pb2, pipeline_pb2

if TYPE_CHECKING:
    from etlplus.settings import Settings

_FOLDER: Final = "demo"
_TABLE: Final = "flights"
_SHOWN: Final = 5


def demo(
    *, quiet: Annotated[bool, Parameter(alias="-q", help="Print data and errors only.")] = False
) -> int:
    """Run a real pipeline on a server of its own, and show what came out.

    It starts the server with its embedded database, stores examples/flights/pipeline.yaml over
    gRPC, runs it, prints the books and the first rejects, and stops what it started.
    """
    screen = Screen(quiet=quiet)
    root = settings_module.checkout()
    if root is None:
        raise WrongState(
            "the demonstration runs from a checkout, which holds its pipeline",
            place="demo",
            hint="Clone the repository and type `make demo`, or start with `etlplus init`",
        )
    settings = settings_module.load()
    screen.title("1 Data")
    folder = settings.data_dir / _FOLDER
    screen.note(f"{size(flights.unpack(folder))} of CSV files in {folder}")
    screen.title("2 Server")
    with child.server(settings, (root, folder), screen) as address:
        with session(Remote(server=address, quiet=quiet)) as opened:
            job, code = _run(opened, root, folder, screen)
            if code != exits.OK:
                return code
            sys.stdout.write(_first_rejects(opened, job))
            sys.stdout.flush()
        lines = [*further.lines(job, _TABLE, settings)]
    _tell_further(lines, settings, screen)
    return exits.OK


def _run(opened: Session, root: Path, folder: Path, screen: Screen) -> tuple[job_pb2.Job, int]:
    screen.title("3 Pipeline")
    file = root / "examples" / "flights" / "pipeline.yaml"
    stored = store(opened, load(str(file), screen), "Demonstration")
    screen.note(f"{file.relative_to(root)} is stored as version {stored.version}")
    request = pipeline_pb2.RunPipelineRequest(name=stored.name, params={"folder": str(folder)})
    job = opened.client.pipelines.RunPipeline(request, timeout=CALL_SECONDS)
    screen.note(f"job {job.uid}")
    job, code = follow(opened, job, screen)
    if code != exits.OK:
        report.failure(job, screen)
        return job, code
    took = report.seconds(job)
    rate = job.progress.rows_read / took if took else 0
    screen.note(
        f"{number(job.progress.rows_read)} rows ({size(job.progress.bytes_read)}) "
        f"in {duration(took)}: {number(rate)} rows/s"
    )
    screen.title("4 Books: every row that was read is somewhere")
    sys.stdout.write(report.books(job) + "\n" + report.reasons(job) + "\n")
    sys.stdout.flush()
    return job, code


def _first_rejects(opened: Session, job: job_pb2.Job) -> str:
    request = job_pb2.ListRejectsRequest(parent=job.name, limit=_SHOWN)
    answers = opened.client.jobs.ListRejects(request, timeout=CALL_SECONDS)
    found = [line for a in answers for reject in a.rejects for line in rejects.lines(reject)]
    return table(rejects.HEAD, found, right=" >") + "\n"


def _tell_further(lines: list[tuple[str, str]], settings: Settings, screen: Screen) -> None:
    screen.title(f"5 Further: `make serve` starts the server again, on {settings.target}; then")
    for purpose, line in lines:
        screen.note(f"{purpose}\n    {line}")
