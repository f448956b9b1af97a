"""What may not be written anywhere, because it hides something or means nothing."""

from __future__ import annotations

import ast
import re
from pathlib import Path, PurePosixPath

import pytest

from tests.architecture.tree import ROOT, files, sources, text

MEANINGLESS = {"util", "utils", "common", "helper", "helpers", "manager", "base", "misc", "shared"}
LOCKS = [
    name
    for name in files()
    if (name.startswith("requirements/") and name.endswith(".txt"))
    or name.endswith(("package-lock.json", "uv.lock"))
]
# Put together here so that this file does not find itself.
UNFINISHED = re.compile(
    "|".join(["TO" + "DO", "FIX" + "ME", r"pytest\.(mark\.)?" + "(skip|xfail)"])
)
IGNORED_RUST_TEST = "#[" + "ignore"
MACHINE_PATH = re.compile(r"/(?:home|Users)/[a-z]\w*/|/(?:root)/")


@pytest.mark.parametrize("name", sources(".py", ".rs", ".sql", ".sh"))
def test_a_name_says_what_a_file_knows(name: str) -> None:
    words = {PurePosixPath(part).stem for part in PurePosixPath(name).parts}
    assert not words & MEANINGLESS


@pytest.mark.parametrize("name", sources(".py", ".rs", ".sql", ".sh", "Makefile", ".ci/run"))
def test_nothing_is_left_for_later(name: str) -> None:
    assert not UNFINISHED.search(text(name))
    assert IGNORED_RUST_TEST not in text(name)


@pytest.mark.parametrize("name", sources(".py"))
def test_no_error_is_swallowed(name: str) -> None:
    for node in ast.walk(ast.parse(text(name))):
        if isinstance(node, ast.ExceptHandler):
            silent = all(isinstance(statement, ast.Pass) for statement in node.body)
            broad = node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"}
            assert not (silent and broad), f"{name}:{node.lineno}"


@pytest.mark.parametrize("name", [name for name in sources(".py") if "/test_" in name])
def test_a_test_can_fail(name: str) -> None:
    for node in ast.walk(ast.parse(text(name))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if not node.name.startswith("test"):
                continue
            words = ast.dump(node)
            judges = ("Assert(", "raises", "assert", "check", "expect")
            assert any(word in words for word in judges), f"{name}:{node.lineno} {node.name}"


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_holds_no_address(name: str) -> None:
    assert not re.search(r"https?://|--(?:extra-)?index-url|--find-links", text(name))


@pytest.mark.parametrize("name", [name for name in LOCKS if name.endswith(".txt")])
def test_a_lock_file_pins_and_hashes_everything(name: str) -> None:
    packages = text(name).replace("\\\n", " ").splitlines()
    assert packages
    for package in packages:
        assert re.match(r"[a-z0-9._-]+(?:\[[a-z,]+\])?==\S+", package), package
        assert "--hash=sha256:" in package, package


@pytest.mark.parametrize("name", files())
def test_no_path_of_a_machine_is_written_down(name: str) -> None:
    content = text(name)
    assert not MACHINE_PATH.search(content)
    assert f"{Path.home()}/" not in content
    assert f"{ROOT}/" not in content
