"""The Rust core knows nothing of Python; its bindings are the only crate that does."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.tree import ROOT

BINDINGS = "etlplus_core"
ENGINE = "etlplus_engine"
PYTHON_CRATES = {"pyo3", "pyo3-ffi", "pyo3-arrow", "numpy"}


@pytest.fixture(scope="module")
def metadata() -> dict[str, Any]:
    command = ["cargo", "metadata", "--locked", "--format-version=1"]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found: dict[str, Any] = json.loads(output)
    return found


def reachable(metadata: dict[str, Any], crate: str) -> set[str]:
    """Return the names of all crates that `crate` is built from, itself left out."""
    names = {package["id"]: package["name"] for package in metadata["packages"]}
    edges = {node["id"]: node["dependencies"] for node in metadata["resolve"]["nodes"]}
    waiting = [key for key, name in names.items() if name == crate]
    seen: set[str] = set()
    while waiting:
        for dependency in edges[waiting.pop()]:
            if dependency not in seen:
                seen.add(dependency)
                waiting.append(dependency)
    return {names[key] for key in seen}


def test_only_the_bindings_name_python(metadata: dict[str, Any]) -> None:
    members = set(metadata["workspace_members"])
    users = {
        package["name"]
        for package in metadata["packages"]
        if package["id"] in members
        and any(dependency["name"] in PYTHON_CRATES for dependency in package["dependencies"])
    }
    assert users == {BINDINGS}


def test_the_engine_is_built_without_python(metadata: dict[str, Any]) -> None:
    assert "datafusion" in reachable(metadata, ENGINE)
    assert not reachable(metadata, ENGINE) & PYTHON_CRATES
    assert "pyo3" in reachable(metadata, BINDINGS)


def test_each_crate_takes_the_lints_of_the_workspace(metadata: dict[str, Any]) -> None:
    members = set(metadata["workspace_members"])
    manifests = [p["manifest_path"] for p in metadata["packages"] if p["id"] in members]
    assert len(manifests) == 3
    for manifest in manifests:
        assert "[lints]\nworkspace = true" in Path(manifest).read_text(encoding="utf-8"), manifest


def test_one_version_of_arrow_and_datafusion(metadata: dict[str, Any]) -> None:
    for name in ("arrow-array", "arrow-schema", "datafusion", "pyo3"):
        versions = {p["version"] for p in metadata["packages"] if p["name"] == name}
        assert len(versions) == 1, f"{name}: {versions}"
