"""Lines that go on from the demonstration. Each works while `etlplus serve` runs."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from etlplus.store.embedded.binaries import installed_binaries
from etlplus.store.embedded.supervisor import attach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from etlplus.settings import Settings
    from etlplus.v1 import job_pb2


def lines(job: job_pb2.Job, table: str, settings: Settings) -> Iterator[tuple[str, str]]:
    """What each line is for, and the line."""
    program = "etlplus" if shutil.which("etlplus") else shlex.quote(_near(Path(sys.argv[0])))
    yield "the job", f"{program} jobs show {job.uid}"
    yield "its rejects", f"{program} rejects show {job.uid} --limit 50"
    yield "over gRPC", _grpcurl(job, settings)
    yield "the table", _psql(table, settings)


def _grpcurl(job: job_pb2.Job, settings: Settings) -> str:
    token = _near(settings.token_file)
    body = json.dumps({"name": job.name})
    return (
        f'grpcurl -plaintext -H "authorization: Bearer $(cat {shlex.quote(token)})" '
        f"-d {shlex.quote(body)} {settings.target} etlplus.v1.JobService/WatchJob"
    )


def _psql(table: str, settings: Settings) -> str:
    query = shlex.quote(f"table {table} limit 5")
    if settings.database_url is not None:
        return f'psql "$ETLPLUS_DATABASE_URL" -c {query}'
    options = attach(settings.data_dir).warehouse_options
    where = f"-h {shlex.quote(options['host'])} -p {options['port']} -U {options['user']}"
    return f"{_psql_program()} {where} {options['database']} -c {query}"


def _psql_program() -> str:
    """The client on the path, else the one that comes with the embedded server."""
    if shutil.which("psql") is not None:
        return "psql"
    folders = (binaries.folder for binaries in installed_binaries())
    program = next((folder / "psql" for folder in folders if (folder / "psql").exists()), None)
    return "psql" if program is None else shlex.quote(_near(program))


def _near(path: Path) -> str:
    """The path from here, where it is beneath."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
