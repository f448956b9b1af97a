"""Renaming staged files: once, whole, and nothing of others is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from etlplus.connectors.files import FilePublisher
from etlplus.domain.errors import EtlError
from etlplus.domain.run import Books, Load, StagedFile, StagedSink

LOAD = Load("0" * 32, epoch=1, job="job", pipeline="p", version=1)
PUBLISHER = FilePublisher()


def staged(folder: Path, name: str = "out.csv", *, replaces: bool = False) -> StagedSink:
    path = folder / f".{name}.etlplus-{LOAD.load_id}-1.tmp"
    path.write_bytes(b"abc")
    return StagedSink(
        name="out",
        kind="csv",
        mode="replace",
        rows=1,
        bytes=3,
        checksum="0" * 16,
        books=Books(read=1, loaded=1),
        target=str(folder / name),
        files=(StagedFile(str(path), str(folder / name), rows=1, bytes=3),),
        folder=str(folder) if replaces else "",
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_staged_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_bytes(b"old")
    published = PUBLISHER.publish(staged(tmp_path), LOAD, None)
    assert (tmp_path / "out.csv").read_bytes() == b"abc"
    assert names(tmp_path) == ["out.csv"]
    assert published.target == str(tmp_path / "out.csv")


def test_publishing_again_does_no_harm(tmp_path: Path) -> None:
    sink = staged(tmp_path)
    first = PUBLISHER.publish(sink, LOAD, None)
    assert PUBLISHER.publish(sink, LOAD, None) == first
    assert names(tmp_path) == ["out.csv"]


def test_replacing_a_folder_leaves_only_files_that_are_not_ours(tmp_path: Path) -> None:
    part = f"part-{LOAD.load_id}-out-0000.csv"
    others = [f"part-{'1' * 32}-out-0000.parquet", "notes.csv", "part-x.csv"]
    for name in [f"part-{'1' * 32}-out-0000.csv", *others]:
        (tmp_path / name).touch()
    PUBLISHER.publish(staged(tmp_path, part, replaces=True), LOAD, None)
    assert names(tmp_path) == sorted([part, *others])


def test_appending_to_a_folder_keeps_earlier_loads(tmp_path: Path) -> None:
    earlier = f"part-{'1' * 32}-out-0000.csv"
    (tmp_path / earlier).touch()
    part = f"part-{LOAD.load_id}-out-0000.csv"
    PUBLISHER.publish(staged(tmp_path, part), LOAD, None)
    assert names(tmp_path) == sorted([earlier, part])


@pytest.mark.parametrize("content", [None, b"ab"])
def test_a_file_that_was_cut_or_is_gone_is_noticed(tmp_path: Path, content: bytes | None) -> None:
    (tmp_path / "out.csv").write_bytes(b"older")
    sink = staged(tmp_path)
    path = Path(sink.files[0].staged_path)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EtlError) as mismatch:
        PUBLISHER.publish(sink, LOAD, None)
    assert mismatch.value.code == "STAGING_MISMATCH"
    assert (tmp_path / "out.csv").read_bytes() == b"older"


def test_a_target_that_became_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(EtlError) as refused:
        PUBLISHER.publish(staged(tmp_path), LOAD, None)
    assert refused.value.code == "SINK_UNWRITABLE"
    assert str(tmp_path / "out.csv") in refused.value.message


def test_what_is_not_published_is_removed(tmp_path: Path) -> None:
    PUBLISHER.discard(LOAD, None, [staged(tmp_path)])
    PUBLISHER.discard(LOAD, None, [])
    assert names(tmp_path) == []
    assert PUBLISHER.leftovers(None) == ()
