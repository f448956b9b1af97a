"""Where the embedded database's programs come from."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from etlplus.domain.errors import Unavailable
from etlplus.store.embedded import binaries
from etlplus.store.embedded.account import choose_account
from etlplus.store.embedded.supervisor import EmbeddedPostgres, attach
from tests.conformance.database import apart, enterable_folder

IS_ROOT = os.geteuid() == 0


@pytest.fixture
def folder() -> Iterator[Path]:
    with enterable_folder() as made:
        yield made


def from_wheel() -> binaries.Binaries:
    return next(each for each in binaries.installed_binaries() if each.from_wheel)


def test_the_wheels_newest_programs_are_preferred(folder: Path) -> None:
    found = list(binaries.installed_binaries())
    assert found[0].from_wheel
    assert found[0].major == max(each.major for each in found if each.from_wheel)
    assert binaries.find_binaries(folder / "none") == found[0]


def test_locating_the_wheel_does_not_execute_it() -> None:
    from_wheel()
    assert binaries.WHEEL not in sys.modules


def test_an_existing_cluster_gets_programs_of_its_version(folder: Path) -> None:
    for each in binaries.installed_binaries():
        (folder / "PG_VERSION").write_text(f"{each.major}\n")
        assert binaries.find_binaries(folder).major == each.major


def test_a_cluster_of_a_version_that_is_not_here_is_refused_with_advice(folder: Path) -> None:
    (folder / "PG_VERSION").write_text("999\n")
    with pytest.raises(Unavailable, match="PostgreSQL 999") as caught:
        binaries.find_binaries(folder)
    assert caught.value.code == "DATABASE_VERSION_MISMATCH"
    assert "pg_dump" in str(caught.value.hint)


def test_no_programs_at_all_is_said_with_advice(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "WHEEL", "a_wheel_that_is_not_installed")
    monkeypatch.setattr(binaries, "SYSTEM_PATTERNS", ())
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(Unavailable) as caught:
        binaries.find_binaries(folder)
    assert caught.value.code == "DATABASE_BINARIES_MISSING"
    assert "ETLPLUS_DATABASE_URL" in str(caught.value.hint)


def test_programs_of_the_system_serve_where_the_wheel_is_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "WHEEL", "a_wheel_that_is_not_installed")
    postgres = EmbeddedPostgres(folder, system_state=folder / "system")
    if not list(binaries.installed_binaries()):
        with pytest.raises(Unavailable):
            apart(postgres.start())
        return
    endpoint = apart(postgres.start())
    try:
        assert attach(folder) == endpoint
        with psycopg.connect(endpoint.warehouse) as connection:
            assert connection.info.server_version >= binaries.OLDEST * 10_000
            row = connection.execute("select current_user, getdatabaseencoding()").fetchone()
        assert row == ("warehouse", "UTF8")
    finally:
        apart(postgres.stop())


def test_programs_that_the_servers_user_cannot_reach_are_copied_whole(folder: Path) -> None:
    wheel = from_wheel()
    install = wheel.folder.parent
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(install, closed / binaries.WHEEL / install.name, symlinks=True)
    libraries = install.parent.parent / f"{binaries.WHEEL}.libs"
    shutil.copytree(libraries, closed / libraries.name, symlinks=True)
    hidden = binaries.Binaries(
        wheel.major, closed / binaries.WHEEL / install.name / "bin", from_wheel=True
    )
    account = choose_account(folder / "none")
    reachable = binaries.reachable_binaries(hidden, account, folder)
    assert closed.stat().st_mode & 0o777 == 0o700
    assert (closed in reachable.postgres.parents) != IS_ROOT
    for program in (reachable.postgres, reachable.initdb):
        answer = account.run([str(program), "--version"], Path("/"))
        assert f" {wheel.major}." in answer.stdout
    assert binaries.reachable_binaries(hidden, account, folder) == reachable


def test_programs_of_the_system_that_may_not_be_executed_are_not_copied(folder: Path) -> None:
    program = folder / "postgres"
    program.write_text("")
    account = choose_account(folder / "none")
    with pytest.raises(Unavailable) as caught:
        binaries.reachable_binaries(
            binaries.Binaries(18, folder, from_wheel=False), account, folder
        )
    assert caught.value.code == "DATABASE_BINARIES_MISSING"
