"""The embedded database against kill -9 of either side, rivals, and users of several kinds."""

from __future__ import annotations

import json
import os
import pwd
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psycopg
import pytest

from etlplus.store.embedded.account import bare_environment
from tests.conformance.database import enterable_folder

SCRIPT = Path(__file__).with_name("owner.py")
PACKAGES = Path(__file__).parents[2] / "python"
#: Generous: machines that run tests are slow at times. Nothing waits this long unless it fails.
PATIENCE = 60.0
READY = "ready to accept connections"
IS_ROOT = os.geteuid() == 0


@dataclass
class Owner:
    """A process that owns, or wants to own, a database."""

    process: subprocess.Popen[str]
    facts: dict[str, Any]

    @property
    def words(self) -> IO[str]:
        """What it says."""
        assert self.process.stdout is not None
        return self.process.stdout

    @property
    def socket_folder(self) -> Path:
        """Where the server's socket is."""
        options = psycopg.conninfo.conninfo_to_dict(self.facts["metadata"])
        return Path(str(options["host"]))

    def kill(self) -> None:
        """Ends it without any chance to clean up."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self) -> None:
        """Asks it to stop."""
        self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0


class Site:
    """A data folder and the owners that a test starts on it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.system = folder / "system"
        self.owners: list[Owner] = []

    def move(self, path: Path) -> None:
        """Gives the data folder another path."""
        path.parent.mkdir(exist_ok=True)
        self.data = self.data.rename(path)

    def launch(self, wait_seconds: float = PATIENCE, before: Sequence[str] = ()) -> Owner:
        """Starts a process; it may still be waiting for ownership."""
        arguments = [str(self.data), str(self.system), str(wait_seconds)]
        process = subprocess.Popen(
            [*before, sys.executable, str(SCRIPT), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**bare_environment(), "PYTHONPATH": str(PACKAGES)},
        )
        owner = Owner(process, {})
        self.owners.append(owner)
        return owner

    def own(self, wait_seconds: float = PATIENCE, before: Sequence[str] = ()) -> Owner:
        """Starts a process and waits until its database is up."""
        return answered(self.launch(wait_seconds, before))


def answered(owner: Owner) -> Owner:
    """The owner, once it has said how it went."""
    owner.facts = json.loads(owner.words.readline())
    return owner


