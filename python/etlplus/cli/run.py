"""Runs a pipeline, on a server or in this process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from etlplus.cli import exits, report
from etlplus.cli.definition import is_file, load, parameters
from etlplus.cli.follow import follow
from etlplus.cli.message import plain
from etlplus.cli.output import Output, write
from etlplus.cli.pipelines import store
from etlplus.cli.session import CALL_SECONDS, HERE, Remote, session
from etlplus.domain.errors import InvalidInput
from etlplus.v1 import pipeline_pb2

if TYPE_CHECKING:
    from etlplus.cli.screen import Screen
    from etlplus.cli.session import Session
    from etlplus.v1 import job_pb2


def run(
    target: str,
    /,
    *,
    param: Annotated[
        list[str] | None, Parameter(alias="-p", help="NAME=VALUE; may be given often.")
    ] = None,
    local: Annotated[bool, Parameter(help="Run a file in this process, without a server.")] = False,
    detach: Annotated[bool, Parameter(alias="-d", help="Do not wait for the end.")] = False,
    version: Annotated[int, Parameter(help="The version; the newest when 0.")] = 0,
    priority: Annotated[
        int | None,
        Parameter(help="From 0 to 100, more comes first; the definition's, or 50, if not given."),
    ] = None,
    plan: Annotated[
        str, Parameter(help="Run only if the plan still has this hash, as `etlplus plan` shows it.")
    ] = "",
    output: Output = "table",
    remote: Remote = HERE,
) -> int:
    """Run a file or a stored pipeline.

    A file is stored as the pipeline's next version first, unless `--local` runs it right here.
    Ctrl-C cancels the job and waits for its end; pressed twice it leaves the job running.

    Parameters
    ----------
    target
        A pipeline file, `-` for standard input, or the name of a stored pipeline.
    """
    params = parameters(param or ())
    if local:
        from etlplus.cli.local import run_here  # noqa: PLC0415 needs the engine

        server = bool(detach or version or plan or priority is not None)
        _refuse_with_local(target, needs_server=server)
        return run_here(load(target, remote.screen), params, output, remote.screen)
    request = _Request(target, params, version, priority, plan, detach=detach)
    return _run_on_server(request, output, remote)


def _refuse_with_local(target: str, *, needs_server: bool) -> None:
    if needs_server or not is_file(target):
        raise InvalidInput(
            "--local runs a file, and waits for its end",
            place="--local",
            hint="Leave out --detach, --version, --priority and --plan, and name a pipeline file",
        )


@dataclass(frozen=True, slots=True)
class _Request:
    """What is to be run, and whether anybody waits."""

    target: str
    params: dict[str, str]
    version: int
    priority: int | None
    plan_hash: str
    detach: bool


def _run_on_server(asked: _Request, output: Output, remote: Remote) -> int:
    screen = remote.screen
    definition = load(asked.target, screen) if is_file(asked.target) else None
    with session(remote) as opened:
        name, version = opened.pipeline(asked.target), asked.version
        if definition is not None:
            stored = store(opened, definition, f"Run of {Path(asked.target).name}")
            screen.note(f"{definition.name} is stored as version {stored.version}")
            name, version = stored.name, stored.version
        request = pipeline_pb2.RunPipelineRequest(
            name=name,
            version=version,
            params=asked.params,
            priority=asked.priority,
            plan_hash=asked.plan_hash,
        )
        job = opened.client.pipelines.RunPipeline(request, timeout=CALL_SECONDS)
        return finish(opened, job, output, screen, detach=asked.detach)


def finish(
    opened: Session, job: job_pb2.Job, output: Output, screen: Screen, *, detach: bool
) -> int:
    """Follows a job that was just queued, unless detached, and tells what became of it.

    Returns:
        The command's exit code.
    """
    if detach:
        write(plain(job), output, lambda: f"{job.uid}\n")
        screen.tip(f"`etlplus jobs watch {job.uid}` follows it")
        return exits.OK
    screen.note(f"job {job.uid}")
    ended, code = follow(opened, job, screen)
    write(plain(ended), output, lambda: report.summary(ended))
    report.failure(ended, screen)
    if ended.rejects.rows and not ended.error.code:
        screen.tip(f"`etlplus rejects show {ended.uid}` shows the rows that were refused")
    return code
