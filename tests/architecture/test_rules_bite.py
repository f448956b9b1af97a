"""The rules that `make check` applies refuse what they are there to refuse."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

BIN = Path(sys.executable).parent
ROOMS = (
    *("cli", "bootstrap", "rpc", "http", "executor", "store", "connectors", "engine", "language"),
    *("client", "settings", "logs", "app", "domain", "v1", "store/memory"),
)

FORBIDDEN_IMPORTS = {
    "an edge imports an edge": ("rpc", "import etlplus.store"),
    "a use case imports an edge": ("app", "import etlplus.executor"),
    "a value imports a use case": ("domain", "import etlplus.app"),
    "a use case imports the contract": ("app", "import etlplus.v1"),
    "an edge imports the bootstrap": ("store", "import etlplus.bootstrap"),
    "the HTTP edge imports the gRPC edge": ("http", "import etlplus.rpc"),
    "a use case speaks HTTP": ("app", "import starlette"),
    "the store speaks gRPC": ("store", "import grpc"),
    "a store in memory speaks SQL": ("store/memory", "import psycopg"),
    "the gRPC edge speaks SQL": ("rpc", "import psycopg"),
    "the contract imports a room": ("v1", "import etlplus.domain"),
}

FORBIDDEN_CODE = {
    "TID251": "from etlplus import _core\n",
    "ANN201": "def answer():\n    return 42\n",
    "BLE001": "try:\n    print()\nexcept Exception:\n    raise SystemExit(1)\n",
    "S608": "def query(name: str) -> str:\n    return f'select 1 from {name}'\n",
    "D103": "def answer() -> int:\n    return 42\n",
    "T201": "print()\n",
}


def make_package(folder: Path) -> Path:
    """Write an empty package with the rooms of this one and return its folder."""
    package = folder / "etlplus"
    for room in ROOMS:
        (package / room).mkdir(parents=True)
        (package / room / "__init__.py").touch()
    (package / "__init__.py").touch()
    shutil.copy(ROOT / ".importlinter", folder)
    return package


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "lint-imports", "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_import_rules_accept_rooms_that_keep_to_themselves(tmp_path: Path) -> None:
    make_package(tmp_path)
    result = lint_imports(tmp_path)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("name", FORBIDDEN_IMPORTS)
def test_the_import_rules_refuse(name: str, tmp_path: Path) -> None:
    room, line = FORBIDDEN_IMPORTS[name]
    package = make_package(tmp_path)
    (package / room / "__init__.py").write_text(f"{line}\n")
    result = lint_imports(tmp_path)
    assert result.returncode == 1
    assert "BROKEN" in result.stdout


def test_the_import_rules_refuse_a_room_nobody_placed(tmp_path: Path) -> None:
    package = make_package(tmp_path)
    (package / "attic").mkdir()
    (package / "attic" / "__init__.py").touch()
    assert lint_imports(tmp_path).returncode != 0


@pytest.mark.parametrize("rule", FORBIDDEN_CODE)
def test_the_linter_refuses(rule: str) -> None:
    result = subprocess.run(
        [BIN / "ruff", "check", "--no-cache", "--stdin-filename=python/etlplus/app/sample.py", "-"],
        cwd=ROOT,
        input=FORBIDDEN_CODE[rule],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert rule in result.stdout


def test_the_type_checker_refuses_what_is_not_typed(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text("def answer(x): return x")
    result = subprocess.run(
        [BIN / "mypy", f"--cache-dir={tmp_path}", sample],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "no-untyped-def" in result.stdout
