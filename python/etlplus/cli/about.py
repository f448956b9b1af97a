"""The parts' versions, and completion for shells."""

from __future__ import annotations

import sys
from importlib import metadata
from typing import Literal

from etlplus.cli import exits
from etlplus.cli.output import Output, write


def version(*, output: Output = "table") -> int:
    """Print the versions of the parts."""
    found = versions()
    write(found, output, lambda: "".join(f"{name:<10}{value}\n" for name, value in found.items()))
    return exits.OK


def versions() -> dict[str, str]:
    """Versions by part: the product, its core, Python."""
    found = {"etlplus": installed("etlplus")}
    try:
        from etlplus.engine import RustEngine  # noqa: PLC0415 it may be missing

        found["core"] = RustEngine().version()
    except ImportError as error:
        found["core"] = f"not there ({error})"
    found["python"] = ".".join(map(str, sys.version_info[:3]))
    return found


def installed(name: str) -> str:
    """The version of an installed distribution."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not there"


def completion(shell: Literal["bash", "zsh", "fish"], /) -> int:
    """Print a completion script for a shell.

    For bash: `etlplus completion bash > ~/.local/share/bash-completion/completions/etlplus`

    Parameters
    ----------
    shell
        The shell.
    """
    from etlplus.cli.application import build  # noqa: PLC0415 it imports this module

    sys.stdout.write(build().generate_completion(prog_name="etlplus", shell=shell))
    return exits.OK
