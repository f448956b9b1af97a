"""Finding files, waiting until they have settled, telling contents apart."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from etlplus.domain.errors import InvalidInput, RunError
from etlplus.executor.arrivals.contents import Contents, Stamp, stamp
from etlplus.executor.arrivals.listing import find, place_of
from etlplus.executor.arrivals.settling import Settling


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for name in (
        "a.csv", "b.csv", "é.csv", "a.txt", "[x].csv", ".hidden.csv", ".tmp/t.csv",
        "sub/c.csv", "sub/deep/d.csv", "other/c.csv",
    ):  # fmt: skip
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def names(root: Path, uri: str) -> list[str]:
    place = place_of(uri, [root])
    return sorted(str(path.relative_to(root)) for path in find(place) if place.is_inside(path))


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("a.csv", ["a.csv"]),
        ("./sub/../a.csv", ["a.csv"]),
        ("nowhere.csv", []),
        ("nowhere/*.csv", []),
        ("*.csv", ["[x].csv", "a.csv", "b.csv", "é.csv"]),
        ("?.csv", ["a.csv", "b.csv", "é.csv"]),
        ("[x].*", ["[x].csv"]),
        ("*a*.*s*v", ["a.csv"]),
        (".hidden.*", []),
        (".hidden.csv", [".hidden.csv"]),
        ("sub", ["sub/c.csv"]),
        ("sub/", ["sub/c.csv"]),
        ("*/c.csv", ["other/c.csv", "sub/c.csv"]),
        ("sub/**", ["sub/c.csv", "sub/deep/d.csv"]),
        ("**/d.csv", ["sub/deep/d.csv"]),
        ("**/deep/*.csv", ["sub/deep/d.csv"]),
    ],
)
def test_patterns_find_what_the_engine_reads(tree: Path, uri: str, found: list[str]) -> None:
    assert names(tree, uri) == found
    assert names(tree, f"file://{tree}/{uri}") == found


def test_what_is_deep_is_known(tree: Path) -> None:
    deep = {uri: place_of(uri, [tree]).is_deep for uri in ("*.csv", "sub/*", "*/c.csv", "**", "a")}
    assert deep == {"*.csv": False, "sub/*": False, "*/c.csv": True, "**": True, "a": False}
    assert place_of("sub/*/x", [tree]).folder == tree / "sub"


def test_nothing_outside_the_roots_is_touched(tree: Path) -> None:
    outside = tree.parent / "secret.csv"
    outside.write_text("s")
    (tree / "link.csv").symlink_to(outside)
    (tree / "loop").symlink_to(tree)
    (tree / "again.csv").symlink_to("a.csv")
    assert "link.csv" not in names(tree, "*.csv")
    place = place_of("*.csv", [tree])
    assert sorted(path for path in find(place) if not place.is_inside(path)) == [outside]
    assert names(tree, "again.csv") == ["a.csv"]
    assert names(tree, "**/d.csv") == ["sub/deep/d.csv"]
    for uri in ("../secret.csv", str(outside), "/etc/*", "//etc/passwd"):
        with pytest.raises(RunError) as refused:
            place_of(uri, [tree])
        assert refused.value.code == "PATH_REFUSED"
    for uri in ("https://x.example/a.csv", "", "a\0b"):
        with pytest.raises(InvalidInput):
            place_of(uri, [tree])
    with pytest.raises(RunError):
        place_of("a.csv", [])


def test_a_pattern_that_invites_going_back_is_quick(tree: Path) -> None:
    (tree / ("a" * 250)).write_text("x")
    started = time.process_time()
    assert names(tree, "*a" * 25 + "*b") == []
    assert time.process_time() - started < 5


def test_contents_are_the_same_whatever_a_file_is_called(tree: Path) -> None:
    (tree / "copy.csv").write_text("a.csv")
    contents = Contents()
    found = {}
    for name in ("a.csv", "copy.csv", "b.csv"):
        expected = stamp(tree / name)
        assert expected is not None
        file = contents.identify(tree / name, expected)
        assert file is not None
        assert (file.path, file.size) == (str(tree / name), 5)
        found[name] = file.content
    assert found["a.csv"] == found["copy.csv"] != found["b.csv"]
    assert found["a.csv"].startswith("5-")


def test_an_unchanged_file_is_read_once(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tree / "a.csv"
    contents = Contents(remembered=1)
    expected = stamp(path)
    assert expected is not None
    first = contents.identify(path, expected)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the file was read again")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refuse)
        assert contents.identify(path, expected) == first
    other = stamp(tree / "b.csv")
    assert other is not None
    assert contents.identify(tree / "b.csv", other) is not None
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(AssertionError):
        contents.identify(path, expected)


def test_a_file_that_is_not_what_was_found_has_no_content(tree: Path) -> None:
    path = tree / "a.csv"
    expected = stamp(path)
    assert expected is not None
    os.utime(path, ns=(1, 1))
    assert Contents().identify(path, expected) is None
    changed = stamp(path)
    assert changed is not None
    assert Contents().identify(path, changed, stop=lambda: True) is None
    (tree / "new").write_text("a.csv")
    os.utime(tree / "new", ns=(1, 1))

    def replaced() -> bool:
        (tree / "new").replace(path)
        return False

    assert Contents().identify(path, changed, stop=replaced) is None
    path.unlink()
    assert stamp(path) is None
    assert Contents().identify(path, changed) is None


def test_a_file_settles_when_it_has_stayed_as_it_is() -> None:
    first, second = Stamp((1, 1), 5, 100), Stamp((1, 1), 6, 101)
    path, other = Path("/a"), Path("/b")
    settling = Settling()
    assert settling.look([(path, first)], 0, 10) == ([], [10])
    assert settling.look([(path, first), (other, first)], 9, 10) == ([], [1, 10])
    assert settling.look([(path, second), (other, first)], 12, 10) == ([], [10, 7])
    assert settling.look([(path, second), (other, first)], 19, 10) == ([(other, first)], [3])
    assert settling.look([(path, second)], 22, 10) == ([(path, second)], [])
    # What was away in between starts anew.
    assert settling.look([(path, second), (other, first)], 23, 10) == ([(path, second)], [10])
    assert Settling().look([(path, first)], 0, 0) == ([(path, first)], [])
