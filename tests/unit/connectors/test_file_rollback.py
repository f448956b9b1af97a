"""Rolling back files: what was there before is there again, wherever it was cut off."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from etlplus.connectors import fileback, former
from etlplus.connectors.fileback import FilesRollback
from etlplus.connectors.files import FilePublisher
from etlplus.domain.errors import EtlError
from etlplus.domain.fileload import FileLoad
from etlplus.domain.run import Books, Load, StagedFile, StagedSink

PUBLISHER = FilePublisher()
ROLLBACK = FilesRollback()


class Folder:
    """Loads into files of a folder, and their rollbacks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._number = 0

    def staged(
        self, content: str, how: str = "file", number: int | None = None
    ) -> tuple[StagedSink, Load]:
        """What a load staged: `file` replaces out.csv, `append` and `replace` are of a folder."""
        if number is None:
            self._number += 1
            number = self._number
        load_id = f"{number:032x}"
        name = "out.csv" if how == "file" else f"part-{load_id}-out-0000.csv"
        path = self.path / f".{name}.etlplus-{load_id}-1.tmp"
        path.write_text(content, encoding="utf-8")
        size = path.stat().st_size
        sink = StagedSink(
            name="out",
            kind="csv",
            mode="append" if how == "append" else "replace",
            rows=1,
            bytes=size,
            checksum="0" * 16,
            books=Books(read=1, loaded=1),
            target=str(self.path / "out.csv" if how == "file" else self.path),
            files=(StagedFile(str(path), str(self.path / name), rows=1, bytes=size),),
            folder=str(self.path) if how == "replace" else "",
        )
        return sink, Load(load_id, 1, "job", "p", 1, keep=2)

    def load(self, content: str, how: str = "file", number: int | None = None) -> FileLoad:
        """A published load, as the service's ledger has it."""
        return self.publish(*self.staged(content, how, number))

    def publish(self, sink: StagedSink, load: Load) -> FileLoad:
        published = PUBLISHER.publish(sink, load, None)
        files = tuple(file.final_path for file in sink.files)
        return FileLoad(
            load.load_id,
            sink.name,
            sink.kind,
            published.target,
            sink.mode,
            published.books,
            published.checksum,
            files,
            undo=published.undo,
        )

    def seen(self) -> dict[str, str]:
        """What readers see."""
        return {
            path.name: path.read_text(encoding="utf-8")
            for path in self.path.iterdir()
            if not path.name.startswith(".")
        }

    def hidden(self) -> list[str]:
        return sorted(path.name for path in self.path.iterdir() if path.name.startswith("."))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def refused(load: FileLoad) -> str:
    with pytest.raises(EtlError) as failed:
        ROLLBACK.roll_back(load)
    return failed.value.code


HOWS = ("file", "append", "replace")


def before(folder: Folder, how: str) -> dict[str, str]:
    """Something that a load of this kind finds."""
    (folder.path / "notes.txt").write_text("others'", encoding="utf-8")
    if how == "file":
        folder.load("old")
    else:
        folder.load("one", "append")
        folder.load("two", "append")
    return folder.seen()


@pytest.mark.parametrize("how", HOWS)
def test_before_and_after_are_the_same(folder: Folder, how: str) -> None:
    seen = before(folder, how)
    load = folder.load("new", how)
    assert folder.seen() != seen
    assert ROLLBACK.check(load) == {"file": 3, "append": 0, "replace": 6}[how]
    ROLLBACK.roll_back(load)
    assert folder.seen() == seen
    ROLLBACK.roll_back(load)
    ROLLBACK.forget(load)
    assert folder.seen() == seen


@pytest.mark.parametrize("how", HOWS)
def test_the_first_load_leaves_nothing(folder: Folder, how: str) -> None:
    load = folder.load("new", how)
    ROLLBACK.roll_back(load)
    ROLLBACK.forget(load)
    assert folder.seen() == {}
    assert folder.hidden() == []


def test_generations_go_back_one_after_the_other(folder: Folder) -> None:
    loads = [folder.load(f"n{number}") for number in range(4)]
    for number in (3, 2):
        ROLLBACK.roll_back(loads[number])
        ROLLBACK.forget(loads[number])
        assert folder.seen() == {"out.csv": f"n{number - 1}"}
    assert refused(loads[1]) == "ROLLBACK_UNAVAILABLE"


def test_nothing_is_kept_where_nothing_is_to_be(folder: Folder) -> None:
    folder.load("old")
    sink, load = folder.staged("new")
    done = folder.publish(sink, Load(load.load_id, 1, "job", "p", 1, keep=0))
    assert refused(done) == "ROLLBACK_UNAVAILABLE"
    assert folder.seen() == {"out.csv": "new"}


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("change", ["written", "gone"])
def test_a_file_that_others_changed_is_noticed(folder: Folder, how: str, change: str) -> None:
    before(folder, how)
    load = folder.load("new", how)
    path = Path(load.files[0])
    if change == "gone":
        path.unlink()
    else:
        path.write_text("other", encoding="utf-8")
    seen = folder.seen()
    assert refused(load) == "ROLLBACK_CONFLICT"
    assert folder.seen() == seen


