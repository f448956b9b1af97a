"""What differs between two versions of a definition."""

from __future__ import annotations

import pytest

from etlplus.domain.difference import NOTHING, Change, changes

STEPS = [{"name": "a", "filter": "x > 1"}, {"name": "b", "drop": ["y"]}]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"name": "p"}, {"name": "p"}, []),
        ({"limits": {"memory": "1GiB"}}, {}, [("limits", {"memory": "1GiB"}, NOTHING)]),
        (
            {"limits": {"memory": "1GiB"}},
            {"limits": {"memory": "2GiB", "timeout": "1h"}},
            [("limits.memory", "1GiB", "2GiB"), ("limits.timeout", NOTHING, "1h")],
        ),
        (
            {"steps": STEPS},
            {"steps": [STEPS[0], {"name": "b", "drop": ["z"]}]},
            [("steps.b.drop", ["y"], ["z"])],
        ),
        ({"given": {"a": None}}, {"given": {}}, [("given.a", None, NOTHING)]),
        ({"steps": STEPS}, {"steps": STEPS[:1]}, [("steps.b", {"drop": ["y"]}, NOTHING)]),
        ({"steps": STEPS}, {"steps": STEPS[::-1]}, [("steps (order)", ["a", "b"], ["b", "a"])]),
        (
            {"steps": STEPS},
            {"steps": [{"name": "new", "limit": 1}, *STEPS]},
            [("steps.new", NOTHING, {"limit": 1})],
        ),
    ],
)
def test_the_smallest_parts_that_differ_are_told(
    old: object, new: object, expected: list[tuple[str, object, object]]
) -> None:
    assert list(changes(old, new)) == [Change(*each) for each in expected]
