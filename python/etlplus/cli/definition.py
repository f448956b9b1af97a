"""Pipeline files: read from a path or from standard input, checked, told what is wrong."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from etlplus.cli import STDIN
from etlplus.cli.screen import Screen, has_colour
from etlplus.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etlplus.domain.problem import Problem
    from etlplus.language import Parsed

_ENDINGS: Final = (".yaml", ".yml", ".json")
_MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Definition:
    """A sound pipeline file.

    Attributes:
        name: the pipeline's id.
        text: the file's text.
        spec: the canonical bytes of the PipelineSpec.
    """

    name: str
    text: str
    spec: bytes


def is_file(target: str) -> bool:
    """Whether what was given means a file; otherwise it is the id of a stored pipeline."""
    return target == STDIN or target.endswith(_ENDINGS) or Path(target).is_file()


def read(path: str) -> str:
    """The text of a file, `-` for standard input. Raises InvalidInput."""
    try:
        raw = sys.stdin.buffer.read(_MOST_BYTES + 1) if path == STDIN else _bytes(Path(path))
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise InvalidInput(
            f"cannot read {path}: {error.strerror or error}",
            place=path,
            hint="`etlplus init` writes a first pipeline",
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{path} is not UTF-8 at byte {error.start}", place=path, hint="Save it as UTF-8"
        ) from error
    if len(raw) > _MOST_BYTES:
        raise InvalidInput(
            f"{path} is larger than 1 MiB",
            place=path,
            hint="A definition is that large only by mistake; move data into files of its own",
        )
    return text


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MOST_BYTES + 1)


def load(path: str, screen: Screen) -> Definition:
    """A sound file. Warnings are shown; raises InvalidInput after showing what is wrong."""
    text = read(path)
    parsed = parse(text)
    show(parsed.problems, path, screen)
    if parsed.spec is None:
        raise InvalidInput(
            f"{path} has problems",
            code="SPEC_INVALID",
            hint=f"Put them right and try `etlplus validate {path}`",
        )
    return Definition(_name(parsed.spec), text, parsed.spec)


def parse(text: str) -> Parsed:
    """What a text means, and everything that is wrong with it."""
    from etlplus import language  # noqa: PLC0415 takes time that --help has not
    from etlplus.engine import RustEngine  # noqa: PLC0415 the same

    return language.parse(text, RustEngine().read_sql)


def show(problems: Sequence[Problem], path: str, screen: Screen) -> None:
    """Shows problems with their places. Errors are shown even when the screen is quiet."""
    from etlplus.language import render  # noqa: PLC0415 the same

    shown = [p for p in problems if p.severity == "error" or not screen.quiet]
    if shown:
        screen.raw(render(shown, path, color=has_colour()))


def _name(spec: bytes) -> str:
    from etlplus.v1 import plan_pb2  # noqa: PLC0415 the same

    return plan_pb2.PipelineSpec.FromString(spec).name


def parameters(given: Sequence[str]) -> dict[str, str]:
    """Values by name from `NAME=VALUE`. Raises InvalidInput (PARAM_INVALID)."""
    values: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals) or name in values:
            reason = "is given twice" if name in values else "is not NAME=VALUE"
            raise InvalidInput(
                f"{text if not equals else name} {reason}",
                code="PARAM_INVALID",
                place="--param",
                hint="As in `--param day=2026-01-31`",
            )
        values[name] = value
    return values
