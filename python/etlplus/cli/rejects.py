"""The rows that a job refused."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import Parameter

from etlplus.cli import exits
from etlplus.cli.jobs import named
from etlplus.cli.message import plain
from etlplus.cli.output import Output, render
from etlplus.cli.session import HERE, Remote, Session, session
from etlplus.cli.text import cut, table
from etlplus.domain.errors import NotFound
from etlplus.v1 import job_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDEST: Final = 60
_WIDEST_MESSAGE: Final = 100
_FILE: Final = ".arrow"
HEAD: Final = ("SOURCE", "LINE", "REFUSED BY", "COLUMN", "REASON", "MESSAGE", "RECORD")


def show(
    job: str,
    /,
    *,
    step: Annotated[str, Parameter(help="Only rejects of this source or step.")] = "",
    code: Annotated[str, Parameter(help="Only rejects with this reason.")] = "",
    limit: Annotated[int, Parameter(alias="-n", help="The most rejects; all when 0.")] = 20,
    skip: Annotated[int, Parameter(help="How many rejects to pass over.")] = 0,
    output: Output = "table",
    remote: Remote = HERE,
) -> int:
    """Show the rows that a job refused, with their lines and every reason.

    With `-o json` each row is a JSON object on a line of its own.

    Parameters
    ----------
    job
        The job's id, or `last`, or the rejects file of a run with `--local`.
    """
    asked = _Asked(step, code, skip, limit)
    if job.endswith(_FILE):
        shown = _print(_of_file(job, asked), output)
    else:
        with session(remote) as opened:
            shown = _print(_of_job(opened, job, asked), output)
    if shown and shown == limit:
        remote.screen.tip(f"these are {shown}; `--skip {skip + shown}` goes on, `-n 0` shows all")
    return exits.OK


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which rejects are shown."""

    step: str
    code: str
    skip: int
    limit: int


def _of_job(opened: Session, job: str, asked: _Asked) -> Iterator[job_pb2.Reject]:
    request = job_pb2.ListRejectsRequest(
        parent=named(opened, job),
        step=asked.step,
        code=asked.code,
        limit=asked.limit,
        skip=asked.skip,
    )
    # All rejects of a large job take as long as they take.
    for answer in opened.client.jobs.ListRejects(request):
        yield from answer.rejects


def _of_file(path: str, asked: _Asked) -> Iterator[job_pb2.Reject]:
    from etlplus.engine import RustEngine  # noqa: PLC0415 only for files
    from etlplus.rpc.convert.jobs import to_reject  # noqa: PLC0415 the same

    if not Path(path).is_file():
        raise NotFound(f"there is no file {path}", hint="A run with --local names its rejects file")
    rows = (to_reject(row) for batch in RustEngine().read_rejects(path) for row in batch)
    wanted = (row for row in rows if _is_wanted(row, asked))
    return islice(wanted, asked.skip, asked.skip + asked.limit if asked.limit else None)


def _is_wanted(reject: job_pb2.Reject, asked: _Asked) -> bool:
    by_code = not asked.code or any(reason.code == asked.code for reason in reject.reasons)
    return by_code and asked.step in ("", reject.step)


def _print(rejects: Iterator[job_pb2.Reject], output: Output) -> int:
    if output == "table":
        rows = [row for reject in rejects for row in lines(reject)]
        sys.stdout.write(table(HEAD, rows, right=" >"))
        return sum(1 for row in rows if row[0])
    count = 0
    for reject in rejects:
        sys.stdout.write(_record(plain(reject), output))
        count += 1
    return count


def _record(reject: dict[str, Any], output: Output) -> str:
    if output == "yaml":
        return "---\n" + render(reject, "yaml")
    return json.dumps(reject, ensure_ascii=False) + "\n"


def lines(reject: job_pb2.Reject) -> Iterator[tuple[str, ...]]:
    """A table row for each reason; what belongs to the record stands on the first alone."""
    source = reject.source.rsplit("/", 1)[-1] or "-"
    number = str(reject.line) if reject.HasField("line") else "-"
    first = (source, number, reject.step)
    record = cut(reject.raw.rstrip("\r\n"), _WIDEST)
    for reason in reject.reasons:
        message = cut(reason.message, _WIDEST_MESSAGE)
        yield (*first, reason.column or "-", reason.code, message, record)
        first, record = ("", "", ""), ""
