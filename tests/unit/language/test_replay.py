"""Which rejects can be replayed, by the shape of the pipeline."""

from __future__ import annotations

import pytest

from etlplus.domain.errors import WrongState
from etlplus.domain.replay import Refused, ReplayPlan, ReplaySource
from etlplus.language.replay import plan_replay
from tests.unit.language.definitions import definition, spec

OUT = "{o: {jsonl: out/}}"
TWO_OF_M = "{o: {from: m, jsonl: o/}, p: {from: m, csv: p/}}"
SPLIT = "{o: {from: m, jsonl: o/}, p: {from: s, csv: p/}}"
KEPT = "{o: {from: s, jsonl: o/}, bad: {from: rejects, csv: bad/}}"
PARQUET = "{s: {parquet: in.parquet}}"
TWO = "{s: {csv: in.csv}, t: {csv: other.csv}}"


def planned(text: str, *refused: Refused, newest: str = "") -> ReplayPlan:
    return plan_replay(spec(text), spec(newest or text), refused)


def steps(*texts: str, **parts: str) -> str:
    return definition(steps="[" + ", ".join(texts) + "]", **{"sinks": OUT, **parts})


def join(how: str, name: str = "j", **parts: str) -> str:
    text = f"{{name: {name}, from: s, join: {{with: t, on: [id], how: {how}}}}}"
    return steps(text, **{"sources": TWO, **parts})


#: What is refused by `s` or the step or sink named, and how the pipeline looks.
GOOD: dict[str, tuple[str, str]] = {
    "a source": ("s", definition(sinks=OUT)),
    "a source of json lines": ("s", definition(sources="{s: {jsonl: in.jsonl}}", sinks=OUT)),
    "a sink": ("o", definition(sinks=OUT)),
    "merge": (
        "s",
        definition(sinks="{o: {postgres: {connection: c, table: t, mode: merge, keys: [id]}}}"),
    ),
    "a chain": (
        "last",
        steps(
            "{filter: a > 1}",
            "{select: [a, b]}",
            "{map: {c: a + 1}}",
            "{rename: {c: d}}",
            "{drop: [b]}",
            "{cast: {a: int}}",
            "{validate: {not_null: [a]}}",
            "{mask: {d: redact}}",
            "{name: last, map: {e: a}}",
        ),
    ),
    "lookup": ("j", join("lookup")),
    "semi": ("o", join("semi")),
    "anti": ("o", join("anti")),
    "before an inner join": ("s", join("inner")),
    "before a left join": ("s", join("left")),
    "with an inner join": ("t", join("inner")),
    "with a right join": ("t", join("right")),
    "a sort after it": ("s", steps("{sort: [a]}")),
    "an unnest after it": ("s", steps("{unnest: a}")),
    "an unnest": ("u", steps("{name: u, unnest: a}")),
    "a fan-out after it": ("m", steps("{name: m, map: {a: b}}", sinks=TWO_OF_M)),
    "a route": (
        "r",
        steps(
            "{name: r, route: {outputs: {big: a > 1}, default: rest}}",
            sinks="{o: {from: r.big, jsonl: o/}, p: {from: r.rest, csv: p/}}",
        ),
    ),
    "the source before a fan-out": (
        "s",
        steps("{name: m, map: {a: b}}", sinks=SPLIT),
    ),
    "rejects kept in a folder": ("s", definition(sinks=KEPT)),
    "an aggregate of what is looked up": (
        "j",
        steps(
            "{name: g, from: t, aggregate: {by: [id]}}",
            "{name: j, from: s, join: {with: g, on: [id], how: lookup}}",
            sources=TWO,
        ),
    ),
}  # fmt: skip

