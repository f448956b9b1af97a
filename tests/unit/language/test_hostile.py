"""No text does harm: it is read, or refused with a place, in bounded time and memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etlplus.language import codes, parse
from etlplus.language.findings import MAX_PROBLEMS
from etlplus.language.nodes import MAX_BYTES, MAX_DEPTH
from tests.unit.language.definitions import definition

PIECES = st.sampled_from(
    ["api", "name", "sources", "steps", "sinks", "csv", "map", "tests", ": ", "\n", "  ", "- ", "{",
     "}", "[", "]", ",", "&a ", "*a", "!!x ", "|\n", "'", '"', "#", "? ", "---\n", "\t", "${", "{{",
     "}}", "x", "1", "null", "%YAML 1.1\n", "é", "\u2028", "\\ud83d"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=60).map("".join))
def test_any_text_is_answered(text: str) -> None:
    parsed = parse(text)
    assert parsed.spec is not None or parsed.problems


@given(st.text(max_size=200))
def test_any_characters_are_answered(text: str) -> None:
    assert parse(text).problems


@given(st.binary(max_size=200))
def test_a_sound_definition_with_any_tail_is_answered(tail: bytes) -> None:
    parsed = parse(definition() + "\n" + tail.decode("latin-1"))
    assert parsed.spec is not None or parsed.problems


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 500_000, codes.TOO_DEEP),
        ("{a: " * 200_000, codes.TOO_DEEP),
        ("- " * 400_000, codes.TOO_DEEP),
        ("? " * 400_000, codes.TOO_DEEP),
        ("a: [" + "x," * 400_000 + "]", codes.TOO_MANY_NODES),
        ("\n".join(f"k{n}: 1" for n in range(60_000)), codes.TOO_MANY_NODES),
        ("x" * (MAX_BYTES + 1), codes.TOO_LARGE),
        ("é" * (MAX_BYTES // 2 + 1), codes.TOO_LARGE),
        ("a: " + "&x [" * 10 + "*x" + "]" * 10, codes.BAD_ALIAS),
        ("a: !!python/object/apply:os.system ['true']", codes.TAG),
    ],
    ids=lambda value: value if len(value) < 20 else value[:10],
)
def test_huge_and_hostile_texts_are_refused(text: str, code: str) -> None:
    parsed = parse(text)
    assert parsed.spec is None
    assert code in {problem.code for problem in parsed.problems}


def test_aliases_cannot_go_deeper_than_the_limit() -> None:
    text = "a: &a [x]\n" + "\n".join(
        f"k{n}: &k{n} [*{'a' if n == 0 else f'k{n - 1}'}]" for n in range(MAX_DEPTH)
    )
    assert [problem.code for problem in parse(text).problems] == [codes.TOO_DEEP]


def test_the_deepest_allowed_text_is_read() -> None:
    rows = "[" * (MAX_DEPTH - 8) + "]" * (MAX_DEPTH - 8)
    tests = f"[{{name: t, given: {{s: [{{a: {rows}}}]}}, expect: {{s: []}}}}]"
    assert parse(definition(tests=tests)).problems == ()


def test_not_more_problems_are_shown_than_people_read() -> None:
    text = "\n".join(f"key{number}: 1" for number in range(5000))
    problems = parse(text).problems
    assert len(problems) == MAX_PROBLEMS + 1
    assert problems[-1].code == codes.TOO_MANY_PROBLEMS


def test_long_lines_are_cut_around_the_place() -> None:
    text = definition(description="x" * 1000, sources="{s: {csv: {uri: a, colums: 1}}}".rjust(900))
    for problem in parse(text).problems:
        line, carets = problem.excerpt.split("\n")
        assert len(line) <= 160
        assert line[carets.index("^") :].startswith("colums")
