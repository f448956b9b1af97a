"""Every code of the language can be produced, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from etlplus.domain.errors import InvalidInput
from etlplus.engine import RustEngine
from etlplus.language import codes, parse
from tests.unit.language.definitions import definition, lowered

SQL = RustEngine().read_sql
LAUGHS = "\n".join(
    f"{name}: &{name} [{', '.join([below] * 10)}]"
    for below, name in [("x", "a"), ("*a", "b"), ("*b", "c"), ("*c", "d"), ("*d", "e"), ("*e", "f")]
)


def refused(run: Callable[[], object]) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        run()
    return [problem.code for problem in caught.value.problems]


TEXTS: dict[str, str] = {
    codes.SYNTAX: "a: [",
    codes.TAB: "a:\n\t- b",
    codes.TOO_LARGE: "x" * ((1 << 20) + 1),
    codes.TOO_DEEP: "[" * 100_000,
    codes.TOO_MANY_NODES: LAUGHS,
    codes.BAD_ALIAS: "a: &a [*a]",
    codes.TAG: "a: !!python/object/apply:os.system [x]",
    codes.SEVERAL_DOCUMENTS: "a: 1\n---\nb: 1",
    codes.EMPTY: "# nothing",
    codes.BAD_CHARACTER: "a: \0",
    codes.DUPLICATE_KEY: "a: 1\na: 2",
    codes.COMPLEX_KEY: "? [a]\n: b",
    codes.MERGE_KEY: "a: &a {b: 1}\nc: {<<: *a}",
    codes.TOO_MANY_PROBLEMS: "\n".join(f"key{number}: 1" for number in range(300)),
    codes.UNKNOWN_FIELD: definition(colour="red"),
    codes.WRONG_SHAPE: definition(steps="{}"),
    codes.WRONG_TYPE: definition(steps="[{limit: ten}]"),
    codes.VALUE_MISSING: definition() + "\nsteps:\n-\n",
    codes.TWO_KINDS: definition(steps="[{limit: 1, filter: x}]"),
    codes.NO_KIND: definition(steps="[{name: a}]"),
    codes.KEY_GIVEN_TWICE: definition(sinks="{o: {name: o, csv: o.csv}}"),
    codes.LIMIT: definition(description="x" * 2001),
    codes.REQUIRED: "api: etlplus/v1",
    codes.NOT_ALLOWED: definition(steps="[{limit: 1, on_error: stop}]"),
    codes.PATTERN: definition(name="Bad Name"),
    codes.TEMPLATE: definition(steps="[{filter: 'x = {{ y }}'}]"),
    codes.MALFORMED: definition(steps="[{filter: 'x = ${params.}'}]"),
    codes.UNKNOWN_NAMESPACE: definition(steps="[{filter: 'x = ${param.x}'}]"),
    codes.UNDECLARED_PARAM: definition(steps="[{filter: 'x = ${params.x}'}]"),
    codes.NOT_INTERPOLATED: definition(steps="[{select: ['${params.x}']}]"),
    codes.QUOTED_IN_SQL: definition(steps="""[{filter: "x = '${run.id}'"}]"""),
    codes.EXPOSED: definition(sinks="{o: {csv: '${secret.x}.csv'}}"),
    codes.UNKNOWN_RUN_FIELD: definition(steps="[{filter: 'x = ${run.day}'}]"),
    codes.DUPLICATE_NAME: definition(steps="[{name: s, limit: 1}]"),
    codes.UNDEFINED: definition(steps="[{from: rejects, limit: 1}]"),
    codes.FORWARD: definition(steps="[{name: a, from: b, limit: 1}, {name: b, from: s, limit: 1}]"),
    codes.RESERVED: definition(steps="[{name: rejects, limit: 1}]"),
    codes.AMBIGUOUS_FROM: definition(sources="{s: {csv: a.csv}, t: {csv: b.csv}}"),
    codes.KEYS_MISSING: definition(sinks="{o: {postgres: {connection: c, table: t, mode: merge}}}"),
    codes.HISTORY_UNUSED: definition(
        sinks="{o: {postgres: {connection: c, table: t, history: {deleted: close}}}}"
    ),
    codes.LOOKBACK: definition(
        sources="{s: {postgres: {connection: c, table: t, incremental: {cursor: a, lookback: 1}}}}",
        sinks="{o: {postgres: {connection: c, table: u}}}",
    ),
    codes.PARTIAL: definition(
        sources="{s: {postgres: {connection: c, table: t, incremental: at}}}"
    ),
    codes.ONE_AT_A_TIME: definition(
        sources="{s: {postgres: {connection: c, table: t, incremental: at}}}",
        sinks="{o: {postgres: {connection: c, table: u}}}",
        limits="{concurrency: 2}",
    ),
    codes.KEYS_UNUSED: definition(sinks="{o: {postgres: {connection: c, table: t, keys: [a]}}}"),
    codes.TABLE_OR_QUERY: definition(sources="{s: {postgres: {connection: c}}}"),
    codes.JOIN_KEYS: definition(steps="[{join: {with: s}}]"),
    codes.CYCLE: definition(steps="[{name: a, from: b, limit: 1}, {name: b, limit: 1}]"),
    codes.NOTHING_CHECKED: definition(steps="[{validate: {}}]"),
    codes.ROUTE_OUTPUT: definition(steps="[{route: {a: x}}, {limit: 1}]"),
    codes.MASK_OPTIONS: definition(steps="[{mask: {a: hash}}]"),
    codes.LOOKUP_ONLY: definition(
        steps="[{join: {with: a, on: [x], missing: reject}}]",
    ),
    codes.NOTHING_COMPUTED: definition(steps="[{aggregate: {}}]"),
    codes.REPEATED_COLUMN: definition(steps="[{select: [a, a]}]"),
    codes.SAME_TARGET: definition(sinks="{o: {csv: o.csv}, p: {csv: o.csv}}"),
    codes.BAD_TEST: definition(tests="[{name: t}]"),
    codes.CRON: definition(schedule="'0 25 * * *'"),
    codes.TIMING: definition(schedule="{cron: '@daily', every: 15m}"),
    codes.ZONE: definition(schedule="{cron: '@daily', timezone: Europe/Berln}"),
    codes.INTERVAL: definition(schedule="{every: 1500ms}"),
    codes.SCHEDULE_TIME: definition(schedule="{at: tomorrow}"),
    codes.SCHEDULE_OPTION: definition(schedule="{cron: '@daily', max_catchup: 2}"),
    codes.UNSCHEDULABLE: definition(schedule="'@daily'", sources="{s: {stream: {}}}"),
    codes.WRITTEN_OUT: definition(triggers="{webhook: hunter2}"),
    codes.TRIGGERED_BY_ITSELF: definition(triggers="{after: [small]}"),
    codes.WATCHED_SOURCE: definition(triggers="{files: orders}"),
    codes.WATCHED_URI: definition(
        triggers="{files: s}", sources="{s: {csv: '${run.scheduled_date}.csv'}}"
    ),
    codes.WATCHED_APPEND: definition(triggers="{files: s}", sinks="{o: {csv: out/}}"),
    codes.KEY_UNKNOWN: definition(limits="{concurrency: {max: 1, key: '${env.REGION}'}}"),
    codes.SPAN: definition(limits="{starts: {max: 1, per: 0s}}"),
    codes.VOLUME: definition(limits="{volume: {min_rows: 2, max_rows: 1}}"),
    codes.UNUSED_SOURCE: definition(
        sources="{s: {csv: a.csv}, t: {csv: b.csv}}", sinks="{o: {from: s, csv: o.csv}}"
    ),
    codes.NO_SQL: definition(steps="[{filter: n >}]"),
    codes.UNUSED_STEP: definition(steps="[{limit: 1}]", sinks="{o: {from: s, csv: o.csv}}"),
    codes.UNUSED_PARAM: definition(params="{p: 1}"),
    codes.BAD_DEFAULT: definition(params="{p: {type: int, default: x}}"),
    codes.NOT_ONE_OF: definition(params="{p: {one_of: [a], default: b}}"),
}  # fmt: skip

RUNS: dict[str, Callable[[], object]] = {
    codes.PARAM_MISSING: lambda: lowered(definition(params="{p: }")),
    codes.PARAM_TYPE: lambda: lowered(definition(params="{p: {type: int}}"), p="one"),
    codes.PARAM_UNKNOWN: lambda: lowered(definition(), p="1"),
    codes.ENV_MISSING: lambda: lowered(definition(sinks="{o: {csv: '${env.NOWHERE}.csv'}}")),
}


@pytest.mark.parametrize("code", codes.MEANINGS)
def test_the_code_can_be_produced(code: str) -> None:
    if code in RUNS:
        assert code in refused(RUNS[code])
    else:
        assert code in [problem.code for problem in parse(TEXTS[code], SQL).problems]


def test_every_constant_has_a_meaning() -> None:
    constants = {
        value for name, value in vars(codes).items() if name.isupper() and isinstance(value, str)
    }
    assert constants == set(codes.MEANINGS) == set(codes.HINTS)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_problems_are_complete(text: str) -> None:
    for problem in parse(text, SQL).problems:
        assert problem.code in codes.MEANINGS
        assert problem.message
        assert problem.hint
        assert problem.severity == ("warning" if problem.code.startswith("W") else "error")