def ended(pid: int, patience: float = PATIENCE) -> bool:
    """Whether a process ends within the patience; it need not be a child."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], patience)[0])
    finally:
        os.close(handle)


def remember(owner: Owner, number: int) -> None:
    """Commits a row."""
    with psycopg.connect(owner.facts["warehouse"]) as connection:
        connection.execute("create table if not exists kept (number integer)")
        connection.execute("insert into kept values (%s)", (number,))


def remembered(owner: Owner) -> list[int]:
    """The committed rows."""
    with psycopg.connect(owner.facts["warehouse"]) as connection:
        rows = connection.execute("select number from kept order by number").fetchall()
    return [row[0] for row in rows]


@contextmanager
def fresh_site() -> Iterator[Site]:
    """A site without a database; all that is started there is ended after use."""
    with enterable_folder() as folder:
        made = Site(folder)
        try:
            yield made
        finally:
            for owner in made.owners:
                owner.kill()
                for stream in (owner.process.stdin, owner.process.stdout):
                    if stream is not None and not stream.closed:
                        stream.close()
                if "server" in owner.facts:
                    assert ended(owner.facts["server"])


@pytest.fixture
def fresh() -> Iterator[Site]:
    with fresh_site() as made:
        yield made


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """The data folder of a stopped database: copying it is faster than making it anew."""
    with fresh_site() as made:
        made.own().stop()
        yield made.data


@pytest.fixture
def site(template: Path) -> Iterator[Site]:
    with fresh_site() as made:
        subprocess.run(["cp", "-a", str(template), str(made.data)], check=True)
        yield made


def test_a_stopped_database_comes_back_with_its_rows(site: Site) -> None:
    first = site.own()
    remember(first, 1)
    first.stop()
    assert ended(first.facts["server"])
    second = site.own()
    assert remembered(second) == [1]


def test_the_server_dies_with_a_killed_owner_and_keeps_its_rows(site: Site) -> None:
    first = site.own()
    remember(first, 1)
    first.kill()
    assert ended(first.facts["server"])
    assert "shut down" in Path(first.facts["log"]).read_text()
    second = site.own()
    assert remembered(second) == [1]


def test_a_new_owner_need_not_wait_for_the_old_server_to_be_gone(site: Site) -> None:
    for number in range(5):
        owner = site.own()
        remember(owner, number)
        assert remembered(owner) == list(range(number + 1))
        owner.kill()


def test_a_killed_server_is_started_again_by_its_owner(site: Site) -> None:
    owner = site.own()
    remember(owner, 1)
    starts = Path(owner.facts["log"]).read_text().count(READY)
    os.kill(owner.facts["server"], signal.SIGKILL)
    wait_for_start(owner, starts + 1)
    assert remembered(owner) == [1]
    owner.stop()


def wait_for_start(owner: Owner, number: int) -> None:
    """Waits until the log says for the given time that the server takes connections."""
    command = ["tail", "-n", "+1", "-F", owner.facts["log"]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tail:
        assert tail.stdout is not None
        ready = (line for line in tail.stdout if READY in line)
        for _ in range(number):
            next(ready)
        tail.kill()


def test_both_killed_at_once_lose_nothing(site: Site) -> None:
    first = site.own()
    remember(first, 1)
    os.kill(first.facts["server"], signal.SIGKILL)
    first.kill()
    second = site.own()
    assert remembered(second) == [1]


def test_a_second_owner_waits_and_takes_over(site: Site) -> None:
    first = site.own()
    remember(first, 1)
    second = site.launch()
    assert not select.select([second.words], [], [], 0.5)[0]
    first.stop()
    assert remembered(answered(second)) == [1]


def test_a_second_owner_gives_up_with_the_first_ones_number(site: Site) -> None:
    first = site.own()
    second = site.own(wait_seconds=0.2)
    assert second.facts["code"] == "DATABASE_BUSY"
    assert str(first.facts["pid"]) in second.facts["message"]


def test_many_owners_at_once_on_a_fresh_folder_take_turns(fresh: Site) -> None:
    rivals = [fresh.launch() for _ in range(4)]
    waiting = {rival.words: rival for rival in rivals}
    for turn in range(4):
        (stream, *_), _, _ = select.select(list(waiting), [], [], PATIENCE)
        owner = answered(waiting.pop(stream))
        remember(owner, turn)
        assert remembered(owner) == list(range(turn + 1))
        owner.stop()


def test_a_stale_pid_file_of_another_process_is_no_obstacle(site: Site) -> None:
    first = site.own()
    remember(first, 1)
    first.stop()
    pid_file = next(site.data.glob("postgres/cluster")) / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{pid_file.parent}\n1\n5432\n\n\n\nready\n")
    owner_of_cluster = pid_file.parent.stat()
    os.chown(pid_file, owner_of_cluster.st_uid, owner_of_cluster.st_gid)
    second = site.own()
    assert remembered(second) == [1]


def test_the_server_listens_on_a_private_socket_alone(site: Site) -> None:
    owner = site.own()
    host = owner.socket_folder
    assert host.stat().st_mode & 0o777 == 0o700
    with psycopg.connect(owner.facts["metadata"]) as connection:
        assert setting(connection, "listen_addresses") == ""
        assert setting(connection, "fsync") == "on"
        assert setting(connection, "data_checksums") == "on"
        assert setting(connection, "is_superuser") == "off"


def setting(connection: psycopg.Connection, name: str) -> str:
    """A setting as the server has it."""
    row = connection.execute("select current_setting(%s)", (name,)).fetchone()
    assert row is not None
    return str(row[0])


def test_the_role_of_a_database_cannot_enter_the_other(site: Site) -> None:
    owner = site.own()
    crossed = psycopg.conninfo.make_conninfo(owner.facts["metadata"], user="warehouse")
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(crossed)


def test_a_long_path_gets_a_short_private_socket(site: Site) -> None:
    site.move(site.data.parent / ("d" * 60) / ("e" * 60))
    owner = site.own()
    remember(owner, 1)
    host = owner.socket_folder
    assert site.data not in host.parents
    assert host.stat().st_mode & 0o777 == 0o700
    owner.stop()
    assert not host.exists()


@pytest.mark.parametrize("name", ['it\'s "é" 50%', "a,b"])
def test_a_folder_may_have_any_name(site: Site, name: str) -> None:
    site.move(site.data.parent / name)
    owner = site.own()
    remember(owner, 1)
    assert remembered(owner) == [1]
    owner.stop()


def test_a_broken_off_start_leaves_nothing_that_counts(fresh: Site) -> None:
    part = fresh.data / "postgres" / "cluster.part"
    part.mkdir(parents=True)
    fresh.data.chmod(0o711)
    (part / "PG_VERSION").write_text("1\n")
    remember(fresh.own(), 1)
    assert not part.exists()


def test_a_data_folder_that_only_root_may_enter_is_left_as_it_is(fresh: Site) -> None:
    closed = fresh.data.parent / "closed"
    closed.mkdir(mode=0o700)
    fresh.data = closed / "data"
    owner = fresh.own()
    remember(owner, 1)
    owner.stop()
    assert closed.stat().st_mode & 0o777 == 0o700
    again = fresh.own()
    assert remembered(again) == [1]
    location = fresh.data / "postgres" / "location"
    assert location.exists() == IS_ROOT
    if IS_ROOT:
        assert fresh.system in Path(location.read_text().strip()).parents


def as_plain_user(person: pwd.struct_passwd) -> list[str]:
    """The words before a command that make root run it as a plain user.

    The interpreter may lie where only root can read; the one privilege that is kept reads it.
    """
    if not IS_ROOT:
        return []
    identity = [f"--reuid={person.pw_uid}", f"--regid={person.pw_gid}", "--clear-groups"]
    reading = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    return ["setpriv", *identity, *reading]


def test_a_plain_user_runs_a_database_of_their_own(fresh: Site) -> None:
    person = pwd.getpwnam("nobody") if IS_ROOT else pwd.getpwuid(os.geteuid())
    fresh.data.mkdir()
    os.chown(fresh.data, person.pw_uid, person.pw_gid)
    first = fresh.own(before=as_plain_user(person))
    cluster = fresh.data / "postgres" / "cluster"
    assert cluster.stat().st_uid == person.pw_uid
    remember(first, 1)
    first.kill()
    assert ended(first.facts["server"])
    # Root finds a database that belongs to somebody, and keeps it theirs.
    second = fresh.own()
    assert remembered(second) == [1]
    assert cluster.stat().st_uid == person.pw_uid