#: The same, with where it cannot be done and a part of the reason.
BAD: dict[str, tuple[str, str, str, str]] = {
    "parquet": ("s", definition(sources=PARQUET, sinks=OUT), "s", "parquet source"),
    "postgres": (
        "s",
        definition(sources="{s: {postgres: {connection: c, table: t}}}", sinks=OUT),
        "s",
        "postgres source",
    ),
    "replace": ("s", definition(), "s", "`o` has the mode replace"),
    "rejects in one file": (
        "s",
        definition(sinks="{o: {from: s, jsonl: o/}, bad: {from: rejects, csv: bad.csv}}"),
        "s",
        "`bad` has the mode replace",
    ),
    "a fan-out before it": (
        "m",
        steps("{name: m, map: {a: b}}", sinks=SPLIT),
        "m",
        "`s` is read more than once",
    ),
    "two sinks": (
        "o",
        definition(sinks="{o: {from: s, jsonl: o/}, p: {from: s, csv: p/}}"),
        "o",
        "`s` is read more than once",
    ),
    "a route before it": (
        "m",
        steps(
            "{name: r, route: {outputs: {big: a > 1}}}", "{name: m, from: r.big, map: {a: b}}"
        ),
        "m",
        "`r` (route) is not",
    ),
    "an unnest before it": (
        "m",
        steps("{unnest: a}", "{name: m, map: {a: b}}"),
        "m",
        "(unnest) is not",
    ),
    "an inner join before it": ("o", join("inner"), "o", "`j` (inner join)"),
    "a query": ("q", steps("{name: q, sql: select a from s}"), "q", "`q` (sql) is not"),
    "a query after it": ("s", steps("{name: q, sql: select a from s}"), "s", "`q` is a query"),
    "an aggregate": ("s", steps("{name: g, aggregate: {by: [a]}}"), "s", "`g` (aggregate)"),
    "a dedupe": ("s", steps("{name: d, dedupe: [a]}"), "s", "`d` (dedupe)"),
    "a limit": ("s", steps("{sort: [a]}", "{name: l, limit: 5}"), "s", "`l` (limit)"),
    "unique": ("s", steps("{name: v, validate: {unique: [a]}}"), "s", "`v` has `unique`"),
    "expect": ("s", steps("{name: v, validate: {expect: {min_rows: 1}}}"), "s", "has `expect`"),
    "before a right join": ("s", join("right"), "s", "`j` (right join)"),
    "before a full join": ("s", join("full"), "s", "`j` (full join)"),
    "with a left join": ("t", join("left"), "t", "`j` (left join)"),
    "with a lookup": ("t", join("lookup"), "t", "`j` (lookup join)"),
    "a key that is looked up": (
        "t",
        steps(
            "{name: v, from: s, validate: {references: [{to: t, on: [id]}]}}", sources=TWO
        ),
        "t",
        "`v` looks up keys in `t`",
    ),
    "a join with itself": (
        "s",
        steps(
            "{name: m, map: {a: b}}",
            "{name: j, from: m, join: {with: s, on: [a]}}",
        ),
        "s",
        "`j` joins records of `s` with each other",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_what_can_be_replayed(name: str) -> None:
    refusing, text = GOOD[name]
    plan = planned(text, Refused(refusing, 3))
    source = "t" if refusing == "t" else "s"
    assert plan == ReplayPlan((ReplaySource(source, (refusing,), 3),))


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_says_where_and_why(name: str) -> None:
    refusing, text, place, reason = BAD[name]
    with pytest.raises(WrongState) as caught:
        planned(text, Refused(refusing, 3))
    assert caught.value.code == "REPLAY_UNSUPPORTED"
    assert caught.value.place == place
    assert reason in caught.value.message
    assert caught.value.hint


def test_nothing_refused_is_nothing_to_replay() -> None:
    with pytest.raises(WrongState) as caught:
        planned(definition(sinks=OUT))
    assert caught.value.code == "NOTHING_TO_REPLAY"


def test_a_repeated_key_is_never_replayed_also_when_it_is_allowed_now() -> None:
    old = steps("{name: v, validate: {unique: [a], not_null: [b]}}")
    new = steps("{name: v, validate: {not_null: [b]}}")
    repeated = Refused("v", 2, frozenset({"DUPLICATE_KEY", "MISSING_VALUE"}))
    with pytest.raises(WrongState) as caught:
        planned(old, repeated, newest=new)
    assert caught.value.code == "NOTHING_TO_REPLAY"
    plan = planned(old, Refused("s", 3), repeated, newest=new)
    assert plan.sources == (ReplaySource("s", ("s",), 3),)
    (left,) = plan.left_out
    assert (left.step, left.rows, left.code) == ("v", 2, "DUPLICATE_KEY")


def test_a_part_is_replayed_and_the_rest_is_named() -> None:
    text = steps("{name: m, map: {a: b}}", sinks=SPLIT)
    plan = planned(text, Refused("s", 4), Refused("m", 1))
    assert plan.sources == (ReplaySource("s", ("s",), 4),)
    assert plan.rows == 4
    (left,) = plan.left_out
    assert (left.step, left.rows, left.code) == ("m", 1, "REPLAY_UNSUPPORTED")
    assert "`s` is read more than once" in left.reason


def test_several_steps_of_a_source_are_one_reading() -> None:
    text = steps("{name: m, map: {a: b}}", "{name: v, validate: {not_null: [a]}}")
    plan = planned(text, Refused("s", 4), Refused("v", 1), Refused("o", 2))
    assert plan.sources == (ReplaySource("s", ("s", "v", "o"), 7),)


def test_independent_sources_are_each_read_again() -> None:
    text = definition(sources=TWO, sinks="{o: {from: s, jsonl: o/}, p: {from: t, csv: p/}}")
    plan = planned(text, Refused("s", 4), Refused("t", 1))
    assert plan.sources == (ReplaySource("s", ("s",), 4), ReplaySource("t", ("t",), 1))


def test_a_source_without_rejects_is_not_loaded_twice() -> None:
    text = definition(sources=TWO, sinks="{o: {from: s, jsonl: o/}, p: {from: t, csv: p/}}")
    plan = planned(text, Refused("s", 4))
    assert plan.sources == (ReplaySource("s", ("s",), 4), ReplaySource("t", (), 0))


@pytest.mark.parametrize(
    ("source", "sink", "reason"),
    [
        ("{parquet: t.parquet}", "{from: t, csv: p/}", "`p` would be loaded again"),
        ("{csv: t.csv}", "{from: t, csv: p.csv}", "`p` has the mode replace"),
    ],
)
def test_a_sink_beside_that_would_be_loaded_again_is_refused(
    source: str, sink: str, reason: str
) -> None:
    text = definition(
        sources=f"{{s: {{csv: in.csv}}, t: {source}}}",
        sinks=f"{{o: {{from: s, jsonl: o/}}, p: {sink}}}",
    )
    with pytest.raises(WrongState) as caught:
        planned(text, Refused("s", 4))
    assert (caught.value.code, caught.value.place) == ("REPLAY_UNSUPPORTED", "p")
    assert reason in caught.value.message


def test_an_aggregate_beside_would_write_a_row_for_nothing() -> None:
    text = steps(
        "{name: g, from: t, aggregate: {columns: {n: count(*)}}}",
        sources=TWO,
        sinks="{o: {from: s, jsonl: o/}, p: {from: g, csv: p/}}",
    )
    with pytest.raises(WrongState, match=r"`g` .aggregate."):
        planned(text, Refused("s", 4))


def test_two_sources_that_are_joined_are_both_named() -> None:
    with pytest.raises(WrongState) as caught:
        planned(join("inner"), Refused("s", 4), Refused("t", 1))
    assert caught.value.code == "REPLAY_UNSUPPORTED"
    assert "`s` and `t`" in caught.value.message


def test_a_looked_up_source_is_read_whole_and_its_rejects_left_out() -> None:
    plan = planned(join("left"), Refused("s", 4), Refused("t", 1))
    assert plan.sources == (ReplaySource("s", ("s",), 4),)
    assert [left.step for left in plan.left_out] == ["t"]


def test_the_earlier_version_decides_what_was_loaded() -> None:
    twice = steps("{name: m, map: {a: b}}", sinks=SPLIT)
    once = steps("{name: m, map: {a: b}}")
    with pytest.raises(WrongState, match="`s` is read more than once"):
        planned(twice, Refused("m", 1), newest=once)
    grouped = steps("{name: g, aggregate: {by: [a]}}")
    with pytest.raises(WrongState, match=r"`g` .aggregate."):
        planned(grouped, Refused("s", 1), newest=once)


def test_a_mended_version_may_lack_the_step_or_have_another_mode() -> None:
    old = steps("{name: v, validate: {not_null: [a]}}", sinks="{o: {jsonl: out.jsonl}}")
    plan = planned(old, Refused("v", 2), newest=definition(sinks=OUT))
    assert plan.sources == (ReplaySource("s", ("v",), 2),)


@pytest.mark.parametrize(
    ("newest", "reason"),
    [
        (definition(sources="{s: {jsonl: in.jsonl}}", sinks=OUT), "no csv source `s`"),
        (definition(sources="{x: {csv: in.csv}}", sinks=OUT), "no csv source `s`"),
        (
            steps("{name: m, from: t, map: {a: b}}", sources=TWO, sinks=SPLIT),
            "`m` has `t` as its source",
        ),
    ],
)  # fmt: skip
def test_the_newest_version_must_read_the_same_source(newest: str, reason: str) -> None:
    old = steps("{name: m, map: {a: b}}")
    with pytest.raises(WrongState, match=reason):
        planned(old, Refused("m", 1), newest=newest)


def test_a_step_that_is_unknown_is_not_guessed() -> None:
    with pytest.raises(WrongState, match="no `gone`"):
        planned(definition(sinks=OUT), Refused("gone", 1))
