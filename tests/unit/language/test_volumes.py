"""What definitions say of the volume of their runs."""

from __future__ import annotations

import pytest

from etlplus.domain.volume import Volume
from etlplus.language import PipelineLanguage, codes, parse
from tests.unit.language.definitions import definition, sound


def volume(limit: str, **parts: str) -> Volume | None:
    text = definition(limits=f"{{volume: {limit}}}", **parts)
    return PipelineLanguage().summarize(sound(text)).volume


def test_a_definition_that_says_nothing_has_no_limit() -> None:
    assert PipelineLanguage().summarize(sound(definition())).volume is None


def test_what_is_not_said_is_as_usual() -> None:
    assert volume("0.5") == Volume(("o",), change=0.5)
    assert volume("{min_rows: 0}") == Volume(("o",), least=0)


def test_everything_that_is_said_is_read() -> None:
    found = volume(
        "{min_rows: 1, max_rows: 9, change: 2, runs: 5, action: warn, empty: fail, of: [s, o]}"
    )
    assert found == Volume(("s", "o"), 1, 9, 2.0, 5, fails=False, empty=True)
    assert volume("{change: 1, action: warn}") == Volume(
        ("o",), change=1.0, fails=False, empty=False
    )
    assert volume("{max_rows: 1, empty: allow}") == Volume(("o",), most=1, empty=None)


def test_sinks_of_rejects_are_not_counted_unless_they_are_named() -> None:
    sinks = "{o: {from: s, csv: out.csv}, bad: {from: rejects, csv: bad.csv}}"
    found = volume("0.5", sinks=sinks)
    assert found is not None
    assert found.of == ("o",)


@pytest.mark.parametrize(
    ("limit", "code", "path"),
    [
        ("{min_rows: 2, max_rows: 1}", codes.VOLUME, "limits.volume.min_rows"),
        ("{empty: allow}", codes.VOLUME, "limits.volume.empty"),
        ("{max_rows: 1, empty: allow, runs: 2}", codes.VOLUME, "limits.volume.runs"),
        ("{change: 1, of: [x]}", codes.UNDEFINED, "limits.volume.of[0]"),
        ("{change: 0}", codes.LIMIT, "limits.volume.change"),
        ("{change: 1, runs: 0}", codes.LIMIT, "limits.volume.runs"),
        ("{action: stop}", codes.NOT_ALLOWED, "limits.volume.action"),
        ("{empty: stop}", codes.NOT_ALLOWED, "limits.volume.empty"),
        ("{change: 1, of: [s, s]}", codes.LIMIT, "limits.volume.of"),
    ],
)
def test_what_is_wrong_is_named(limit: str, code: str, path: str) -> None:
    parsed = parse(definition(limits=f"{{volume: {limit}}}"))
    assert parsed.spec is None
    assert [(each.code, each.path) for each in parsed.problems] == [(code, path)]
