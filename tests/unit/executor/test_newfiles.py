"""Which files are new, and what becomes of those that cannot be told apart."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from etlplus.domain.errors import Cancelled, EtlError, RunError
from etlplus.domain.job import Lease
from etlplus.domain.newfiles import FilesPosition, FilesSource, FilesWindow
from etlplus.executor.arrivals.contents import Contents
from etlplus.executor.journal import Journal
from etlplus.executor.newfiles import NewFiles
from etlplus.executor.stopping import Reason, Switch
from etlplus.executor.threads import Threads
from etlplus.store.memory.stores import MemoryStores
from tests.unit.executor.twins import Target, make_parts, submit


class Bench:
    """A folder, and looks at it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stores = MemoryStores()
        self.parts = make_parts(folder, self.stores, Target())
        self.switch = Switch()

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    async def look(self, uri: str = "*.csv") -> FilesWindow:
        job = await submit(self.stores)
        journal = Journal(self.stores.events, Lease(job.uid, 0))
        files = NewFiles(self.parts, Threads(1, "test-files"), job, journal, self.switch)
        return await files.look(FilesSource("files", uri), FilesPosition(5, "/before"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_each_content_comes_once_in_the_order_of_paths(bench: Bench) -> None:
    first, second = bench.write("b.csv", "1"), bench.write("c.csv", "2")
    bench.write("d.csv", "1")
    bench.write("d.txt", "3")
    window = await bench.look()
    assert [Path(file.path) for file in window.files] == [first, second]
    found = second.stat()
    assert (window.files[1].size, window.files[1].modified_ns) == (1, found.st_mtime_ns)
    assert window.reached == FilesPosition(7, str(second))
    assert str(window) == f"2 new files: {first}, {second}"


async def test_nothing_new_leaves_the_position_as_it_was(bench: Bench) -> None:
    window = await bench.look()
    assert (window.files, window.reached) == ((), FilesPosition(5, "/before"))


async def test_many_files_are_told_in_short(bench: Bench) -> None:
    for number in range(5):
        bench.write(f"{number}.csv", str(number))
    assert str(await bench.look()).endswith("1.csv and 3 more")


async def test_a_file_that_is_being_written_to_is_left_to_the_next_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, growing = bench.write("a.csv", "1"), bench.write("b.csv", "2")
    identify = Contents.identify

    def meanwhile(self: Contents, path: Path, *how: object) -> object:
        if path == growing:
            growing.write_text("2 and more")
        return identify(self, path, *how)  # type: ignore[arg-type]

    monkeypatch.setattr(Contents, "identify", meanwhile)
    assert [Path(file.path) for file in (await bench.look()).files] == [whole]


async def test_what_cannot_be_read_is_named(bench: Bench) -> None:
    bench.write("a.csv", "1")
    (bench.folder / "link.csv").symlink_to(bench.folder / "a.csv")
    (bench.folder / os.fsdecode(b"\xff.csv")).write_text("2")
    with pytest.raises(RunError) as caught:
        await bench.look()
    assert (caught.value.code, caught.value.place) == ("SOURCE_UNREADABLE", "files")
    assert "its name is not text" in caught.value.message


async def test_a_link_that_leads_outside_is_refused(bench: Bench) -> None:
    (bench.folder / "out.csv").symlink_to("/etc/hostname")
    with pytest.raises(EtlError) as caught:
        await bench.look()
    assert caught.value.code == "PATH_REFUSED"


async def test_a_run_that_is_to_stop_reads_no_further(bench: Bench) -> None:
    bench.write("a.csv", "1")
    bench.switch.throw(Reason.CANCEL)
    with pytest.raises(Cancelled):
        await bench.look()
