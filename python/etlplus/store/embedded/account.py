"""The system's user that the embedded server runs as: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from etlplus.domain.errors import Unavailable

SYSTEM_USERS = ("postgres", "etlplus")


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system."""

    uid: int
    gid: int
    name: str

    @property
    def is_self(self) -> bool:
        """Whether this process runs as the account already."""
        return os.geteuid() == self.uid

    def own(self, path: Path) -> None:
        """Gives a file or folder to the account."""
        if not self.is_self:
            os.chown(path, self.uid, self.gid)

    def can_enter(self, folder: Path) -> bool:
        """Whether the account can reach a folder, found out by going there as the account."""
        return self._succeeds('cd -- "$1"', folder)

    def can_execute(self, program: Path) -> bool:
        """Whether the account can reach and execute a program."""
        return self._succeeds('test -x "$1"', program)

    def run(self, command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end as the account, with a bare environment.

        Args:
            command: The program's absolute path and its arguments.
            folder: The working folder.

        Returns:
            The exit code and the output as text.
        """
        return subprocess.run(  # noqa: S603 - the command is built here, never from a request
            command,
            cwd=folder,
            env=bare_environment(),
            capture_output=True,
            text=True,
            check=False,
            user=None if self.is_self else self.uid,
            group=None if self.is_self else self.gid,
            extra_groups=None if self.is_self else [self.gid],
        )

    def _succeeds(self, test: str, path: Path) -> bool:
        return self.run(["/bin/sh", "-c", test, "sh", str(path)], Path("/")).returncode == 0


def bare_environment() -> dict[str, str]:
    """The environment of server programs: none of libpq's variables, messages in English."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def own_account() -> Account:
    """The account that this process runs as.

    Raises:
        Unavailable: The user id has no name, which PostgreSQL cannot work with.
    """
    uid = os.geteuid()
    try:
        return _account(pwd.getpwuid(uid))
    except KeyError:
        raise Unavailable(
            f"User id {uid} has no entry in the system's user list, which PostgreSQL needs.",
            code="DATABASE_ACCOUNT_UNUSABLE",
            hint="Run as a named user, or set ETLPLUS_DATABASE_URL to a PostgreSQL server.",
        ) from None


def root_name() -> str:
    """What root is called on this machine."""
    return pwd.getpwuid(0).pw_name


def choose_account(cluster: Path) -> Account:
    """The account to run a cluster's server as.

    An existing cluster keeps its owner. A new one belongs to this process's user, or, for root, to
    the system's user `postgres`, or else to a system user `etlplus` that is made for it.

    Args:
        cluster: The cluster's data folder, which need not exist.

    Raises:
        Unavailable: The cluster belongs to somebody else, or no user could be made.
    """
    own = own_account()
    owner = cluster.stat().st_uid if cluster.exists() else None
    if own.uid != 0:
        if owner not in (None, own.uid):
            raise Unavailable(
                f"The database in {cluster} belongs to user id {owner}, not to {own.name}.",
                code="DATABASE_ACCOUNT_UNUSABLE",
                hint="Start ETL Plus as the user who made it, or choose another data folder.",
            )
        return own
    if owner is None:
        return _system_account()
    if owner == 0:
        raise Unavailable(
            f"The database in {cluster} belongs to root, and PostgreSQL does not run as root.",
            code="DATABASE_ACCOUNT_UNUSABLE",
            hint=f"Give it back to the user it belonged to: chown -R postgres {cluster}",
        )
    return _account(pwd.getpwuid(owner))


def _system_account() -> Account:
    for name in SYSTEM_USERS:
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    name = SYSTEM_USERS[-1]
    program = shutil.which("useradd")
    if program is not None:
        command = [program, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
        made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if made.returncode == 0:
            return _account(pwd.getpwnam(name))
    raise Unavailable(
        "PostgreSQL does not run as root, and there is no user `postgres` or `etlplus`.",
        code="DATABASE_ACCOUNT_UNUSABLE",
        hint="Run as a plain user, make a system user `etlplus`, or set ETLPLUS_DATABASE_URL.",
    )


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)
