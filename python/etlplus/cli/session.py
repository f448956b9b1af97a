"""What commands that speak to a server share: where it is, who asks, in which workspace."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from etlplus.cli.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from etlplus.client import Client
    from etlplus.settings import Settings

#: Seconds that a call may take which only reads or writes the service's own state.
CALL_SECONDS: Final = 60.0
#: Seconds that a call may take which looks at sources and targets.
LOOK_SECONDS: Final = 600.0
_RECORD: Final = "server.json"


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """Options of every command that speaks to a server."""

    server: Annotated[
        str, Parameter(help="HOST:PORT; ETLPLUS_SERVER or the local one if empty.")
    ] = ""
    ca: Annotated[
        Path | None,
        Parameter(help="PEM file with the authorities to trust; ETLPLUS_TLS_CA if not given."),
    ] = None
    workspace: Annotated[str, Parameter(help="The workspace.")] = "default"
    quiet: Annotated[bool, Parameter(alias="-q", help="Print data and errors only.")] = False

    @property
    def screen(self) -> Screen:
        """Where notes go."""
        return Screen(quiet=self.quiet)


HERE: Final = Remote()


@dataclass(frozen=True, slots=True)
class Session:
    """An open connection to a server."""

    client: Client
    settings: Settings
    address: str
    workspace: str

    @property
    def parent(self) -> str:
        """The workspace's resource name."""
        return f"workspaces/{self.workspace}"

    def pipeline(self, name: str) -> str:
        """The resource name of a pipeline, from its id or from itself."""
        return name if "/" in name else f"{self.parent}/pipelines/{name}"

    def connection(self, name: str) -> str:
        """The resource name of a connection, from its id or from itself."""
        return name if "/" in name else f"{self.parent}/connections/{name}"


@contextmanager
def session(remote: Remote) -> Iterator[Session]:
    """Opens a connection for the time of the block. Nothing is sent yet. Raises EtlError."""
    from etlplus import settings as module  # noqa: PLC0415 takes time that --help has not
    from etlplus.client import connect  # noqa: PLC0415 the same

    settings = module.load()
    address = remote.server or settings.server or recorded(settings.data_dir) or settings.target
    with connect(
        address,
        token=token(settings),
        ca=remote.ca.expanduser() if remote.ca else settings.tls_ca,
        insecure_plaintext=settings.insecure_plaintext,
    ) as client:
        yield Session(client, settings, address, remote.workspace)


def token(settings: Settings) -> str | None:
    """The token to present: the given one, else the stored one of the data folder."""
    if settings.token is not None:
        return settings.token.get_secret_value()
    try:
        return settings.token_file.read_text(encoding="utf-8").strip() or None
    except OSError:
        # No server has been started on this data folder; the answer will say what is missing.
        return None


def recorded(data_dir: Path) -> str:
    """The address that a server on this data folder listens on; empty when none runs."""
    try:
        address = json.loads((data_dir / _RECORD).read_text(encoding="utf-8"))["address"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return address if isinstance(address, str) else ""


@contextmanager
def record(data_dir: Path, address: str, process: int) -> Iterator[None]:
    """Records where a server listens for the time of the block."""
    path = data_dir / _RECORD
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({"address": address, "pid": process}) + "\n", encoding="utf-8")
    draft.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