def test_a_second_attempt_does_not_take_the_first_for_what_was_there(folder: Folder) -> None:
    for seen in ({}, {"out.csv": "old"}):
        if seen:
            folder.load("old")
        sink, load = folder.staged("new", number=99)
        folder.publish(sink, load)
        again, _ = folder.staged("new", number=99)
        done = folder.publish(again, load)
        ROLLBACK.roll_back(done)
        ROLLBACK.forget(done)
        assert folder.seen() == seen


def test_a_load_between_two_attempts_is_what_was_there(folder: Folder) -> None:
    folder.load("old")
    folder.load("new", number=99)
    folder.load("between")
    done = folder.load("new", number=99)
    ROLLBACK.roll_back(done)
    assert folder.seen() == {"out.csv": "between"}


def test_a_folder_that_others_replaced_between_two_attempts_is_not_guessed(folder: Folder) -> None:
    folder.load("old", "append")
    folder.load("new", "replace", number=99)
    folder.load("between", "replace")
    done = folder.load("new", "replace", number=99)
    assert refused(done) == "ROLLBACK_UNAVAILABLE"


class Cut(BaseException):
    """The process ends here."""


@contextlib.contextmanager
def cut_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> Iterator[list[str]]:
    """Ends whatever changes files after so many changes."""
    done: list[str] = []

    def counting(name: str, real: object) -> object:
        def call(*args: object, **kwargs: object) -> object:
            if len(done) >= steps:
                raise Cut
            done.append(name)
            return real(*args, **kwargs)  # type: ignore[operator]

        return call

    with monkeypatch.context() as patch:
        for owner, name in ((Path, "replace"), (Path, "unlink"), (os, "link"), (os, "fsync")):
            patch.setattr(owner, name, counting(name, getattr(owner, name)))
        yield done


@pytest.mark.parametrize("how", HOWS)
def test_a_rollback_that_is_cut_off_anywhere_ends_when_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    steps = 0
    while True:
        path = tmp_path / str(steps)
        path.mkdir()
        folder = Folder(path)
        seen = before(folder, how)
        load = folder.load("new", how)
        with cut_after(monkeypatch, steps):
            try:
                ROLLBACK.roll_back(load)
            except Cut:
                is_cut = True
            else:
                is_cut = False
        ROLLBACK.roll_back(load)
        ROLLBACK.forget(load)
        assert folder.seen() == seen, f"cut after {steps} steps"
        if not is_cut:
            break
        steps += 1
    assert steps > 4


@pytest.mark.parametrize("how", ["file", "replace"])
def test_a_publish_that_is_cut_off_anywhere_can_be_repeated_and_rolled_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    steps = 0
    while True:
        path = tmp_path / str(steps)
        path.mkdir()
        folder = Folder(path)
        seen = before(folder, how)
        sink, load = folder.staged("new", how, number=99)
        with cut_after(monkeypatch, steps):
            try:
                folder.publish(sink, load)
            except Cut:
                is_cut = True
            else:
                is_cut = False
        again, _ = folder.staged("new", how, number=99)
        done = folder.publish(again, load)
        assert "new" in folder.seen().values()
        ROLLBACK.roll_back(done)
        ROLLBACK.forget(done)
        assert folder.seen() == seen, f"cut after {steps} steps"
        if not is_cut:
            break
        steps += 1
    assert steps > 6


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.unit.connectors.test_file_rollback import ROLLBACK, Folder, before
folder, steps = Folder(Path(sys.argv[1])), int(sys.argv[2])
before(folder, "replace")
load = folder.load("new", "replace", number=99)
real, done = os.fsync, []
def fsync(descriptor):
    real(descriptor)
    done.append(descriptor)
    if len(done) == steps:
        os.kill(os.getpid(), signal.SIGKILL)
os.fsync = fsync
ROLLBACK.roll_back(load)
"""


@pytest.mark.parametrize("steps", [1, 4, 5])
def test_a_killed_rollback_ends_when_repeated(tmp_path: Path, steps: int) -> None:
    killed = tmp_path / "killed"
    killed.mkdir()
    work = [sys.executable, "-c", KILLED, str(killed), str(steps)]
    child = subprocess.run(work, check=False, cwd=Path(__file__).parents[3])
    assert child.returncode == -signal.SIGKILL
    folder = Folder(killed)
    part = f"part-{99:032x}-out-0000.csv"
    manifest = former.Generation(killed, f"{99:032x}", "out").read()
    assert manifest is not None
    stamps = {str(killed / part): manifest.own[part][-1]}
    load = FileLoad(
        load_id=f"{99:032x}",
        sink="out",
        kind="csv",
        target=str(killed),
        mode="replace",
        books=Books(read=1, loaded=1),
        checksum="0" * 16,
        files=(str(killed / part),),
        undo={"kind": fileback.REPLACED, "stamps": stamps},
    )
    ROLLBACK.roll_back(load)
    ROLLBACK.forget(load)
    assert sorted(folder.seen().values()) == ["one", "others'", "two"]
