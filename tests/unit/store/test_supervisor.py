"""The life of an embedded database within one process; the faults kill other processes."""

from __future__ import annotations

import os
import pwd
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from etlplus.domain.errors import Unavailable
from etlplus.store.embedded import account, layout, server
from etlplus.store.embedded.supervisor import EmbeddedPostgres, Endpoint, attach
from tests.conformance.database import enterable_folder

IS_ROOT = os.geteuid() == 0


@pytest.fixture
def folder() -> Iterator[Path]:
    with enterable_folder() as made:
        yield made


def embedded(folder: Path, wait_seconds: float = 30) -> EmbeddedPostgres:
    return EmbeddedPostgres(folder, wait_seconds=wait_seconds, system_state=folder / "system")


async def test_a_database_is_owned_restarted_and_handed_over(folder: Path) -> None:
    first, second = embedded(folder), embedded(folder, wait_seconds=0)
    endpoint = await first.start()
    with pytest.raises(Unavailable) as caught:
        await second.start()
    assert caught.value.metadata["pid"] == str(os.getpid())
    await remember(endpoint)
    killed = server_of(first)
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    await until_answered(endpoint)
    assert server_of(first) not in (None, killed)
    await first.stop()
    assert server_of(first) is None
    pid_file = folder / "postgres" / "cluster" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n")
    async with second as again:
        assert again == endpoint == attach(folder)
        assert await remembered(again) == 1


def server_of(postgres: EmbeddedPostgres) -> int | None:
    return postgres.pid


async def until_answered(endpoint: Endpoint) -> None:
    while True:
        try:
            assert await remembered(endpoint) == 1
        except psycopg.OperationalError:
            continue
        return


async def remember(endpoint: Endpoint) -> None:
    async with await psycopg.AsyncConnection.connect(endpoint.warehouse) as connection:
        await connection.execute("create table kept as select 1 as number")


async def remembered(endpoint: Endpoint) -> int:
    async with await psycopg.AsyncConnection.connect(endpoint.warehouse) as connection:
        row = await (await connection.execute("select number from kept")).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_server_that_cannot_start_shows_its_log(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(server.SETTINGS, "shared_buffers", "nonsense")
    with pytest.raises(Unavailable, match="nonsense") as caught:
        await embedded(folder).start()
    assert caught.value.code == "DATABASE_START_FAILED"
    monkeypatch.undo()
    async with embedded(folder, wait_seconds=0) as endpoint:
        await remember(endpoint)


def test_a_cluster_keeps_its_owner_and_never_runs_as_root(folder: Path) -> None:
    assert account.choose_account(folder / "none").uid != 0
    cluster = folder / "cluster"
    cluster.mkdir()
    if not IS_ROOT:
        assert account.choose_account(cluster).uid == os.geteuid()
        return
    with pytest.raises(Unavailable, match="belongs to root"):
        account.choose_account(cluster)
    nobody = pwd.getpwnam("nobody")
    os.chown(cluster, nobody.pw_uid, nobody.pw_gid)
    assert account.choose_account(cluster).name == "nobody"


def test_a_socket_folder_that_others_may_enter_is_refused(folder: Path) -> None:
    state = folder / "postgres"
    state.mkdir()
    (state / "socket").mkdir(mode=0o777)
    with pytest.raises(Unavailable, match="nobody else can enter"):
        layout.prepare_layout(folder, folder / "system")


def test_a_state_that_moved_is_found_where_the_data_folder_says(folder: Path) -> None:
    state = folder / "elsewhere"
    (folder / "postgres").mkdir()
    (folder / "postgres" / "location").write_text(f"{state}\n")
    assert layout.existing_layout(folder).cluster == state / "cluster"
