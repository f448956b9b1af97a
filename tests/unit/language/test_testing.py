"""The examples of a definition, run by the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from etlplus.engine import RustEngine
from etlplus.language.testing import CaseResult, run_tests
from tests.unit.language.definitions import CONTEXT, definition, sound

PIPELINE = definition(
    params="{least: {type: decimal, default: 0.00}, day: {type: date}}",
    sources="{orders: {csv: {uri: a.csv, columns: {amount: text}}}, "
    "users: {postgres: {connection: crm, table: u}}}",
    steps="[{name: clean, from: orders, map: {amount: 'cast(amount as decimal(12,2))'}}, "
    "{name: joined, sql: 'select c.*, u.segment from clean c left join users u using (email)'}, "
    "{name: checked, validate: {rules: [{name: r, expr: 'amount >= ${params.least}'}]}}, "
    "{name: dated, map: {day: '${params.day}'}}]",
    sinks="{o: {postgres: {connection: local, table: t}}}",
    tests="TESTS",
)
ORDER = "{order_id: 1, amount: '9.90', email: a}"


def run(folder: Path, *tests: str) -> list[CaseResult]:
    data = sound(PIPELINE.replace("TESTS", f"[{', '.join(tests)}]"))
    return list(run_tests(data, RustEngine(), folder, CONTEXT))


def test_examples_that_hold(tmp_path: Path) -> None:
    given = f"given: {{orders: [{ORDER}], users: [{{email: a, segment: s}}]}}"
    results = run(
        tmp_path,
        f"{{name: joins, {given}, expect: {{checked: [{{amount: 9.9, segment: s}}]}}}}",
        f"{{name: dates, {given}, params: {{day: 2024-02-29}}, "
        "expect: {dated: [{day: 2024-02-29}]}}",
        "{name: given step, given: {joined: [{amount: 1}, {amount: 2}]}, "
        "expect: {checked: [{amount: 2}, {amount: 1}]}}",
    )
    assert [(result.name, result.failures) for result in results] == [
        ("joins", ()),
        ("dates", ()),
        ("given step", ()),
    ]


def test_rejects_are_compared(tmp_path: Path) -> None:
    rows = "[{amount: x, email: a}, {amount: '-1', email: a}]"
    (result,) = run(
        tmp_path,
        f"{{name: r, given: {{orders: {rows}, users: [{{email: a, segment: s}}]}}, "
        "params: {day: 2024-01-01}, expect: {checked: [], rejects: ["
        "{step: clean, column: amount, code: CONVERSION_FAILED}, {code: RULE_BROKEN}]}}",
    )
    assert result.failures == ()


@pytest.mark.parametrize(
    ("test", "failure"),
    [
        (
            "given: {joined: [{amount: 1}]}, expect: {checked: [{amount: 2}]}",
            "expected, not produced",
        ),
        ("given: {orders: [{amount: x}]}, expect: {clean: [{amount: 1}]}", "1 row was rejected"),
        ("given: {joined: [{amount: 1}]}, expect: {checked: [{nope: 2}]}", "no column `nope`"),
        ("given: {orders: [{amount: x}]}, expect: {joined: []}", "no rows for the source `users`"),
        ("given: {joined: [{amount: 1}]}, expect: {dated: []}", "needs a value"),
        ("given: {joined: [{other: 1}]}, expect: {checked: []}", "amount"),
    ],
)
def test_what_fails_is_said(tmp_path: Path, test: str, failure: str) -> None:
    (result,) = run(tmp_path, f"{{name: t, {test}}}")
    assert not result.passed
    assert failure in " ".join(result.failures)


def test_nothing_outside_the_folder_is_touched(tmp_path: Path) -> None:
    run(tmp_path, "{name: t, given: {joined: [{amount: 1}]}, expect: {checked: [{amount: 1}]}}")
    assert {path.name for path in tmp_path.iterdir()} == {"0"}
