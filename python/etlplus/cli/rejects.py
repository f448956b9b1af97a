"""The rows that a job refused."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import Parameter

from etlplus.cli import exits
from etlplus.cli.jobs import named
from etlplus.cli.message import plain
from etlplus.cli.output import Output, render
from etlplus.cli.session import HERE, Remote, session
from etlplus.cli.text import cut, table
from etlplus.v1 import job_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDEST: Final = 60
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
        The job's id, or `last`.
    """
    with session(remote) as opened:
        request = job_pb2.ListRejectsRequest(
            parent=named(opened, job), step=step, code=code, limit=limit, skip=skip
        )
        # All rejects of a large job take as long as they take.
        answers = opened.client.jobs.ListRejects(request)
        rejects = (reject for answer in answers for reject in answer.rejects)
        shown = _print(rejects, output)
    if shown and shown == limit:
        remote.screen.hint(f"these are {shown}; `--skip {skip + shown}` goes on, `-n 0` shows all")
    return exits.OK


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
        message = cut(reason.message, _WIDEST)
        yield (*first, reason.column or "-", reason.code, message, record)
        first, record = ("", "", ""), ""
