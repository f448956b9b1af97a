"""How far a sample carries, and what is scaled up from it."""

from __future__ import annotations

import pytest

from etlplus.domain.expectation import (
    Node,
    Reach,
    Sampled,
    expected_rejects,
    expected_rows,
    reach,
)
from etlplus.domain.run import NodeCounters, RejectCount

#: 1000 of about 10 000 records were read, 800 fitted, 400 of them went on: each stands for 20.
PART = Sampled(read=1000, good=800, passed=400, total=10_000)
WHOLE = Sampled(read=50, good=48, passed=48, whole=True)


def source(name: str, unread: str = "") -> Node:
    return Node(name, "csv", "source", unread=unread)


def step(name: str, *inputs: str, by_row: bool = True) -> Node:
    return Node(name, "step", "step", inputs, by_row=by_row)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (step("s", "part"), Reach("part")),
        (step("s", "whole"), Reach()),
        (step("s", "part", by_row=False), "depends on all rows of part"),
        (step("s", "whole", by_row=False), Reach()),
        (step("s", "part", "whole"), Reach("part")),
        (step("s", "whole", "part"), "depends on all rows of part"),
        (step("s", "part", "part"), "depends on all rows of part"),
        (step("s", "part", "whole", by_row=False), "depends on all rows of part"),
        (step("s", "whole", "whole", by_row=False), Reach()),
        (step("s", "table"), "it reads table: a plan reads no tables"),
        (step("s", "part", "table"), "it reads table: "),
        (step("s", "late"), "it reads late: no time"),
        (step("s", "rejects"), "it writes the rejects"),
    ],
)
def test_how_far_a_sample_carries(node: Node, expected: Reach | str) -> None:
    sources = {"part": PART, "whole": WHOLE, "late": Sampled(unread="no time")}
    nodes = [
        source("part"),
        source("whole"),
        source("late"),
        source("table", "a plan reads no tables"),
        node,
    ]
    found = reach(nodes, sources)["s"]
    if isinstance(expected, str):
        assert expected in found.unknown
    else:
        assert found == expected


def test_what_is_unknown_stays_so_to_the_end_and_says_why_once() -> None:
    nodes = [
        source("part"),
        step("groups", "part", by_row=False),
        step("more", "groups"),
        Node("out", "csv", "sink", ("more",), by_row=True),
    ]
    found = reach(nodes, {"part": PART})
    assert found["more"].unknown == found["out"].unknown
    assert found["out"].unknown.startswith("it reads groups: it depends on all rows of part")


def test_rows_are_scaled_by_the_source_and_counted_where_it_is_whole() -> None:
    nodes = [source("part"), source("whole"), step("a", "part"), step("b", "whole")]
    sources = {"part": PART, "whole": WHOLE}
    counters = {
        "a": NodeCounters("a", "filter", rows_in=400, rows_out=100, rejected=3),
        "b": NodeCounters("b", "filter", rows_in=48, rows_out=10, rejected=1),
    }
    found = expected_rows(nodes, reach(nodes, sources), sources, counters)
    figures = [(each.name, each.looked_at, each.rows, each.rejected, each.exact) for each in found]
    assert figures == [
        ("part", 1000, 8000, 2000, False),
        ("whole", 50, 48, 2, True),
        ("a", 400, 2000, 60, False),
        ("b", 48, 10, 1, True),
    ]


def test_nothing_is_scaled_where_nobody_knows_how_large_a_source_is() -> None:
    nodes = [source("part"), step("a", "part"), step("b", "part")]
    sources = {"part": Sampled(read=1000, good=800, passed=400)}
    counters = {"a": NodeCounters("a", "filter", rows_in=400, rows_out=100)}
    reached = reach(nodes, sources)
    first, second, third = expected_rows(nodes, reached, sources, counters)
    assert (first.looked_at, first.rows, second.looked_at, second.rows) == (1000, None, 400, None)
    assert first.unknown == second.unknown == "nobody can tell how many records part has"
    assert (third.rows, third.unknown) == (None, "the sample did not get there")
    (reject,) = expected_rejects([RejectCount("a", "x", "C", 5)], reached, sources, {})
    assert (reject.seen, reject.rows, reject.exact) == (5, None, False)


def test_rejects_of_a_source_are_scaled_by_all_its_records_and_those_of_steps_by_what_passed() -> (
    None
):
    nodes = [source("part"), step("a", "part"), step("g", "part", by_row=False)]
    sources = {"part": PART}
    counts = [
        RejectCount("part", "x", "CONVERSION_FAILED", 200),
        RejectCount("a", "", "RULE_BROKEN", 4),
        RejectCount("g", "", "DUPLICATE_KEY", 9),
    ]
    found = expected_rejects(counts, reach(nodes, sources), sources, {})
    assert [(each.step, each.seen, each.rows) for each in found] == [
        ("part", 200, 2000),
        ("a", 4, 80),
    ]
