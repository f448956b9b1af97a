"""Sizes: how they are read, and which memory no run can keep to."""

from __future__ import annotations

import pytest

from etlplus.language import codes, parse
from etlplus.language.sizes import LEAST_MEMORY, size
from tests.unit.language.definitions import definition, sound


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("4096", 4096),
        ("17B", 17),
        ("64 MB", 64_000_000),
        ("8MiB", LEAST_MEMORY),
        ("1Gi", 1 << 30),
        ("2K", 2000),
        ("0", 0),
        ("much", None),
        ("1.5GiB", None),
    ],
)
def test_a_size_is_read(text: str, expected: int | None) -> None:
    assert size(text) == expected


@pytest.mark.parametrize("memory", ["1KiB", "0", "8MB", "8388607"])
def test_less_memory_than_any_run_needs_is_refused(memory: str) -> None:
    problems = parse(definition(limits=f"{{memory: {memory}}}")).problems
    assert [problem.code for problem in problems] == [codes.LIMIT]
    assert problems[0].path == "limits.memory"
    assert "8MiB" in problems[0].hint


def test_enough_memory_is_taken() -> None:
    assert sound(definition(limits="{memory: 8MiB}"))
