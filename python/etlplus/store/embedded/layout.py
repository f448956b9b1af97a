"""Where the parts of an embedded database lie.

<data folder>/postgres/owner.lock   held by the process that runs the server
<data folder>/postgres/location     the state folder, where it cannot be this one
<state folder>/cluster/             PostgreSQL's data, 0700
<state folder>/socket/              the only way in, 0700
<state folder>/programs/            a copy of the programs, where they had to be copied
<state folder>/access.conf, users.conf   who may connect, written at each start
<state folder>/server.log
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from etlplus.domain.errors import Unavailable
from etlplus.store.embedded.account import Account, choose_account

#: The server's socket is `.s.PGSQL.5432`; the port of a socket is only a part of its name.
PORT = 5432
SOCKET = f".s.PGSQL.{PORT}"
#: The longest path of a socket, in bytes, that every system takes (sun_path without its NUL).
SOCKET_PATH_LIMIT = 103
PRIVATE = 0o700
ENTERABLE = 0o711
#: Where root keeps clusters whose data folder the server's user cannot enter.
SYSTEM_STATE = Path("/var/lib/etlplus")


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of one embedded database and the account that its server runs as."""

    state: Path
    account: Account
    socket_folder: Path

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data folder."""
        return self.state / "cluster"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.state / "server.log"

    @property
    def access_rules(self) -> Path:
        """The rules of who may connect (`pg_hba.conf`)."""
        return self.state / "access.conf"

    @property
    def user_names(self) -> Path:
        """Which of the system's users may be which role (`pg_ident.conf`)."""
        return self.state / "users.conf"

    @property
    def socket_lock(self) -> Path:
        """The file that PostgreSQL keeps beside its socket while it runs."""
        return self.socket_folder / f"{SOCKET}.lock"

    @property
    def pid_file(self) -> Path:
        """The file that PostgreSQL keeps while it runs."""
        return self.cluster / "postmaster.pid"


def database_folder(data_folder: Path) -> Path:
    """The part of a data folder that belongs to the embedded database."""
    return data_folder.resolve() / "postgres"


def prepare_layout(data_folder: Path, system_state: Path = SYSTEM_STATE) -> Layout:
    """Chooses the places and makes the folders; the caller holds the data folder's lock.

    Args:
        data_folder: Where the service keeps its data.
        system_state: Where clusters go whose user cannot enter the data folder.

    Raises:
        Unavailable: A folder cannot be made or belongs to somebody else.
    """
    folder = database_folder(data_folder)
    state = located_state(folder)
    account = choose_account(state / "cluster")
    _open_to(account, state)
    if not account.can_enter(state):
        if (state / "cluster").exists():
            raise Unavailable(
                f"User {account.name}, who owns the database, cannot enter {state}.",
                code="DATABASE_ACCOUNT_UNUSABLE",
                hint="Give the folders above it back the permission to be entered (x).",
            )
        state = _elsewhere(folder, system_state)
        account = choose_account(state / "cluster")
        _open_to(account, state)
    return Layout(state, account, _socket_folder(state, account))


def existing_layout(data_folder: Path) -> Layout:
    """The places of a database that exists, without making or changing anything."""
    state = located_state(database_folder(data_folder))
    account = choose_account(state / "cluster")
    return Layout(state, account, _socket_path(state, account))


def located_state(folder: Path) -> Path:
    """The state folder: the database's own folder, unless it says otherwise."""
    location = folder / "location"
    return Path(location.read_text().strip()) if location.exists() else folder


def remove_distant_socket(layout: Layout) -> None:
    """Removes the socket's folder where it is not a part of the state; the server must be down."""
    if layout.socket_folder.parent != layout.state:
        with contextlib.suppress(OSError):
            layout.socket_folder.rmdir()


def _open_to(account: Account, state: Path) -> None:
    # Our own folder alone, whatever mask it was made with; those above it are not ours.
    state.chmod(PRIVATE if account.is_self else ENTERABLE)


def _elsewhere(folder: Path, system_state: Path) -> Path:
    name = hashlib.sha256(f"{folder}\0{os.urandom(16).hex()}".encode()).hexdigest()[:16]
    state = system_state / name
    if not system_state.exists():
        system_state.mkdir(parents=True)
        system_state.chmod(ENTERABLE)
    state.mkdir()
    (state / "origin").write_text(f"{folder}\n")
    part = folder / "location.part"
    part.write_text(f"{state}\n")
    part.rename(folder / "location")
    return state


def _socket_path(state: Path, account: Account) -> Path:
    beside = state / "socket"
    # To clients, a comma in a host separates two hosts.
    if len(os.fsencode(beside / SOCKET)) <= SOCKET_PATH_LIMIT and "," not in str(beside):
        return beside
    name = f"etlplus-{account.uid}-{hashlib.sha256(os.fsencode(state)).hexdigest()[:12]}"
    for root in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - checked below
        if len(os.fsencode(root / name / SOCKET)) <= SOCKET_PATH_LIMIT:
            return root / name
    raise Unavailable(
        f"Neither {state} nor a folder for temporary files has a path fit for a socket.",
        code="DATABASE_START_FAILED",
        hint="Choose a data folder with a shorter path.",
    )


def _socket_folder(state: Path, account: Account) -> Path:
    folder = _socket_path(state, account)
    try:
        folder.mkdir(mode=PRIVATE)
        account.own(folder)
    except FileExistsError:
        pass
    found = folder.lstat()
    private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == PRIVATE
    if not private or found.st_uid != account.uid:
        raise Unavailable(
            f"{folder} must be a folder of user {account.name} that nobody else can enter.",
            code="DATABASE_START_FAILED",
            hint="Remove it and start again.",
        )
    return folder
