"""Work on pipeline files without a server: validate, test, schema."""

from __future__ import annotations

import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from etlplus.cli import STDIN, exits
from etlplus.cli.definition import load, parse, read, show
from etlplus.cli.output import Output, write
from etlplus.cli.screen import Screen
from etlplus.domain.errors import RunError

if TYPE_CHECKING:
    from etlplus.domain.problem import Problem
    from etlplus.language.testing import CaseResult


def validate(
    *files: str,
    strict: Annotated[bool, Parameter(help="Warnings fail, too.")] = False,
    output: Output = "table",
    quiet: Annotated[bool, Parameter(alias="-q", help="Print data and errors only.")] = False,
) -> int:
    """Find everything that is wrong with a file.

    No source or target is touched; `etlplus plan` goes on from here.

    Parameters
    ----------
    files
        Pipeline files; standard input when there are none, or for `-`.
    """
    from etlplus.language import as_dict  # noqa: PLC0415 takes time that --help has not

    screen = Screen(quiet=quiet)
    found: list[dict[str, Any]] = []
    failed = False
    for path in files or (STDIN,):
        problems = parse(read(path)).problems
        failed = failed or any(strict or p.severity == "error" for p in problems)
        found += [{"file": path, **as_dict(problem)} for problem in problems]
        if output == "table":
            _tell(problems, path, screen)
    if output != "table":
        write(found, output, str)
    return exits.INVALID if failed else exits.OK


def _tell(problems: tuple[Problem, ...], path: str, screen: Screen) -> None:
    show(problems, path, screen)
    if not any(problem.severity == "error" for problem in problems):
        screen.note(f"{path} is sound")


def examples(
    file: str,
    /,
    *,
    output: Output = "table",
    quiet: Annotated[bool, Parameter(alias="-q", help="Print data and errors only.")] = False,
) -> int:
    """Run the examples that a pipeline holds.

    Each example's rows take the place of the sources; nothing outside is read or written.

    Parameters
    ----------
    file
        The pipeline file; `-` reads standard input.
    """
    from etlplus.app.ports import RunContext  # noqa: PLC0415 takes time that --help has not
    from etlplus.engine import RustEngine  # noqa: PLC0415 the same
    from etlplus.language.testing import run_tests  # noqa: PLC0415 the same

    screen = Screen(quiet=quiet)
    definition = load(file, screen)
    context = RunContext(
        run_id="00000000-0000-0000-0000-000000000000",
        scheduled=datetime.now(UTC),
        env=dict(os.environ),
        secret=_no_secret,
    )
    with tempfile.TemporaryDirectory(prefix="etlplus-test-") as folder:
        results = list(run_tests(definition.spec, RustEngine(), Path(folder), context))
    data = [{"name": r.name, "passed": r.passed, "failures": list(r.failures)} for r in results]
    write(data, output, lambda: "".join(map(_result, results)))
    failed = sum(not result.passed for result in results)
    if not results:
        screen.warning(f"{file} holds no examples")
        screen.hint("Add them under `tests:`; docs/language.md shows how")
    elif failed:
        screen.error(f"{failed} of {len(results)} examples do not hold")
    return exits.FAILED if failed else exits.OK


def _result(result: CaseResult) -> str:
    lines = [f"{'ok' if result.passed else 'FAILED':<7}{result.name}"]
    return "\n".join([*lines, *(f"       {failure}" for failure in result.failures)]) + "\n"


def _no_secret(name: str) -> str:
    raise RunError(
        f"an example cannot use the secret {name}",
        code="SECRET_UNRESOLVED",
        hint="Give the rows that the secret would lead to under `given`",
    )


def schema() -> int:
    """Print the JSON Schema of pipelines, for editors.

    The first line `# yaml-language-server: $schema=FILE` makes editors complete and check.
    """
    from etlplus.language import json_schema_text  # noqa: PLC0415 takes time that --help has not

    sys.stdout.write(json_schema_text())
    return exits.OK
