"""Every promise of `docs/guarantees.md` names a test, and the test is there."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.architecture.tree import ROOT, text

PAGE = "docs/guarantees.md"
#: One page, so that people read it.
LONGEST = 120
PROOF = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
PROMISES = re.findall(r"^- (?:.+\n(?:  .+\n)*)", text(PAGE), re.MULTILINE)


@cache
def functions(path: str) -> frozenset[str]:
    """Names of the tests of a file, as pytest collects them; none for a file that is not there."""
    if not (ROOT / path).is_file():
        return frozenset()
    body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    found = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in body if isinstance(node, found))


def missing(promise: str) -> list[str]:
    """What a promise names that is no test."""
    return [
        f"{path}::{name}"
        for path, name in PROOF.findall(promise)
        if not name.startswith("test_") or name not in functions(path)
    ]


def test_the_page_is_one_page_of_promises() -> None:
    lines = text(PAGE).splitlines()
    assert len(lines) <= LONGEST
    assert len(PROMISES) == sum(line.startswith("- ") for line in lines) > 0
    assert sum(len(PROOF.findall(promise)) for promise in PROMISES) == text(PAGE).count("::")


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise[2:40])
def test_each_promise_names_tests_that_are_there(promise: str) -> None:
    assert PROOF.findall(promise), f"{PAGE} does not say what proves: {promise}"
    assert missing(promise) == []


def test_a_test_that_is_not_there_is_found() -> None:
    here = "tests/architecture/test_guarantees.py"
    assert missing(f"`{here}::test_a_test_that_is_not_there_is_found`") == []
    assert missing(f"`{here}::missing`") == [f"{here}::missing"]
    assert missing(f"`{here}::test_gone`") == [f"{here}::test_gone"]
    assert missing("`tests/gone.py::test_a`") == ["tests/gone.py::test_a"]
