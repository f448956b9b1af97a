"""Long-running processes: the server and workers beside it."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from etlplus import logs
from etlplus import settings as settings_module
from etlplus.cli import exits
from etlplus.cli.screen import Screen
from etlplus.cli.session import record

if TYPE_CHECKING:
    from etlplus.settings import Settings

_PRIVATE: Final = 0o600


def serve(
    *,
    listen: Annotated[str | None, Parameter(help="HOST:PORT; port 0 takes a free one.")] = None,
    no_worker: Annotated[bool, Parameter(help="Run no jobs; `etlplus worker` does.")] = False,
    insecure_plaintext: Annotated[
        bool | None, Parameter(help="Allow listening without TLS beyond this machine.")
    ] = None,
    quiet: Annotated[bool, Parameter(alias="-q", help="Print data and errors only.")] = False,
) -> int:
    """Start the server and run its jobs.

    When it is ready it prints `listening on HOST:PORT` on stdout, and `HTTP on HOST:PORT` if
    ETLPLUS_HTTP_LISTEN is set. SIGTERM and Ctrl-C stop it
    gracefully: calls end, jobs are handed back. Settings are ETLPLUS_… variables; docs/settings.md
    lists them.
    """
    from etlplus.bootstrap import service  # noqa: PLC0415 it imports everything

    settings = settings_module.load(listen=listen, insecure_plaintext=insecure_plaintext)
    screen = Screen(quiet=quiet)
    logs.configure(settings.log_format, settings.log_level)
    with ExitStack() as until_end:

        def ready(running: service.Running) -> None:
            if running.token is not None:
                keep(running.token, settings)
                _show_once(running.token, settings, screen)
            until_end.enter_context(record(settings.data_dir, running.address, os.getpid()))
            _say(f"listening on {running.address}")
            if running.http_address:
                _say(f"HTTP on {running.http_address}")

        asyncio.run(service.serve(settings, worker=not no_worker, ready=ready))
    return exits.OK


def worker() -> int:
    """Run jobs of a server on the same data.

    It needs the same data folder or database as the server, and prints `worker ready` on stdout.
    """
    from etlplus.bootstrap import service  # noqa: PLC0415 it imports everything

    settings = settings_module.load()
    logs.configure(settings.log_format, settings.log_level)
    asyncio.run(service.work(settings, ready=lambda: _say("worker ready")))
    return exits.OK


def keep(token: str, settings: Settings) -> None:
    """Stores the token for the local user, readable by that user alone."""
    draft = settings.token_file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE), "w") as file:
        file.write(token + "\n")
    draft.replace(settings.token_file)


def _show_once(token: str, settings: Settings, screen: Screen) -> None:
    if sys.stderr.isatty():
        screen.note(f"This is the first start. The token that may do everything: {token}")
        screen.note(
            f"It is shown once, and kept for commands of this user in {settings.token_file}"
        )
    else:
        # A log keeps what it is given; the file does not travel.
        screen.note(f"This is the first start. The token is in {settings.token_file}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
