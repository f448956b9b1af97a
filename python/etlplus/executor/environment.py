"""What the machine gives to runs: folders, variables, secrets."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from etlplus.domain.errors import RunError

_LARGEST_SECRET = 64 * 1024


@dataclass(frozen=True, slots=True)
class Environment:
    """What the machine gives to runs.

    Attributes:
        data_dir: holds work folders and kept rejects.
        file_roots: folders beneath which pipelines may touch files; relative paths start at the
            first.
        variables: what `${env.NAME}` and `env:NAME` may see.
        local: options of the built-in connection; None when there is no warehouse.
        secrets_dir: holds a file for each secret that `${secret.NAME}` may name.
        memory: of a run whose definition does not say, as in `256MiB`.
        undo_keep: earlier generations of a target that are kept for rollbacks.
        threads: threads for the rows of one run; 0 for one a core.
    """

    data_dir: Path
    file_roots: tuple[Path, ...]
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    local: Mapping[str, str] | None = field(default=None, repr=False)
    secrets_dir: Path | None = None
    threads: int = 0
    memory: str = "256MiB"
    undo_keep: int = 0

    def work_dir(self, load_id: str, epoch: int) -> Path:
        """The folder of one claim of a load: rejects, spilled rows."""
        return self.data_dir / "work" / f"{load_id}-{epoch}"

    def rejects_file(self, load_id: str) -> Path:
        """Where the rejects of a load are kept."""
        return self.data_dir / "rejects" / f"{load_id}.arrow"


class Secrets:
    """Resolves secrets from variables and files. Values are read anew each time."""

    def __init__(self, environment: Environment) -> None:
        """Sees what the environment lets it."""
        self._environment = environment

    def resolve(self, reference: str) -> str:
        """The secret behind `env:NAME` or `file:PATH`. Raises RunError (SECRET_UNRESOLVED)."""
        kind, _, rest = reference.partition(":")
        if kind == "env" and rest:
            value = self._environment.variables.get(rest)
            if value is None:
                raise _unresolved(reference, f"the variable {rest} is not set")
            return value
        if kind == "file" and rest:
            return _read(Path(rest), reference)
        raise _unresolved(reference, "a reference is env:NAME or file:PATH")

    def named(self, name: str) -> str:
        """The secret behind `${secret.NAME}`. Raises RunError (SECRET_UNRESOLVED)."""
        folder = self._environment.secrets_dir
        if folder is None:
            raise _unresolved(name, "no folder of secrets is set")
        if "/" in name or name.startswith(".") or not name:
            raise _unresolved(name, "its name is not a file's name")
        return _read(folder / name, name)


def _read(path: Path, reference: str) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _unresolved(reference, "it is not a plain file")
            return file.read(_LARGEST_SECRET).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise _unresolved(reference, f"its file cannot be read ({reason})") from None


def _unresolved(reference: str, reason: str) -> RunError:
    return RunError(
        f"The secret {reference!r} cannot be resolved: {reason}",
        code="SECRET_UNRESOLVED",
        hint="Set it where the worker runs, then run again",
        metadata={"reference": reference},
    )
